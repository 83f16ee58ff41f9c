//! A path that loses, doubles, swaps, damages and delays by a known pattern: the counts are the pattern's.

use serde_json::Value;

use crate::harness::measured::{assert_adds_up, count, figure, measure, summary};
use crate::harness::process::Finished;
use crate::harness::program::{UdpClient, UdpServer};
use crate::harness::server::Server;
use crate::harness::udp_path::{Fate, LATE, Path, drawn, path_to, tally};

/// So few that a socket's usual buffer holds all of them: however busy the machine is, nothing is
/// lost but what the path loses.
const PROBES: usize = 200;
const LENGTH: usize = 64;

/// What a pattern makes of the probes that take it.
#[derive(Debug, PartialEq, Eq)]
struct Counts {
    received: u64,
    lost: u64,
    late: u64,
    duplicate: u64,
    reordered: u64,
    corrupted: u64,
}

impl Counts {
    fn of_pattern(fates: &[Fate]) -> Self {
        let count = |fate| tally(fates, |other| *other == fate);
        let corrupted = tally(fates, |fate| matches!(fate, Fate::Damaged(_)));
        let (lost, late) = (count(Fate::Lost), count(Fate::Late));
        Self {
            received: fates.len() as u64 - lost - late - corrupted,
            lost,
            late,
            duplicate: count(Fate::Doubled),
            // A later probe passes what is late, too.
            reordered: count(Fate::Swapped) + late,
            corrupted,
        }
    }

    fn of(event: &Value) -> Self {
        Self {
            received: count(event, "received"),
            lost: count(event, "lost"),
            late: event["late"].as_u64().unwrap_or(0),
            duplicate: count(event, "duplicate"),
            reordered: count(event, "reordered"),
            corrupted: count(event, "corrupted"),
        }
    }
}

fn probed(path: &Path, arguments: &str) -> Finished {
    measure(UdpClient, path.entrance, arguments)
}

/// The server's report on whom it heard through the path.
#[track_caller]
fn report(server: Server, path: &Path) -> Value {
    let exit = path.exit.to_string();
    let events = server.finish().into_iter();
    let mut reports: Vec<Value> = events.filter(|event| event["peer"] == *exit).collect();
    assert_eq!(reports.len(), 1, "{reports:?}");
    reports.remove(0)
}

#[test]
fn a_path_there_is_counted_exactly_on_both_sides() {
    for seed in [1, 2, 3] {
        let fates = drawn(seed, PROBES, LENGTH);
        let expected = Counts::of_pattern(&fates);
        let server = Server::start(UdpServer, "--json --echo");
        let path = path_to(server.address, fates, Vec::new());
        let end = probed(&path, "-c 200 --rate 400 -w 4s");
        end.assert_error(1, &["corrupted"]);
        let summary = summary(&end);
        assert_adds_up(&summary);
        assert_eq!(Counts::of(&summary), expected, "client, seed {seed}");
        assert!(figure(&summary, "jitter_s") > 0.0);
        let report = report(server, &path);
        assert_eq!(Counts::of(&report), expected, "server, seed {seed}");
        assert!(figure(&report, "jitter_s") > 0.0);
    }
}

#[test]
fn a_path_back_is_counted_by_the_client_alone() {
    let fates = drawn(4, PROBES, LENGTH);
    let expected = Counts::of_pattern(&fates);
    let server = Server::start(UdpServer, "--json --echo");
    let path = path_to(server.address, Vec::new(), fates);
    let end = probed(&path, "-c 200 --rate 400 -w 4s");
    assert_eq!(Counts::of(&summary(&end)), expected);
    let all = Counts::of_pattern(&[Fate::Passed; PROBES]);
    assert_eq!(Counts::of(&report(server, &path)), all);
}

#[test]
fn a_server_that_does_not_echo_counts_the_same() {
    let fates = drawn(5, PROBES, LENGTH);
    let expected = Counts::of_pattern(&fates);
    let server = Server::start(UdpServer, "--json");
    let path = path_to(server.address, fates, Vec::new());
    let end = probed(&path, "-c 200 --rate 400 -w 100ms");
    end.assert_error(1, &["no reply"]);
    assert_eq!(count(&summary(&end), "lost"), PROBES as u64);
    assert_eq!(Counts::of(&report(server, &path)), expected);
}

#[test]
fn a_reply_after_its_time_is_late_and_neither_received_nor_lost() {
    let mut fates = vec![Fate::Passed; 400];
    for late in [5, 10, 15] {
        fates[late] = Fate::Late;
    }
    fates[20] = Fate::Lost;
    let expected = Counts::of_pattern(&fates);
    let server = Server::start(UdpServer, "--json --echo");
    let path = path_to(server.address, fates, Vec::new());
    let end = probed(&path, "-c 400 -i 10ms -w 2s");
    end.assert_code(0);
    assert_eq!(Counts::of(&summary(&end)), expected);
    let late = |reply: &&Value| reply["verdict"] == "late";
    let replies = end.events_of("reply");
    assert_eq!(replies.iter().filter(late).count(), 3);
    for reply in replies.iter().filter(late) {
        assert!(figure(reply, "rtt_s") >= LATE.as_secs_f64(), "{reply}");
    }
    // To the server it is one among those that came, if behind later ones.
    let report = report(server, &path);
    assert_eq!(
        (count(&report, "received"), count(&report, "lost")),
        (399, 1)
    );
    assert_eq!(count(&report, "reordered"), 3);
}

#[test]
fn a_loss_bound_is_named_with_value_and_limit() {
    let server = Server::start(UdpServer, "--json --echo");
    let mut fates = vec![Fate::Passed; 100];
    fates[..10].fill(Fate::Lost);
    let path = path_to(server.address, fates.clone(), Vec::new());
    let end = probed(&path, "-c 100 --rate 1000 -w 3s --max-loss 9.5");
    end.assert_error(1, &["check failed", "--max-loss", "10%", "9.5%"]);
    let path = path_to(server.address, fates, Vec::new());
    probed(&path, "-c 100 --rate 1000 -w 3s --max-loss 10").assert_code(0);
}

#[test]
fn one_probe_at_a_time_goes_on_behind_a_lost_one() {
    let server = Server::start(UdpServer, "--json --echo");
    let mut fates = vec![Fate::Passed; 20];
    fates[3] = Fate::Lost;
    fates[7] = Fate::Lost;
    let expected = Counts::of_pattern(&fates);
    let path = path_to(server.address, fates, Vec::new());
    let end = probed(&path, "-c 20 -i 0 -w 2s");
    end.assert_code(0);
    assert_eq!(Counts::of(&summary(&end)), expected);
}
