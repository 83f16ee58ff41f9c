//! Refusals and stops that pass: they cost messages, are told once, and the run goes on.

use std::net::UdpSocket;
use std::time::Duration;

use crate::harness::echoes::{echo_datagrams, hold_up};
use crate::harness::measured::{assert_adds_up, count, figure, measure, summary};
use crate::harness::process::Running;
use crate::harness::program::{UdpClient, UdpServer};
use crate::harness::server::Server;
use crate::harness::udp::socket_on;

#[test]
fn a_closed_port_is_told_once_and_ends_in_exit_4_with_the_whole_summary() {
    let address = socket_on("127.0.0.1").local_addr().unwrap();
    for arguments in [
        "-c 20 -i 10ms",
        "-c 2 -i 0 -w 200ms",
        "-c 20 --rate 1000 -P 3",
    ] {
        let end = measure(UdpClient, address, arguments);
        end.assert_code(4);
        let lines: Vec<&str> = end.stderr.lines().collect();
        assert_eq!(lines.len(), 2, "{}", end.stderr);
        assert!(
            lines[0].contains("refused") && lines[0].contains("the run goes on"),
            "{lines:?}"
        );
        assert!(
            lines[1].contains("refused") && lines[1].contains("is a server listening"),
            "{lines:?}"
        );
        let summary = summary(&end);
        assert_adds_up(&summary);
        assert_eq!(count(&summary, "received"), 0);
        assert_eq!(count(&summary, "lost"), count(&summary, "sent"));
    }
}

#[test]
fn a_server_that_starts_in_the_middle_is_measured_from_then_on() {
    let socket = socket_on("127.0.0.1");
    let address = socket.local_addr().unwrap();
    drop(socket);
    let client = Running::start(UdpClient.to(address, "-c 300 -i 10ms -P 2 -w 1s --json"));
    assert!(client.error_line().contains("refused"));
    let server = Server::start_at(address, UdpServer, "--echo --json");
    let end = client.wait();
    end.assert_code(0);
    let summary = summary(&end);
    assert_adds_up(&summary);
    assert!(
        count(&summary, "lost") > 0 && count(&summary, "received") > 0,
        "{summary}"
    );
    let replies = end.events_of("reply");
    for flow in [0, 1] {
        assert!(
            replies.iter().any(|reply| count(reply, "flow") == flow),
            "flow {flow} is dead"
        );
    }
    server.interrupt().assert_code(0);
}

#[test]
fn an_address_that_cannot_be_reached_is_exit_6() {
    // Class E has no route anywhere (RFC 1112), and Linux says so at once.
    let end = measure(
        UdpClient,
        "240.0.0.1:9".parse().unwrap(),
        "-c 3 -i 10ms -w 100ms",
    );
    if end.code == Some(8) || end.code == Some(1) {
        eprintln!(
            "skipped: this machine has a route for 240.0.0.1: {}",
            end.stderr
        );
        return;
    }
    end.assert_code(6);
}

#[test]
fn after_a_stop_missed_messages_are_unsent_and_not_sent_in_a_burst() {
    for arguments in [
        "-t 2s --rate 500 --report 300ms --json",
        "-c 20 -i 100ms --json",
    ] {
        let counter = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = counter.local_addr().unwrap();
        let echo = counter.try_clone().unwrap();
        std::thread::spawn(move || {
            let mut buffer = [0; 2048];
            while let Ok((length, peer)) = echo.recv_from(&mut buffer) {
                drop(echo.send_to(&buffer[..length], peer));
            }
        });
        let client = Running::start(UdpClient.to(address, arguments));
        client.line();
        client.pause();
        hold_up(Duration::from_millis(900));
        client.resume();
        let end = client.wait();
        let summary = summary(&end);
        assert_adds_up(&summary);
        assert!(count(&summary, "unsent") > 0, "{summary}");
        let due = if arguments.contains("500") { 1000 } else { 20 };
        assert_eq!(
            count(&summary, "sent") + count(&summary, "unsent"),
            due,
            "{summary}"
        );
        assert!(end.stderr.contains("never sent"), "{}", end.stderr);
        assert!(figure(&summary, "lag_max_s") >= 0.0);
    }
}

#[test]
fn a_reply_with_a_forged_time_is_corrupted() {
    let server = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut buffer = [0; 2048];
        while let Ok((length, peer)) = server.recv_from(&mut buffer) {
            let forged = forge_time(&buffer[..length]);
            drop(server.send_to(&forged, peer));
        }
    });
    let end = measure(UdpClient, address, "-c 5 -i 0 -w 1s");
    end.assert_code(1);
    let summary = summary(&end);
    assert_eq!(
        (count(&summary, "received"), count(&summary, "corrupted")),
        (0, 5),
        "{summary}"
    );
}

/// The same probe, sound in itself, with another time of sending.
fn forge_time(probe: &[u8]) -> Vec<u8> {
    use crate::harness::probes::{HEADER, Probe};

    let number = |from: usize| {
        let bytes: [u8; 8] = probe[from..from + 8].try_into().unwrap();
        u64::from_be_bytes(bytes)
    };
    let forged = Probe {
        is_closing: probe[5] == 1,
        run: number(8).to_be_bytes()[..4]
            .iter()
            .fold(0, |run, &byte| run << 8 | u32::from(byte)),
        flow: u16::from_be_bytes([probe[6], probe[7]]),
        number: number(16),
        due_ns: number(24),
        sent_ns: number(32) + 1,
    };
    let mut datagram = forged.datagram(probe.len().max(HEADER));
    datagram[HEADER..].copy_from_slice(&probe[HEADER..]);
    datagram
}

#[test]
fn an_honest_echo_of_the_test_is_measured() {
    let end = measure(UdpClient, echo_datagrams(|_| {}), "-c 20 -i 0");
    end.assert_code(0);
    assert_eq!(count(&summary(&end), "received"), 20);
}
