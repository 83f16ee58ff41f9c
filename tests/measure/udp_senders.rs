//! The table of senders of `udp-server`: forged ones keep no honest run from its report, and spoil none.

use serde_json::Value;

use crate::harness::alone;
use crate::harness::measured::{count, measure};
use crate::harness::probes::Probe;
use crate::harness::program::{UdpClient, UdpServer};
use crate::harness::server::Server;
use crate::harness::udp::{connected_to, socket_on};

/// Flows that the server keeps.
const KEPT: usize = 4096;

fn probe(run: u32, number: u64) -> Vec<u8> {
    let probe = Probe {
        run,
        number,
        ..Probe::default()
    };
    probe.datagram(64)
}

/// One probe from each of so many senders.
fn flood(server: &Server, network: u8, senders: usize) {
    for sender in 0..senders {
        let socket = socket_on(&format!(
            "127.{network}.{}.{}",
            sender / 250,
            sender % 250 + 1
        ));
        socket.send_to(&probe(0xf00d, 7), server.address).unwrap();
    }
}

/// The reports among events.
fn reports(events: Vec<Value>) -> Vec<Value> {
    let is_report = |event: &Value| event["event"] == "summary" && event["peer"].is_string();
    events.into_iter().filter(is_report).collect()
}

#[test]
fn an_honest_run_after_a_flood_and_a_silence_has_its_right_report() {
    let _machine = alone();
    for senders in [1_025, 5_000] {
        let server = Server::start(UdpServer, "--json --echo");
        flood(&server, 3, senders);
        // They fall silent, and are reported.
        for _ in 0..senders.min(KEPT) {
            assert_eq!(count(&server.event(), "lost"), 0);
        }
        measure(UdpClient, server.address, "-c 300 --rate 3000").assert_code(0);
        let honest = reports(server.finish());
        assert_eq!(honest.len(), 1, "{honest:?}");
        let counts = ["received", "lost", "began_at"].map(|key| count(&honest[0], key));
        assert_eq!(counts, [300, 0, 1]);
    }
}

#[test]
fn the_sender_that_has_been_silent_longest_makes_room_and_is_reported() {
    let _machine = alone();
    let server = Server::start(UdpServer, "--json");
    let [silent, active] = [(); 2].map(|()| connected_to(server.address));
    for number in [1, 2, 4] {
        silent.send(&probe(1, number)).unwrap();
        active.send(&probe(2, number)).unwrap();
    }
    flood(&server, 4, KEPT - 2);
    active.send(&probe(2, 5)).unwrap();
    flood(&server, 5, 1);
    let evicted = server.event();
    assert_eq!(evicted["peer"], silent.local_addr().unwrap().to_string());
    assert_eq!(
        (count(&evicted, "received"), count(&evicted, "lost")),
        (3, 1)
    );
    let rest = reports(server.finish());
    let active = active.local_addr().unwrap().to_string();
    let active = rest.iter().find(|report| report["peer"] == active);
    assert_eq!(count(active.expect("it is kept"), "received"), 4);
}

/// A forger knows the sender's address, and not the number that its run has by chance.
#[test]
fn five_forged_probes_do_not_spoil_the_report_of_a_run() {
    let server = Server::start(UdpServer, "--json");
    let sender = connected_to(server.address);
    for number in 1..=100 {
        sender.send(&probe(7, number)).unwrap();
        if number % 20 == 0 {
            sender
                .send(&probe(u32::MAX - number as u32, number << 32))
                .unwrap();
        }
    }
    let reports = reports(server.finish());
    assert_eq!(reports.len(), 6, "{reports:?}");
    let with_loss = reports.iter().filter(|report| count(report, "lost") > 0);
    assert_eq!(with_loss.count(), 0, "{reports:?}");
    let honest: Vec<&Value> = reports
        .iter()
        .filter(|report| report["run"] == "00000007")
        .collect();
    assert_eq!(honest.len(), 1);
    assert_eq!(count(honest[0], "received"), 100);
}

#[test]
fn numbers_far_apart_are_counted_as_what_they_claim() {
    let server = Server::start(UdpServer, "--json");
    let sender = connected_to(server.address);
    for leap in 0..100 {
        sender.send(&probe(1, 1 + leap * 8_191)).unwrap();
    }
    let report = reports(server.finish()).remove(0);
    let expected = (100, 99 * 8_191 + 1 - 100, 0);
    let counts = ["received", "lost", "unmatched"].map(|key| count(&report, key));
    assert_eq!((counts[0], counts[1], counts[2]), expected);
}
