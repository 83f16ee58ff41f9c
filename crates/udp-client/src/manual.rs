//! Examples and events for the help and the man page.

use netcommon::cli::Manual;
use netmeasure::report::manual::EVENTS;

pub(crate) const MANUAL: Manual = Manual {
    examples: &[
        ("udp-client", "Send one datagram to localhost:1234."),
        (
            "udp-client -m hola -w 1s 192.0.2.7:1234",
            "Send a message, and print the reply; exit code 5 if none comes.",
        ),
        (
            "udp-client -e --data-hex '00 01 ff' 192.0.2.7:1234",
            "Send three bytes, and demand them back: exit code 1 for any others, 5 if none come.",
        ),
        (
            "dmesg | udp-client --lines 192.0.2.7 5514",
            "Send each line of another program as a datagram.",
        ),
        (
            "udp-client --broadcast -w 1s 192.0.2.255 1234",
            "Ask a whole network, and print all that answer.",
        ),
        (
            "udp-client -t 10s --rate 1000 --report 1s 192.0.2.7:1234",
            "Measure loss and round trips at a thousand datagrams a second.",
        ),
    ],
    events: &[
        &[(
            r#"{"event":"reply","peer":"127.0.0.1:1234","bytes":4,"text":"hola"}"#,
            "A reply, and its sender. With no --timeout there are none.",
        )],
        EVENTS,
    ],
    environment: &[],
    files: &[],
    bugs: "Unless it measures, or demands the same bytes back, any datagram from the server is taken for \
           the reply.",
};
