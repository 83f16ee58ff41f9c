//! Examples and events for the help and the man page.

use netcommon::cli::Manual;
use netmeasure::report::manual::{EVENTS, STREAM_EVENTS};

pub(crate) const MANUAL: Manual = Manual {
    examples: &[
        (
            "tcp-client",
            "Say hello to a server on localhost:1234, and print its reply.",
        ),
        (
            "tcp-client --expect-echo -f disk.img 192.0.2.7:1234 > /dev/null",
            "Send a file through a path to an echo server, and demand every byte back.",
        ),
        (
            "tcp-client -f - [2001:db8::7]:1234",
            "Type to a server, and see what it says.",
        ),
        (
            "tcp-client --connect-timeout 2s -f /dev/null 192.0.2.7:443",
            "Ask whether a firewall lets a connection pass: the exit code tells. A proxy on the way \
             answers for itself: with -e in place of -f /dev/null, an echo server behind it answers.",
        ),
        (
            "tcp-client --retry 30s --expect-echo 192.0.2.7:1234",
            "Wait until a service answers that has just been started.",
        ),
        (
            "tcp-client -t 10s -P 64 --max-loss 0.1 --max-p99 20ms 192.0.2.7:1234",
            "Measure round trips on 64 connections; exit code 1 when a bound is broken.",
        ),
    ],
    events: &[
        &[
            (
                r#"{"event":"connected","peer":"127.0.0.1:1234","local":"127.0.0.1:40404"}"#,
                "The connection stands; local is this end.",
            ),
            (
                r#"{"event":"message","bytes":15,"text":"Hola, servidor!"}"#,
                "Part of the reply, as it came: TCP keeps the order of bytes, but no boundaries \
             between messages.",
            ),
            (
                r#"{"event":"closed","peer":"127.0.0.1:1234","sent":15,"received":15,"duration_s":0.25,"held_up":{"receiver":0.82,"network":0.15,"sndbuf":0.0,"program":0.03},"retransmitted_bytes":1448,"retransmitted_percent":0.02,"tcp_rtt_s":0.0021,"tcp_min_rtt_s":0.0004}"#,
                "The exchange ended well: bytes sent and received, how long it took, and what held \
                 it up, as in the summary of --stream.",
            ),
        ],
        EVENTS,
        STREAM_EVENTS,
    ],
    environment: &[],
    files: &[],
    bugs: "A proxy on the way that accepts connections itself hides whether anything listens behind it; \
           --expect-echo asks.",
};
