//! How bounds, lines and exit codes tell of a path that loses, delays and damages.

use crate::harness::fate::{DELAY, Fate, Lots};
use crate::harness::measured::{assert_adds_up, count, figure, summary};
use crate::harness::process::{Finished, run};
use crate::harness::program::{UdpClient, UdpServer};
use crate::harness::relay::Relay;
use crate::harness::server::Server;

/// A path on which every probe of `numbers` has the same fate.
fn path(server: &Server, fate: Fate, one_in: u64, count: u64) -> Relay {
    let lots = Lots {
        seed: 1,
        fates: vec![fate],
        one_in,
        count,
        outage: 0..0,
    };
    Relay::to(server.address, lots)
}

fn echo() -> Server {
    Server::start(UdpServer, "--echo --json")
}

fn measured(relay: &Relay, arguments: &str) -> Finished {
    let end = run(UdpClient.to(relay.entrance, arguments));
    if arguments.contains("--json") {
        assert_adds_up(&summary(&end));
    }
    end
}

#[test]
fn the_loss_bound_is_held_against_all_that_was_due() {
    let server = echo();
    for (fate, code) in [
        (Fate::Lost, 1),
        (Fate::Late, 1),
        (Fate::Copied, 0),
        (Fate::Swapped, 0),
    ] {
        let relay = path(&server, fate, 5, 100);
        let end = measured(&relay, "-c 100 --rate 200 -w 2s --max-loss 1");
        end.assert_code(code);
        if code != 0 {
            end.assert_error(
                1,
                &[
                    "check failed",
                    "--max-loss",
                    "of 100 messages",
                    "limit is 1%",
                ],
            );
        }
    }
}

#[test]
fn one_of_many_does_not_read_as_none() {
    let server = echo();
    let lots = Lots {
        seed: 0,
        fates: vec![],
        one_in: 1,
        count: 0,
        outage: 3..4,
    };
    let relay = Relay::to(server.address, lots);
    let arguments = "-c 3000 --rate 3000 -w 5s --max-loss 0 --lang en";
    let end = measured(&relay, arguments);
    end.assert_error(1, &["0.033% (1 of 3000 messages)", "limit is 0%"]);
    assert!(
        end.text()
            .contains("answered in time 99.967% (2999 of 3000)"),
        "{}",
        end.text()
    );
    assert!(end.text().contains("lost 1 (0.033%)"), "{}", end.text());
}

#[test]
fn the_p99_bound_takes_a_missing_answer_for_endless() {
    let server = echo();
    let relay = path(&server, Fate::Lost, 5, 100);
    let end = measured(&relay, "-c 100 --rate 200 -w 5s --max-p99 1m");
    end.assert_error(1, &["--max-p99", "of 100 messages have no right answer"]);
    let relay = path(&server, Fate::Late, 5, 240);
    let end = measured(&relay, "-c 240 --rate 200 -w 2s --max-p99 2s");
    end.assert_error(
        1,
        &["--max-p99", "the 99th percentile is 2.", "limit is 2s"],
    );
}

#[test]
fn late_replies_are_lines_with_their_round_trip() {
    let server = echo();
    let relay = path(&server, Fate::Late, 4, 60);
    let end = measured(&relay, "-c 60 -i 50ms -w 2s --json");
    end.assert_code(0);
    let late: Vec<_> = end
        .events_of("reply")
        .into_iter()
        .filter(|reply| reply["verdict"] == "late")
        .collect();
    assert_eq!(late.len() as u64, relay.truth().late);
    assert!(!late.is_empty());
    for reply in late {
        assert!(figure(&reply, "rtt_s") >= DELAY.as_secs_f64(), "{reply}");
    }
}

#[test]
fn an_unreadable_reply_has_neither_number_nor_round_trip() {
    let server = echo();
    let relay = path(&server, Fate::HeaderDamaged, 5, 40);
    let end = measured(&relay, "-c 40 -i 10ms -w 5s --json");
    end.assert_code(0);
    assert!(end.stderr.contains("unmatched"), "{}", end.stderr);
    let unmatched = end
        .events_of("reply")
        .into_iter()
        .filter(|reply| reply["verdict"] == "unmatched");
    let mut unmatched = unmatched.inspect(|reply| {
        assert!(
            reply["sequence"].is_null() && reply["rtt_s"].is_null(),
            "{reply}"
        );
    });
    assert!(unmatched.next().is_some());
    unmatched.for_each(drop);
    let summary = summary(&end);
    assert!(count(&summary, "lost") > 0);
    assert_eq!(count(&summary, "lost"), count(&summary, "unmatched"));
}

#[test]
fn a_server_that_does_not_echo_counts_the_way_there() {
    let server = Server::start(UdpServer, "--json");
    let relay = path(&server, Fate::Lost, 4, 100);
    let end = measured(&relay, "-c 100 --rate 1000 -w 100ms --json");
    end.assert_error(1, &["check failed", "no reply"]);
    assert_eq!(count(&summary(&end), "lost"), 100);
    let truth = relay.server_truths().into_values().next().unwrap();
    let report = server
        .finish()
        .into_iter()
        .find(|event| event["run"].is_string())
        .unwrap();
    assert_eq!(count(&report, "lost"), truth.lost);
    assert_eq!(count(&report, "received"), truth.received);
}

#[test]
fn copies_of_the_run_before_on_the_same_port_are_unmatched() {
    let server = echo();
    let relay = path(&server, Fate::CopiedLate, 2, 40);
    let port = std::net::UdpSocket::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let arguments = format!("-c 40 --rate 1000 -w 30s -B :{port} --json");
    let first = measured(&relay, &arguments);
    first.assert_code(0);
    let second = measured(&relay, &arguments);
    second.assert_code(0);
    let summary = summary(&second);
    assert_eq!(count(&summary, "received"), 40);
    assert_eq!(count(&summary, "lost"), 0);
}
