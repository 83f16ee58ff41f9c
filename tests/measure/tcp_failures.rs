//! Servers that fail a measurement: the summary is whole, and the exit code says what it was.

use std::io::Read;
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::harness::echoes::{echo_messages, echo_with_delay, echo_with_stall};
use crate::harness::measured::{assert_adds_up, count, measure, summary};
use crate::harness::peers::{closed_port, reset, serve_one};
use crate::harness::process::{Finished, run};
use crate::harness::program::TcpClient;

/// Once message by message on one thread, once by the clock on two.
const WAYS: [&str; 2] = ["-i 0", "-i 20ms"];

#[track_caller]
fn measured(server: SocketAddr, arguments: &str) -> (Finished, Value) {
    let end = measure(TcpClient, server, arguments);
    let summary = summary(&end);
    assert_adds_up(&summary);
    (end, summary)
}

#[test]
fn a_corrupted_reply_is_counted_and_exit_1() {
    for way in WAYS {
        let server = echo_messages(64, |number, message| {
            if number == 3 {
                message[10] ^= 0xff;
            }
            true
        });
        let (end, summary) = measured(server, &format!("-c 5 {way}"));
        end.assert_error(
            1,
            &[
                "check failed",
                "1 of 5 replies",
                "corrupted",
                "message 3",
                "offset 10",
            ],
        );
        assert_eq!(
            (count(&summary, "corrupted"), count(&summary, "received")),
            (1, 4)
        );
    }
}

#[test]
fn a_flow_that_is_closed_before_its_first_message_is_told_so() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = listener.local_addr().unwrap();
    thread::spawn(move || listener.incoming().for_each(drop));
    // The first message of the second flow is due half a minute behind that of the first.
    let (end, _) = measured(server, "-c 1 -P 2 -i 1m");
    end.assert_code(7);
    let told = "closed early, before a message was sent";
    assert!(end.stderr.contains(told), "{end:?}");
    assert!(!end.stderr.contains("of 0"), "{end:?}");
}

#[test]
fn a_corrupted_stream_is_exit_1() {
    let server = echo_messages(1000, |number, message| {
        if number == 500 {
            message[0] ^= 1;
        }
        true
    });
    let end = measure(TcpClient, server, "--stream -c 1000 -l 1000");
    end.assert_error(1, &["message 500", "offset 0"]);
    assert_eq!(count(&summary(&end), "corrupted"), 1);
}

#[test]
fn a_server_that_closes_early_is_exit_7_with_the_whole_summary() {
    for way in WAYS {
        let server = echo_messages(64, |number, _| number <= 3);
        let (end, summary) = measured(server, &format!("-c 50 {way}"));
        end.assert_code(7);
        assert!(count(&summary, "sent") >= 4, "{summary}");
        assert_eq!(count(&summary, "received"), 3);
        assert_eq!(count(&summary, "lost"), count(&summary, "sent") - 3);
    }
}

#[test]
fn a_server_that_resets_is_exit_7() {
    for way in WAYS {
        let server = serve_one(|mut stream| {
            stream.read_exact(&mut [0; 64]).expect("a message");
            reset(stream);
        });
        let (end, summary) = measured(server, &format!("-c 50 {way}"));
        end.assert_code(7);
        assert_eq!(count(&summary, "received"), 0);
    }
}

#[test]
fn nothing_that_listens_is_exit_4_without_a_summary() {
    let end = measure(TcpClient, closed_port(), "-c 1");
    end.assert_error(4, &["refused"]);
    assert!(!end.text().contains("summary"));
}

/// Answers the first two messages, and then keeps silent for as long as the test holds the sender.
fn falls_silent() -> (SocketAddr, Sender<()>) {
    let (hold, held) = mpsc::channel();
    let server = echo_messages(64, move |number, _| number <= 2 || held.recv().is_ok());
    (server, hold)
}

#[test]
fn missing_replies_are_exit_5() {
    for way in WAYS {
        let (server, _hold) = falls_silent();
        let (end, summary) = measured(server, &format!("-c 4 -w 2s {way}"));
        end.assert_error(5, &["timed out", "got no reply", "2s"]);
        let (sent, lost) = (count(&summary, "sent"), count(&summary, "lost"));
        assert_eq!(lost, sent - 2, "{summary}");
        assert!(lost > 0, "{summary}");
    }
}

#[test]
fn a_loss_bound_is_named_with_value_and_limit() {
    let (server, _hold) = falls_silent();
    let (end, summary) = measured(server, "-c 4 -i 10ms -w 2s --max-loss 49.5");
    end.assert_error(1, &["check failed", "--max-loss", "50%", "49.5%"]);
    assert_eq!(count(&summary, "lost"), 2);
    let (server, _hold) = falls_silent();
    let (end, _) = measured(server, "-c 4 -i 10ms -w 2s --max-loss 50");
    end.assert_code(0);
}

#[test]
fn a_latency_bound_is_named_with_value_and_limit() {
    let slow = || echo_with_delay(64, Duration::from_millis(20));
    let (end, _) = measured(slow(), "-c 100 -i 0 --max-p99 19ms");
    end.assert_error(1, &["check failed", "--max-p99", "limit is 19ms"]);
    let (end, _) = measured(slow(), "-c 10 -i 0 --max-p99 1m");
    end.assert_code(0);
}

#[test]
fn a_reply_after_its_time_is_late_and_neither_received_nor_lost() {
    let server = echo_with_stall(64, 1, Duration::from_secs(3));
    let (end, summary) = measured(server, "-c 40 -i 100ms -w 2s");
    end.assert_code(0);
    assert_eq!(count(&summary, "lost"), 0);
    // Messages 1 + n were due 100n ms later: the first ten had waited for more than 2 s.
    assert!(count(&summary, "late") >= 10, "{summary}");
}

#[test]
fn a_stall_before_the_end_leaves_nothing_out() {
    // The sender is held up past the end of its time; what was due before it is sent all the same.
    let server = echo_with_stall(1_000_000, 1, Duration::from_millis(500));
    let (end, summary) = measured(server, "-t 200ms --rate 100 -l 1M -w 1m");
    end.assert_code(0);
    assert_eq!(
        (count(&summary, "sent"), count(&summary, "unsent")),
        (20, 0)
    );
}

#[test]
fn contradictions_are_usage_errors() {
    for (arguments, named) in [
        ("-c 0", "--count"),
        ("-c 3 -m hola", "--message"),
        ("-c 3 -f -", "--file"),
        ("--report 1", "--report"),
        ("--max-loss 1", "--max-loss"),
        ("-c 1 --max-loss 101", "101"),
        ("-c 1 -i 1 --rate 5", "--rate"),
        ("--stream --rate 5", "--stream"),
        ("--stream --max-p99 5", "--stream"),
        ("-l 0", "--length 0"),
        ("-l 1G", "67108864"),
        ("-t 0", "--time"),
        ("-P 0", "--parallel"),
        ("--rate 0", "--rate"),
    ] {
        run(TcpClient.command(arguments)).assert_error(2, &["usage", named]);
    }
}
