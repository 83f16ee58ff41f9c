//! Measurements, run to their end and taken apart.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;

use super::process::{Finished, run};
use super::program::{Program, With};

/// A client's measurement of `server` with JSON events. Unless the arguments say otherwise, no reply
/// is late on a busy machine.
pub(crate) fn measure(client: Program, server: SocketAddr, arguments: &str) -> Finished {
    let wait = if arguments.contains("-w ") {
        ""
    } else {
        "-w 1m"
    };
    run(client.to(server, arguments).with(wait).with("--json"))
}

/// The one summary.
#[track_caller]
pub(crate) fn summary(end: &Finished) -> Value {
    let mut summaries = end.events_of("summary");
    assert_eq!(summaries.len(), 1, "summaries of {end:?}");
    summaries.remove(0)
}

/// A count of an event.
#[track_caller]
pub(crate) fn count(event: &Value, key: &str) -> u64 {
    let count = event[key].as_u64();
    count.unwrap_or_else(|| panic!("no count {key} in {event}"))
}

/// A figure of an event, in seconds or whatever its key says.
#[track_caller]
pub(crate) fn figure(event: &Value, key: &str) -> f64 {
    let figure = event[key].as_f64();
    figure.unwrap_or_else(|| panic!("no figure {key} in {event}"))
}

/// Every sent message is accounted for, once.
#[track_caller]
pub(crate) fn assert_adds_up(summary: &Value) {
    let fates = ["received", "lost", "late", "corrupted", "in_flight"];
    let sum: u64 = fates.iter().map(|fate| count(summary, fate)).sum();
    assert_eq!(sum, count(summary, "sent"), "{summary}");
}

/// No latency in the summary is below a delay that the path is known to have.
#[track_caller]
pub(crate) fn assert_all_at_least(summary: &Value, delay: Duration) {
    for name in ["min", "mean", "p50", "p90", "p99", "max"] {
        let latency = figure(summary, &format!("rtt_{name}_s"));
        assert!(latency >= delay.as_secs_f64(), "{name} in {summary}");
    }
}

/// Of 200 messages, one due every 5 ms, message 100 was held up for 500 ms, and so everything behind
/// it: the reply to message 100 + n cannot be there before 500 - 5n ms after that message was due.
#[track_caller]
pub(crate) fn assert_carries_the_stall(summary: &Value) {
    // 500 - 5n >= 200 for n from 0 to 60.
    assert!(count_from(summary, 0.2) >= 61, "{summary}");
    // 20 of 200 are beyond p90: the 21st longest has n = 20. 2 are beyond p99.
    assert!(figure(summary, "rtt_p90_s") >= 0.400, "{summary}");
    assert!(figure(summary, "rtt_p99_s") >= 0.490, "{summary}");
    assert!(figure(summary, "rtt_max_s") >= 0.500, "{summary}");
}

/// How many round trips the histogram has in its rows from `bound` on.
fn count_from(summary: &Value, bound: f64) -> u64 {
    let rows = summary["histogram"].as_array().expect("a histogram").iter();
    rows.filter(|row| figure(row, "from_s") >= bound)
        .map(|row| count(row, "count"))
        .sum()
}
