//! Bursts: nothing is lost without being counted, to the datagram.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::process::Stdio;
use std::time::Instant;

use crate::harness::{
    Running, Server, UdpServer, address_of, alone, burst, connected_to, count,
    dropped_before_sockets, eventually, send_segmented,
};

const PAYLOAD: [u8; 64] = [b'x'; 64];

/// Every datagram was received or dropped; only those that the kernel dropped before any socket may be missing.
#[track_caller]
pub(super) fn assert_accounted(sent: u64, received: u64, dropped: u64, lost_before: u64) {
    let known = received + dropped;
    let excuse = dropped_before_sockets() - lost_before;
    assert!(
        known <= sent && sent <= known + excuse,
        "sent {sent}, received {received}, dropped {dropped}, excused {excuse}"
    );
}

/// The number behind a word.
#[track_caller]
fn number_after(word: &str, line: &str) -> u64 {
    let (_, rest) = line.split_once(word).expect(line);
    let digits = rest.split([' ', ',']).find(|part| !part.is_empty());
    digits.expect(line).parse().expect(line)
}

/// The last bytes of a file that grows.
fn tail(file: &File) -> String {
    let mut bytes = [0; 1_000];
    let start = file.metadata().unwrap().len().saturating_sub(1_000);
    let count = file.read_at(&mut bytes, start).unwrap();
    String::from_utf8_lossy(&bytes[..count]).into_owned()
}

#[test]
fn half_a_million_datagrams_are_printed_or_counted_as_dropped() {
    let _machine = alone();
    const COUNT: usize = 500_000;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("output");
    let mut command = UdpServer.command("-p 0");
    command.stdin(Stdio::null()).stderr(Stdio::piped());
    command.stdout(File::create(&path).unwrap());
    let server = Running::spawn(command);
    let client = connected_to(address_of(&server));
    let lost_before = dropped_before_sockets();
    burst(&client, &PAYLOAD, COUNT);
    // One that comes through tells that everything before it came, or was dropped.
    let mut markers = 0;
    let output = File::open(&path).unwrap();
    eventually("a marker is printed", || {
        client.send(b"marker").unwrap();
        markers += 1;
        tail(&output).contains("marker")
    });
    server.interrupt().assert_code(0);

    let text = fs::read_to_string(&path).unwrap();
    let line = format!("[+] Mensaje enviado por el cliente: {}", "x".repeat(64));
    let printed = text.lines().filter(|&other| other == line).count() as u64;
    let marked = text.lines().filter(|line| line.ends_with(": marker"));
    let received = printed + marked.count() as u64;
    let summary = text.lines().last().unwrap();
    assert_eq!(number_after("recibidos ", summary), received);
    let dropped = number_after("kernel ", summary);
    assert_accounted(COUNT as u64 + markers, received, dropped, lost_before);
    assert!(printed > 0, "{summary}");
    println!("printed {printed} of {COUNT}: {summary}");
}

#[test]
fn an_overflowing_buffer_is_reported_while_the_server_runs_and_in_its_summary() {
    let _machine = alone();
    let server = Server::start(UdpServer, "--json --rcvbuf 100K");
    let client = connected_to(server.address);
    let lost_before = dropped_before_sockets();
    server.pause();
    burst(&client, &PAYLOAD, 5_000);
    server.resume();
    let warning = server.error_line();
    let start = "udp-server: warning: the kernel dropped ";
    for part in [start, "--rcvbuf", "net.core.rmem_max"] {
        assert!(warning.contains(part), "no '{part}' in: {warning}");
    }
    let events = server.finish();
    let summary = events.last().unwrap();
    let (received, dropped) = (count(summary, "datagrams"), count(summary, "dropped"));
    assert_eq!(events.len() as u64 - 1, received);
    assert!(received > 0 && dropped > 0);
    assert_accounted(5_000, received, dropped, lost_before);
    assert_eq!(number_after("dropped ", &warning), dropped);
}

#[test]
fn warnings_about_drops_do_not_come_by_the_thousand() {
    let _machine = alone();
    let server = Server::start(UdpServer, "--json --rcvbuf 2K");
    let client = connected_to(server.address);
    let start = Instant::now();
    burst(&client, &PAYLOAD, 200_000);
    let end = server.interrupt();
    end.assert_code(0);
    let warnings = end.stderr.lines().count() as u64;
    let most = start.elapsed().as_secs() + 60;
    assert!((1..most).contains(&warnings), "{}", end.stderr);
}

#[test]
fn segmented_datagrams_make_the_count_of_drops_a_lower_bound() {
    let _machine = alone();
    let server = Server::start(UdpServer, "--json --rcvbuf 100K");
    let client = connected_to(server.address);
    server.pause();
    for _ in 0..100 {
        send_segmented(&client, &[b'x'; 6_400], 64);
    }
    server.resume();
    let summary = server.finish().pop().unwrap();
    assert_eq!(summary["dropped_at_least"], true);
    let known = count(&summary, "datagrams") + count(&summary, "dropped");
    assert!(known < 10_000, "{summary}");
}
