//! Bursts: nothing is lost without being counted, to the datagram.

use std::fs;
use std::process::Command;

use crate::harness::compat::{UdpServer, server_command};
use crate::harness::process::{Running, eventually};
use crate::harness::udp::{burst, connected_to, dropped_before_sockets};

const PAYLOAD: [u8; 64] = [b'x'; 64];

/// What was sent is received or dropped; only what the kernel dropped before any socket may be missing.
#[track_caller]
fn assert_accounted(sent: u64, received: u64, dropped: u64, lost_before: u64) {
    let known = received + dropped;
    let excuse = dropped_before_sockets() - lost_before;
    assert!(
        known <= sent && sent <= known + excuse,
        "sent {sent}, received {received}, dropped {dropped}, excused {excuse}"
    );
}

/// The figure behind a word of the summary.
fn figure(summary: &str, word: &str) -> u64 {
    let (_, rest) = summary
        .split_once(word)
        .unwrap_or_else(|| panic!("{summary}"));
    let digits: String = rest
        .trim_start()
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    digits.parse().unwrap_or_else(|_| panic!("{summary}"))
}

#[test]
fn half_a_million_datagrams_are_printed_or_counted_as_dropped() {
    const COUNT: u64 = 500_000;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("output");
    let text = || fs::read_to_string(&path).unwrap_or_default();
    let server = server_command("127.0.0.1:0", &[]);
    let mut shell = Command::new("sh");
    shell
        .args(["-c", r#"exec "$0" "$@" > "$OUTPUT""#])
        .env("OUTPUT", &path);
    shell.arg(server.get_program()).args(server.get_args());
    let running = Running::start(shell);
    eventually("the server listens", || {
        text().contains("escucha") && text().ends_with('\n')
    });
    let place = text().trim_end().rsplit(' ').next().unwrap().to_owned();
    let client = connected_to(place.parse().unwrap());

    let lost_before = dropped_before_sockets();
    burst(&client, &PAYLOAD, usize::try_from(COUNT).unwrap());
    // One that comes through tells that everything before it came, or was dropped.
    let mut markers = 0;
    let output = fs::File::open(&path).unwrap();
    eventually("a marker is printed", || {
        client.send(b"marker").unwrap();
        markers += 1;
        tail(&output).contains("marker")
    });
    let finished = running.interrupt();
    finished.assert_code(0);

    let text = text();
    let line = format!("[+] Mensaje enviado por el cliente: {}", "x".repeat(64));
    let printed = text.lines().filter(|&candidate| candidate == line).count() as u64;
    let marked = text
        .lines()
        .filter(|line| line.ends_with(": marker"))
        .count() as u64;
    let summary = text.lines().last().unwrap();
    assert_eq!(figure(summary, "recibidos"), printed + marked);
    assert_accounted(
        COUNT + markers,
        printed + marked,
        figure(summary, "kernel"),
        lost_before,
    );
    assert!(printed > 0, "{summary}");
    eprintln!("printed {printed} of {COUNT}: {summary}");
}

/// The last bytes of a file that grows.
fn tail(file: &fs::File) -> String {
    use std::os::unix::fs::FileExt;
    let mut bytes = [0; 1_000];
    let length = file.metadata().unwrap().len();
    let count = file
        .read_at(&mut bytes, length.saturating_sub(1_000))
        .unwrap();
    String::from_utf8_lossy(&bytes[..count]).into_owned()
}

#[test]
fn an_overflowing_buffer_is_reported_while_the_server_runs_and_in_its_summary() {
    let server = UdpServer::start_json("127.0.0.1:0", &["--rcvbuf", "100K"]);
    let client = connected_to(server.address);
    let lost_before = dropped_before_sockets();
    server.pause();
    burst(&client, &PAYLOAD, 5_000);
    server.resume();
    let warning = server.running.error_line();
    for part in [
        "udp-server: warning: the kernel dropped",
        "--rcvbuf",
        "net.core.rmem_max",
    ] {
        assert!(warning.contains(part), "no '{part}' in: {warning}");
    }
    let events = server.finish();
    let summary = events.last().unwrap();
    let (received, dropped) = (&summary["datagrams"], &summary["dropped"]);
    let (received, dropped) = (received.as_u64().unwrap(), dropped.as_u64().unwrap());
    assert_eq!(events.len() as u64 - 1, received);
    assert!(received > 0 && dropped > 0);
    assert_accounted(5_000, received, dropped, lost_before);
    assert_eq!(figure(&warning, "dropped"), dropped);
}

#[test]
fn warnings_about_drops_do_not_come_by_the_thousand() {
    let server = UdpServer::start_json("127.0.0.1:0", &["--rcvbuf", "2K"]);
    let client = connected_to(server.address);
    burst(&client, &PAYLOAD, 200_000);
    let start = std::time::Instant::now();
    let finished = server.running.interrupt();
    finished.assert_code(0);
    let warnings = finished.stderr.lines().count() as u64;
    let most = start.elapsed().as_secs() + 60;
    assert!((1..most).contains(&warnings), "{}", finished.stderr);
}

#[test]
fn a_buffer_that_is_not_granted_is_said() {
    let server = UdpServer::start(&["--rcvbuf", "1Gi"]);
    let warning = server.running.error_line();
    assert!(
        warning.contains("asked for a receive buffer of 1073741824 bytes, the kernel granted"),
        "{warning}"
    );
    assert!(warning.contains("net.core.rmem_max"), "{warning}");
}

#[test]
fn joined_datagrams_make_the_count_of_drops_a_lower_bound() {
    use nix::sys::socket::{ControlMessage, MsgFlags, SockaddrStorage, sendmsg};
    let server = UdpServer::start_json("127.0.0.1:0", &["--rcvbuf", "100K"]);
    let client = connected_to(server.address);
    server.pause();
    let slices = [std::io::IoSlice::new(&[b'x'; 6_400])];
    let descriptor = std::os::fd::AsRawFd::as_raw_fd(&client);
    for _ in 0..100 {
        let joined = [ControlMessage::UdpGsoSegments(&64)];
        sendmsg::<SockaddrStorage>(descriptor, &slices, &joined, MsgFlags::empty(), None).unwrap();
    }
    server.resume();
    let summary = server.finish().pop().unwrap();
    assert_eq!(summary["dropped_at_least"], true);
    let known = summary["datagrams"].as_u64().unwrap() + summary["dropped"].as_u64().unwrap();
    assert!(known < 10_000, "{summary}");
}
