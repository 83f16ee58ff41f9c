//! Examples and events for the help and the man page.

use netcommon::cli::Manual;
use netcommon::service;

pub(crate) const MANUAL: Manual = Manual {
    examples: &[
        (
            "udp-server",
            "Show every datagram that comes to localhost:1234, and its sender.",
        ),
        (
            "udp-server --echo :: 1234",
            "Answer other machines too, over IPv4 and IPv6.",
        ),
        (
            "udp-server --json --time 1m 0.0.0.0 5514 > datagrams.json",
            "Capture a minute of datagrams as JSON.",
        ),
        (
            "udp-server --join 239.1.2.3@eth0 --hex 5000",
            "Watch a multicast group on one interface.",
        ),
    ],
    events: &[&[
        (
            r#"{"event":"listening","address":"127.0.0.1:1234"}"#,
            "The server is ready on the address that was bound.",
        ),
        (
            r#"{"event":"datagram","peer":"127.0.0.1:40404","bytes":4,"text":"hola","ttl":64,"dscp":0,"ecn":0,"destination":"127.0.0.1:1234"}"#,
            "A datagram. ttl (time to live, or hop limit), dscp (RFC 2474), ecn (RFC 3168) and \
             destination are there where the kernel tells them.",
        ),
        (
            r#"{"event":"summary","datagrams":3,"bytes":12,"dropped":0,"answered":3,"duration_s":1.5}"#,
            "The end. dropped is what the kernel dropped for this socket, where it tells; \
             with \"dropped_at_least\":true it may have been more, as the kernel counts one for several \
             that it joined. answered is there with --echo.",
        ),
        (
            r#"{"event":"summary","datagrams":9202,"bytes":588888,"dropped":650,"answered":9202,"duration_s":12.5,"expected":10000,"lost":800,"lost_here":{"socket":650,"host_at_most":12},"lost_before":138}"#,
            "The end when probes came: where those of all flows were lost. socket is what its full buffer \
             dropped, host_at_most what this machine dropped elsewhere, of whatever traffic; lost_before \
             is the rest. What is not known is null: socket has socket_at_least beside it where the kernel \
             joined datagrams, and socket_at_most where others than probes came as well.",
        ),
        (
            r#"{"event":"summary","peer":"127.0.0.1:40404","run":"1f2e3d4c","flow":0,"began_at":1,"received":98,"lost":2,"corrupted":0,"duplicate":1,"reordered":3,"unmatched":0,"jitter_s":0.000012}"#,
            "The probes of one flow of a measuring client, once it is closed or silent: losses are told \
             from the number that it began at to the last that was sent, as far as that is known.",
        ),
    ]],
    environment: service::ENVIRONMENT,
    files: &[(
        "/usr/lib/systemd/system/udp-server.service, /usr/lib/systemd/system/udp-server.socket",
        "The units of the package. Their comments tell how to change the arguments, take a port below \
         1024, and restart without losing datagrams.",
    )],
    bugs: "The sender of a datagram can be forged, and --echo answers it. The kernel counts one drop for \
           many datagrams that it has joined: the number of drops is then the least that were.",
};
