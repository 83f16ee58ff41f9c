//! Latency is what the path makes of it: known delays are found again, and never halved or left out.

use std::time::Duration;

use serde_json::Value;

use crate::harness::binaries::tcp_client;
use crate::harness::echoes::{echo_messages, echo_with_delay, echo_with_stall, hold_up};
use crate::harness::measured::{count, events_of, figure, measure, summary};

const DELAY: Duration = Duration::from_millis(20);
const STALL: Duration = Duration::from_millis(500);

/// Every latency in the summary.
const LATENCIES: [&str; 6] = [
    "rtt_min_s",
    "rtt_mean_s",
    "rtt_p50_s",
    "rtt_p90_s",
    "rtt_p99_s",
    "rtt_max_s",
];

#[track_caller]
fn assert_all_at_least(summary: &Value, delay: Duration) {
    for key in LATENCIES {
        assert!(
            figure(summary, key) >= delay.as_secs_f64(),
            "{key} in {summary}"
        );
    }
}

#[test]
fn no_percentile_is_below_a_known_delay() {
    for arguments in ["-c 100 -i 0", "-c 100 --rate 200", "-c 100 -i 0 -l 20000"] {
        let length = if arguments.contains("-l") { 20_000 } else { 64 };
        let server = echo_with_delay(length, DELAY);
        let end = measure(tcp_client(), server, arguments);
        end.assert_code(0);
        let summary = summary(&end);
        assert_eq!(count(&summary, "received"), 100);
        assert_all_at_least(&summary, DELAY);
    }
}

#[test]
fn each_line_carries_the_delay_of_its_own_reply() {
    let server = echo_messages(64, |number, _| {
        if number % 2 == 0 {
            hold_up(DELAY * 2);
        }
        true
    });
    let end = measure(tcp_client(), server, "-c 6 -i 100ms");
    let replies = events_of(&end, "reply");
    assert_eq!(replies.len(), 6);
    for reply in replies.iter().skip(1).step_by(2) {
        assert!(figure(reply, "rtt_s") >= 0.040, "{reply}");
    }
}

/// Message 100 of 200, due every 5 ms, is held up for 500 ms, and everything behind it waits: the
/// reply to message 100 + n cannot be there before 500 - 5n ms after that message was due.
#[test]
fn replies_behind_a_stall_carry_it_from_when_they_were_due() {
    let server = echo_with_stall(64, 100, STALL);
    let end = measure(tcp_client(), server, "-c 200 --rate 200");
    end.assert_code(0);
    let summary = summary(&end);
    // 500 - 5n >= 200 for n from 0 to 60.
    assert!(count_from(&summary, 0.2) >= 61, "{summary}");
    // 20 of 200 are beyond p90: the 21st longest has n = 20. 2 are beyond p99.
    assert!(figure(&summary, "rtt_p90_s") >= 0.400, "{summary}");
    assert!(figure(&summary, "rtt_p99_s") >= 0.490, "{summary}");
    assert!(figure(&summary, "rtt_max_s") >= 0.500, "{summary}");
}

/// How many round trips the histogram has in its rows from `bound` on.
fn count_from(summary: &Value, bound: f64) -> u64 {
    let rows = summary["histogram"].as_array().expect("a histogram").iter();
    rows.filter(|row| figure(row, "from_s") >= bound)
        .map(|row| count(row, "count"))
        .sum()
}

#[test]
fn the_lines_behind_a_stall_carry_it_too() {
    let server = echo_with_stall(64, 3, STALL);
    let end = measure(tcp_client(), server, "-c 30 -i 10ms");
    for reply in events_of(&end, "reply") {
        // Messages 3 + n: 500 - 10n ms.
        if let Some(behind @ 0..) = count(&reply, "sequence").checked_sub(3) {
            let least = 0.500 - behind as f64 * 0.010;
            assert!(figure(&reply, "rtt_s") >= least, "{reply}");
        }
    }
}

#[test]
fn a_message_that_a_full_path_holds_up_counts_from_when_it_was_due() {
    // 20 messages of 1 MB do not fit into any buffer: the sender itself is held up.
    let server = echo_with_stall(1_000_000, 1, STALL);
    let end = measure(tcp_client(), server, "-c 20 -l 1M --rate 1000");
    end.assert_code(0);
    let summary = summary(&end);
    // Message n is due n - 1 ms after the start; none can be answered in the first 500 ms.
    assert!(figure(&summary, "rtt_min_s") >= 0.480, "{summary}");
}
