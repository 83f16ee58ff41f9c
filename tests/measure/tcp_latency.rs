//! Latency is what the path makes of it: known delays are found again, and never halved or left out.

use std::time::Duration;

use crate::harness::echoes::{echo_messages, echo_with_delay, echo_with_stall, hold_up};
use crate::harness::measured::{
    assert_all_at_least, assert_carries_the_stall, count, figure, measure, summary,
};
use crate::harness::program::TcpClient;

const DELAY: Duration = Duration::from_millis(20);
const STALL: Duration = Duration::from_millis(500);

#[test]
fn no_percentile_is_below_a_known_delay() {
    for arguments in ["-c 100 -i 0", "-c 100 --rate 200", "-c 100 -i 0 -l 20000"] {
        let length = if arguments.contains("-l") { 20_000 } else { 64 };
        let server = echo_with_delay(length, DELAY);
        let end = measure(TcpClient, server, arguments);
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
    let end = measure(TcpClient, server, "-c 6 -i 100ms");
    let replies = end.events_of("reply");
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
    let end = measure(TcpClient, server, "-c 200 --rate 200");
    end.assert_code(0);
    let summary = summary(&end);
    assert_carries_the_stall(&summary);
}

#[test]
fn the_lines_behind_a_stall_carry_it_too() {
    let server = echo_with_stall(64, 3, STALL);
    let end = measure(TcpClient, server, "-c 30 -i 10ms");
    for reply in end.events_of("reply") {
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
    let end = measure(TcpClient, server, "-c 20 -l 1M --rate 1000");
    end.assert_code(0);
    let summary = summary(&end);
    // Message n is due n - 1 ms after the start; none can be answered in the first 500 ms.
    assert!(figure(&summary, "rtt_min_s") >= 0.480, "{summary}");
}
