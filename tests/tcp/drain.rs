//! The drain of a server whose clients read late, never stop or never read.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::Value;
use socket2::{Domain, Socket, Type};

use crate::harness::echoes::hold_up;
use crate::harness::{
    DEADLINE, Server, TcpServer, alone, connect, count, crowd, eventually, noise, send_without_end,
    wait_for_bytes,
};

/// A client with a small receive buffer, so that what it does not read waits at the server.
fn connect_narrowly(server: SocketAddr) -> TcpStream {
    connect_with_buffer(server, 4096)
}

fn connect_with_buffer(server: SocketAddr, size: usize) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(size).unwrap();
    socket.connect(&server.into()).unwrap();
    socket.set_read_timeout(Some(DEADLINE)).unwrap();
    socket.into()
}

#[test]
fn a_client_that_reads_late_is_not_taken_for_a_silent_one() {
    let server = Server::start(TcpServer, "--drain-timeout 10m");
    let mut client = connect_narrowly(server.address);
    let message = noise(1, 200_000);
    client.write_all(&message).unwrap();
    wait_for_bytes(&client);
    server.signal(Signal::SIGTERM);
    // Longer than a client that has its echo may be silent.
    assert_eq!(server.error_line_within(Duration::from_secs(2)), None);
    client.write_all(b"and this").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    let mut echo = Vec::new();
    client.read_to_end(&mut echo).unwrap();
    assert!(echo == [&message[..], b"and this"].concat());
    server.wait().assert_clean();
}

/// Reads to the end, with pauses.
fn read_slowly(mut client: &TcpStream, pause: Duration, echo: &mut Vec<u8>) -> io::Result<()> {
    let mut chunk = [0; 32 << 10];
    loop {
        match client.read(&mut chunk)? {
            0 => return Ok(()),
            count => echo.extend(&chunk[..count]),
        }
        hold_up(pause);
    }
}

/// Stops a server in the middle of a transfer without end, to a client with so much receive buffer that
/// pauses between its reads. Returns the echo that came back and the server's word on it; how the
/// connection ended is the client's to see.
fn stop_in_a_transfer(
    drain_timeout: &str,
    buffer: usize,
    pause: Duration,
) -> (Vec<u8>, Value, io::Result<()>) {
    let arguments = format!("--json --drain-timeout {drain_timeout}");
    let server = Server::start(TcpServer, &arguments);
    let client = connect_with_buffer(server.address, buffer);
    let mut writer = client.try_clone().unwrap();
    let message = noise(2, 64 << 20);
    let mut echo = Vec::new();
    let ending = thread::scope(|scope| {
        scope.spawn(|| writer.write_all(&message));
        wait_for_bytes(&client);
        server.signal(Signal::SIGTERM);
        let ending = read_slowly(&client, pause, &mut echo);
        // Fails behind a reset.
        let _ = client.shutdown(Shutdown::Both);
        ending
    });
    assert!(message.starts_with(&echo));
    let end = server.wait();
    let closed = end.assert_code(0).events_of("closed").remove(0);
    (echo, closed, ending)
}

#[test]
fn a_client_that_never_stops_gets_all_that_was_read_and_an_orderly_end() {
    // The message would take longer than the drain. What was read takes some reads of the client, and
    // has a fifth of the time: enough on a busy machine.
    let pause = Duration::from_millis(5);
    let (echo, closed, ending) = stop_in_a_transfer("10s", 64 << 10, pause);
    ending.unwrap();
    assert_eq!(closed["reason"], "cut", "{closed}");
    assert_eq!(closed["bytes"], echo.len(), "{closed}");
    // What it sent behind the end was never read.
    assert_eq!(closed["undelivered"], closed["unread"], "{closed}");
}

#[test]
fn what_a_cut_in_a_transfer_takes_from_a_client_is_counted() {
    for drain_timeout in ["100ms", "300ms", "1s"] {
        let (echo, closed, _) = stop_in_a_transfer(drain_timeout, 4096, Duration::ZERO);
        let delivered = count(&closed, "bytes");
        let lost = count(&closed, "undelivered") - count(&closed, "unread");
        let echo = echo.len() as u64;
        assert!(
            (delivered..=delivered + lost).contains(&echo),
            "{echo} {closed}"
        );
    }
}

/// Waits until the server's kernel has taken all that a client has sent.
fn wait_until_taken(client: &TcpStream) {
    let port = client.local_addr().unwrap().port();
    let local = format!(":{port:04X}");
    eventually("the server's kernel has it all", || {
        let connections = fs::read_to_string("/proc/net/tcp").unwrap();
        let mut rows = connections.lines().map(|row| row.split_whitespace());
        // Local address, remote address, state, bytes to send and to receive (proc_pid_net(5)).
        let row = rows.find(|row| row.clone().nth(1).unwrap().ends_with(&local));
        let queues = row.unwrap().nth(4).unwrap();
        queues.starts_with("00000000:")
    });
}

#[test]
fn a_cut_counts_every_byte_that_came_and_did_not_get_back() {
    for drain_timeout in ["0", "500ms"] {
        let arguments = format!("--json --drain-timeout {drain_timeout}");
        // Little fits into a small buffer: much lies unread, in the server and in the kernels.
        let server = Server::start(TcpServer, arguments.as_str());
        let mut client = connect_narrowly(server.address);
        let message = noise(3, 700_000);
        client.write_all(&message).unwrap();
        wait_until_taken(&client);
        server.signal(Signal::SIGTERM);
        let end = server.wait();
        let closed = &end.events_of("closed")[0];
        let undelivered = count(closed, "undelivered");
        let told = format!("{undelivered} bytes of echo were not delivered");
        end.assert_error(0, &["cut 1 ", &told]);
        assert_eq!(count(closed, "bytes") + undelivered, 700_000, "{closed}");
        assert!(count(closed, "unread") <= undelivered, "{closed}");
        // The end is a reset, behind which the client still finds what its kernel has.
        let mut echo = Vec::new();
        let _ = client.read_to_end(&mut echo);
        assert!(message.starts_with(&echo));
        assert!(count(closed, "bytes") <= echo.len() as u64, "{closed}");
    }
}

#[test]
fn a_client_that_never_stops_is_cut_after_the_drain_timeout() {
    let server = Server::start(TcpServer, "--drain-timeout 300ms");
    let mut client = connect(server.address);
    let sending = send_without_end(&client);
    client.read_exact(&mut [0; 100_000]).unwrap();
    server.signal(Signal::SIGINT);
    let reading = thread::spawn(move || io::copy(&mut client, &mut io::sink()));
    let parts = ["warning", "cut 1", "300ms", "not delivered"];
    server.wait().assert_error(0, &parts);
    sending.join().unwrap();
    // The end may be a reset, because the client's last bytes were never read.
    let _ = reading.join().unwrap();
}

#[test]
fn a_client_that_never_reads_is_cut_and_its_undelivered_bytes_are_told() {
    let server = Server::start(TcpServer, "--drain-timeout 300ms");
    let client = connect(server.address);
    let sending = send_without_end(&client);
    wait_for_bytes(&client);
    server.signal(Signal::SIGTERM);
    let parts = ["cut 1", "bytes of echo were not delivered"];
    server.wait().assert_error(0, &parts);
    sending.join().unwrap();
}

#[test]
fn a_drain_that_waits_for_clients_that_never_read_does_not_spin() {
    let _machine = alone();
    let server = Server::start(TcpServer, "--json --drain-timeout 4s");
    let crowd = crowd(server.address, "hostile --never-reads 300");
    assert_eq!(crowd.event()["event"], "hostile");
    eventually("the server is at rest", || {
        server.load_while_silent(Duration::from_millis(500)) == 0.0
    });
    server.signal(Signal::SIGTERM);
    let load = server.load_while_silent(Duration::from_secs(2));
    println!("the drain takes {load:.3} of a processor");
    assert!(load <= 0.1, "{load} of a processor");
    let parts = ["cut 300", "bytes of echo were not delivered"];
    server.wait().assert_error(0, &parts);
}
