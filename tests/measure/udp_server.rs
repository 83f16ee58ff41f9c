//! Reports of `udp-server` on flows of probes, and hostile probes that leave it unharmed.

use serde_json::Value;

use crate::harness::alone;
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
        number: sequence,
        due_ns: sequence.wrapping_mul(1_000_000),
        sent_ns: sequence.wrapping_mul(1_000_000),
        ..Probe::default()
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
    let report = format!(
        "[+] Sondas de 127.0.0.1:{peer} (ejecución 00000001, flujo 0): recibidas 2, perdidas 0 (0%)"
    );
    assert!(end.text().contains(&report), "{}", end.text());
}

#[test]
fn a_run_is_reported_soon_after_its_sender_has_begun_another() {
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
    client.send(&probe(1, 1)).unwrap();
    client.send(&probe(1, 3)).unwrap();
    let report = server.event();
    assert_eq!((count(&report, "received"), count(&report, "lost")), (2, 1));
    assert!(reports(server).is_empty());
}

#[test]
fn whatever_numbers_are_claimed_memory_stays() {
    let _machine = alone();
    let server = Server::start(UdpServer, "--json");
    let client = connected_to(server.address);
    client.send(&probe(1, 1)).unwrap();
    let before = server.peak_kibibytes();
    for claim in [u64::MAX, 1, 0, u64::MAX - 1, 1 << 40, u64::MAX] {
        client.send(&probe(1, claim)).unwrap();
    }
    for sender in 1..=6000_u16 {
        let [high, low] = sender.to_be_bytes();
        let socket = socket_on(&format!("127.1.{high}.{low}"));
        socket.send_to(&probe(2, u64::MAX), server.address).unwrap();
    }
    client.send(b"fence").unwrap();
    while server.event()["text"] != "fence" {}
    let after = server.peak_kibibytes();
    // 4096 flows at 1 KB each, and what the allocator adds.
    assert!(after < before + 16_384, "{before} KiB grew to {after} KiB");
    let end = server.interrupt();
    end.assert_code(0);
    assert!(
        end.stderr.contains("made room for others"),
        "{}",
        end.stderr
    );
    let reported = end
        .events()
        .iter()
        .filter(|event| event["peer"].is_string())
        .count();
    // Those that are kept; the first sender was reported when it made room.
    assert!((4096..=4097).contains(&reported), "{reported}");
}

#[test]
fn a_server_that_starts_in_the_middle_says_so_instead_of_telling_of_losses() {
    let server = Server::start(UdpServer, "--json");
    let client = connected_to(server.address);
    (250..300).for_each(|number| drop(client.send(&probe(1, number))));
    let report = reports(server).remove(0);
    assert_eq!(
        (count(&report, "began_at"), count(&report, "lost")),
        (250, 0)
    );
    assert_eq!(count(&report, "received"), 50);
}

#[test]
fn a_lost_tail_is_told_from_the_closing_probe() {
    let server = Server::start(UdpServer, "--json");
    let client = connected_to(server.address);
    (1..=50).for_each(|number| drop(client.send(&probe(1, number))));
    let closing = Probe {
        is_closing: true,
        run: 1,
        number: 80,
        ..Probe::default()
    };
    client.send(&closing.datagram(44)).unwrap();
    let report = reports(server).remove(0);
    assert_eq!(
        (count(&report, "received"), count(&report, "lost")),
        (50, 30)
    );
}

#[test]
fn flows_that_share_a_port_are_kept_apart() {
    let server = Server::start(UdpServer, "--json");
    let proxy = connected_to(server.address);
    for number in 1..=20 {
        for flow in 0..3 {
            let probe = Probe {
                run: 5,
                flow,
                number,
                ..Probe::default()
            };
            proxy.send(&probe.datagram(64)).unwrap();
        }
    }
    let reports = reports(server);
    assert_eq!(reports.len(), 3);
    for report in reports {
        assert_eq!(
            (count(&report, "received"), count(&report, "lost")),
            (20, 0),
            "{report}"
        );
    }
}

#[test]
fn a_flood_of_forged_senders_keeps_no_honest_run_from_its_report() {
    let _machine = alone();
    let server = Server::start(UdpServer, "--json");
    let honest = connected_to(server.address);
    for round in 1..=3_u16 {
        honest.send(&probe(1, round.into())).unwrap();
        for sender in 0..2000_u16 {
            let [high, low] = (round * 2000 + sender).to_be_bytes();
            let socket = socket_on(&format!("127.2.{high}.{low}"));
            socket.send_to(&probe(2, 7), server.address).unwrap();
        }
    }
    honest.send(&probe(1, 4)).unwrap();
    let reports = reports(server);
    let honest = reports
        .iter()
        .find(|report| report["run"] == "00000001")
        .expect("its report");
    assert_eq!((count(honest, "received"), count(honest, "lost")), (4, 0));
    let with_loss = reports.iter().filter(|report| count(report, "lost") > 0);
    assert_eq!(with_loss.count(), 0);
}
