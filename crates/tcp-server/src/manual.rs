//! Parts of the help and the man page beside the options.

use netcommon::cli::Manual;
use netcommon::service;

pub(crate) const MANUAL: Manual = Manual {
    examples: &[
        (
            "tcp-server",
            "Echo on localhost:1234 until Ctrl-C, and say who connects.",
        ),
        (
            "tcp-server 0.0.0.0 7 --max-clients 100",
            "Serve other machines too, a hundred clients at once.",
        ),
        (
            "tcp-server --once --hex",
            "Show what one client sends, then exit.",
        ),
        (
            "tcp-server --json --idle-timeout 10m",
            "Log connections as JSON, and close those that are silent.",
        ),
    ],
    events: &[&[
        (
            r#"{"event":"listening","address":"127.0.0.1:1234"}"#,
            "The server is ready on the address that was bound.",
        ),
        (
            r#"{"event":"connected","peer":"127.0.0.1:40404"}"#,
            "A client was accepted.",
        ),
        (
            r#"{"event":"closed","peer":"127.0.0.1:40404","bytes":15,"undelivered":0,"unread":0,"duration_s":0.25,"reason":"finished","held_up":{"receiver":0.82,"network":0.15,"sndbuf":0.0,"program":0.03},"retransmitted_bytes":1448,"retransmitted_percent":0.02,"tcp_rtt_s":0.0021,"tcp_min_rtt_s":0.0004}"#,
            "A client is gone: bytes echoed to it, bytes that came from it and did not get back to it, \
             those of them that were never read, and how it ended: finished, reset, idle, drained, \
             cut or failed. held_up shares the time out among the client's window, the network, the \
             send buffer, and the server, which had nothing to echo; retransmitted_percent is of the \
             bytes that TCP sent, tcp_rtt_s its smoothed round trip.",
        ),
    ]],
    environment: service::ENVIRONMENT,
    files: &[
        (
            "/usr/lib/systemd/system/tcp-server.service, /usr/lib/systemd/system/tcp-server.socket",
            "The units of the package. Their comments tell how to change the arguments, take a port below \
             1024, and restart without a refused connection.",
        ),
        (
            "/proc/sys/net/core/somaxconn",
            "The largest backlog that --backlog gets (listen(2)).",
        ),
    ],
    bugs: "Elsewhere than on Linux, a client whose handshake is under way when the server ends may be \
           reset.",
};
