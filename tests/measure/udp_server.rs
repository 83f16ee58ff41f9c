//! What `udp-server` says about those who measure, and what hostile ones cannot do to it.

use serde_json::Value;

use crate::harness::measured::{count, measure};
use crate::harness::probes::Probe;
use crate::harness::program::{UdpClient, UdpServer};
use crate::harness::server::Server;
use crate::harness::udp::{connected_to, socket_on};

/// The reports on senders, without the server's own summary.
fn reports(server: Server) -> Vec<Value> {
    let events = server.finish().into_iter();
    events
        .filter(|event| event["event"] == "summary" && event["peer"].is_string())
        .collect()
}

fn probe(run: u32, sequence: u64) -> Vec<u8> {
    let probe = Probe {
        run,
        flow: 0,
        sequence,
        sent_ns: sequence.wrapping_mul(1_000_000),
    };
    probe.datagram(64)
}

#[test]
fn each_source_port_of_a_run_is_reported() {
    let server = Server::start(UdpServer, "--json --echo");
    measure(UdpClient, server.address, "-c 20 --rate 500 -P 3").assert_code(0);
    let reports = reports(server);
    let mut flows: Vec<u64> = reports.iter().map(|report| count(report, "flow")).collect();
    flows.sort_unstable();
    assert_eq!(flows, [0, 1, 2]);
    for report in &reports {
        assert_eq!((count(report, "received"), count(report, "lost")), (20, 0));
        assert_eq!(report["run"], reports[0]["run"]);
    }
}

#[test]
fn probes_are_reported_and_other_datagrams_shown_as_ever() {
    let server = Server::start(UdpServer, "");
    let client = connected_to(server.address);
    client.send(&probe(1, 1)).unwrap();
    client.send(b"hola").unwrap();
    client.send(&probe(1, 2)).unwrap();
    client.send(b"PRBE, pero nada mas").unwrap();
    let end = server.interrupt();
    let peer = client.local_addr().unwrap().port();
    let messages: Vec<&str> = end
        .text()
        .lines()
        .filter(|line| line.contains("Mensaje enviado"))
        .collect();
    assert_eq!(
        messages,
        [
            "[+] Mensaje enviado por el cliente: hola",
            "[+] Mensaje enviado por el cliente: PRBE, pero nada mas"
        ]
    );
    let report = format!("[+] Sondas de 127.0.0.1:{peer}: recibidas 2, perdidas 0 (0%)");
    assert!(end.text().contains(&report), "{}", end.text());
}

#[test]
fn a_sender_that_begins_another_run_is_reported_at_once() {
    let server = Server::start(UdpServer, "--json");
    let client = connected_to(server.address);
    for datagram in [probe(7, 1), probe(7, 3), probe(8, 1)] {
        client.send(&datagram).unwrap();
    }
    let first = server.event();
    assert_eq!(
        (first["run"].as_str(), count(&first, "lost")),
        (Some("00000007"), 1)
    );
    let rest = reports(server);
    assert_eq!(rest.len(), 1);
    assert_eq!(rest[0]["run"], "00000008");
}

#[test]
fn a_sender_that_falls_silent_is_reported_while_the_server_goes_on() {
    let server = Server::start(UdpServer, "--json");
    let client = connected_to(server.address);
    client.send(&probe(1, 2)).unwrap();
    let report = server.event();
    assert_eq!((count(&report, "received"), count(&report, "lost")), (1, 1));
    assert!(reports(server).is_empty());
}

#[test]
fn whatever_numbers_are_claimed_memory_stays() {
    let server = Server::start(UdpServer, "--json");
    let client = connected_to(server.address);
    client.send(&probe(1, 1)).unwrap();
    let before = server.peak_kibibytes();
    for claim in [u64::MAX, 1, 0, u64::MAX - 1, 1 << 40, u64::MAX] {
        client.send(&probe(1, claim)).unwrap();
    }
    for sender in 1..=3000_u16 {
        let [high, low] = sender.to_be_bytes();
        let socket = socket_on(&format!("127.1.{high}.{low}"));
        socket.send_to(&probe(2, u64::MAX), server.address).unwrap();
    }
    client.send(b"fence").unwrap();
    while server.event()["text"] != "fence" {}
    let after = server.peak_kibibytes();
    // 1024 senders at 1 KB each, and what the allocator adds.
    assert!(after < before + 8192, "{before} KiB grew to {after} KiB");
    let end = server.interrupt();
    end.assert_code(0);
    assert!(end.stderr.contains("more senders"), "{}", end.stderr);
    let reported = end
        .events()
        .iter()
        .filter(|event| event["peer"].is_string())
        .count();
    assert_eq!(reported, 1024);
}
