//! The events of measuring, for the man pages of both clients.

use netcommon::cli::Entries;

/// Replies, intervals and the summary of a measurement of round trips and loss.
pub const EVENTS: Entries = &[
    (
        r#"{"event":"reply","peer":"127.0.0.1:1234","flow":0,"sequence":1,"bytes":64,"verdict":"received","rtt_s":0.000025}"#,
        "Measuring: a reply, with -i. The verdict is received (right, within -w), late (right, after \
         -w), duplicate (not the first of its message), corrupted (with other bytes) or unmatched \
         (to no message of this run, and without sequence and rtt_s).",
    ),
    (
        r#"{"event":"interval","from_s":0.0,"to_s":1.0,"sent":100,"received":98,"late":1,"lost":1,"corrupted":0,"in_flight":0,"unsent":0,"duplicate":0,"reordered":0,"unmatched":0,"bytes_sent":6400,"bytes_received":6336,"messages_per_s":98.0,"bytes_per_s":6336.0,"rtt_mean_s":0.000105,"rtt_max_s":0.0021}"#,
        "Measuring: what was decided in an interval of --report. All intervals together are the \
         summary.",
    ),
    (
        r#"{"event":"summary","target":"localhost:1234","peer":"127.0.0.1:1234","flows":1,"broken_flows":0,"length":64,"duration_s":60.0,"in_time_percent":97.1,"sent":3000,"received":2913,"late":7,"lost":79,"corrupted":1,"in_flight":0,"unsent":0,"duplicate":3,"reordered":2,"unmatched":0,"bytes_sent":192000,"bytes_received":187136,"loss_percent":2.633,"lost_here":{"socket":50,"host_at_most":4},"lost_before":25,"messages_per_s":48.55,"bytes_per_s":3118.9,"rtt_min_s":0.0001,"rtt_mean_s":0.0002,"rtt_p50_s":0.0002,"rtt_p90_s":0.0003,"rtt_p99_s":0.002,"rtt_p99_9_s":2.1,"rtt_max_s":2.2,"jitter_s":0.00001,"lag_p99_s":0.00002,"lag_max_s":0.0004,"waiting_p99_s":0.00001,"waiting_max_s":0.0003,"rtt_with_waiting_p99_s":0.002,"rtt_with_waiting_max_s":2.2,"histogram":[{"from_s":0.0001,"to_s":0.0002,"count":2913}]}"#,
        "Measuring: the end. Each message that was sent is in exactly one of received, late, lost \
         (older than -w without a reply), corrupted and in_flight (younger than -w when the run was \
         interrupted); unsent messages were due and never sent. in_time_percent is received / (sent \
         + unsent - in_flight), loss_percent is lost / (sent - in_flight). A figure that the sample \
         cannot support is left out. lag is how late messages were sent, waiting how long replies \
         waited in this machine before they were read. Over UDP lost_here is what this socket and, at \
         most, the rest of this machine lost; lost_before is the rest, lost on the path or at the server; \
         what is not known is null. rtt is the round trip to the kernel, rtt_with_waiting to this program; \
         of TCP the wait is not known, and rtt has it.",
    ),
];

/// The summary of a stream, and the keys of TCP that other events have as well.
pub const STREAM_EVENTS: Entries = &[(
    r#"{"event":"summary","target":"localhost:1234","peer":"127.0.0.1:1234","flows":1,"broken_flows":0,"duration_s":1.0,"bytes_sent":1300000,"bytes_received":1200000,"bytes_under_way":100000,"corrupted":0,"bytes_per_s":1200000.0,"bits_per_s":9600000.0,"retransmitted_segments":1,"held_up":{"receiver":0.82,"network":0.15,"sndbuf":0.0,"program":0.03},"retransmitted_bytes":1448,"retransmitted_percent":0.02,"tcp_rtt_s":0.0021,"tcp_min_rtt_s":0.0004}"#,
    "With --stream, the end: bytes sent, echoed, and under way when the time was over. held_up shares \
     the time of all connections out among the receiver's window, the network (its rate, delay and \
     loss, and the queue in front of it), our send buffer, and this program, which had nothing to \
     send, waited for replies, or left replies unread. retransmitted_percent is of the bytes that \
     TCP sent; tcp_rtt_s is its smoothed round trip, tcp_min_rtt_s the shortest of the last minutes. \
     Summaries of round trips have these keys, too, and intervals the two of retransmissions.",
)];
