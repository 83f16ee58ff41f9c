//! Bytes in bulk: nothing lost, nothing altered, nothing deadlocked, in bounded memory.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, Write};
use std::net::{Shutdown, SocketAddr};
use std::process::Stdio;
use std::thread;

use crate::harness::{
    Noise, Running, Server, TcpClient, TcpServer, assert_echoes, assert_ended, assert_is_noise,
    assert_same, connect, noise, run, run_with, serve_one,
};
use crate::tcp::python_echo;

const GIBIBYTE: u64 = 1 << 30;

/// Resident memory that either side may have had at most, in kibibytes.
const BOUND: u64 = 32 << 10;

fn noise_file(seed: u64, length: u64) -> File {
    let mut file = tempfile::tempfile().expect("a temporary file");
    io::copy(&mut Noise::new(seed, length), &mut file).expect("room on the disk");
    file.rewind().expect("a file");
    file
}

/// Sends a file, compares the reply with it, and returns the client's peak of memory just before its
/// end: it cannot end while the last mebibyte is not read.
fn peak_of_echoing(server: SocketAddr, seed: u64, length: u64) -> u64 {
    let (mut reply, output) = io::pipe().unwrap();
    let mut command = TcpClient.to(server, "-f - --expect-echo -w 30s");
    command.stdin(noise_file(seed, length)).stdout(output);
    command.stderr(Stdio::piped());
    let client = Running::spawn(command);
    let (mut expected, head) = (Noise::new(seed, length), length - (1 << 20));
    assert_same(reply.by_ref().take(head), expected.by_ref().take(head));
    let peak = client.peak_kibibytes();
    assert_same(reply, expected);
    client.wait().assert_clean();
    peak
}

#[test]
fn a_gibibyte_through_server_and_client_is_identical_in_bounded_memory() {
    let server = Server::start(TcpServer, "");
    let client_peak = peak_of_echoing(server.address, 1, GIBIBYTE);
    let server_peak = server.peak_kibibytes();
    println!("peak resident KiB: client {client_peak}, server {server_peak}");
    assert!(client_peak < BOUND, "client {client_peak} KiB");
    assert!(server_peak < BOUND, "server {server_peak} KiB");
    server.interrupt().assert_code(0);
}

#[test]
fn a_gibibyte_through_a_plain_python_echo_server_is_identical() {
    if let Some(server) = python_echo() {
        let peak = peak_of_echoing(server.address, 2, GIBIBYTE);
        assert!(peak < BOUND, "client {peak} KiB");
    }
}

#[test]
fn a_client_that_reads_nothing_until_it_has_sent_all_is_served_as_far_as_buffers_reach() {
    let server = Server::start(TcpServer, "");
    let mut client = connect(server.address);
    client.write_all(&noise(3, 2 << 20)).unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    assert_is_noise(&mut client, 3, 2 << 20);
}

#[test]
fn one_byte_at_a_time_comes_back_whole() {
    let server = Server::start(TcpServer, "");
    let mut client = connect(server.address);
    let mut writer = client.try_clone().unwrap();
    let sending = thread::spawn(move || {
        let bytes = noise(4, 2_000);
        bytes
            .chunks(1)
            .for_each(|byte| writer.write_all(byte).unwrap());
        writer.shutdown(Shutdown::Write).unwrap();
    });
    assert_is_noise(&mut client, 4, 2_000);
    sending.join().unwrap();
}

#[test]
fn a_client_that_does_not_read_holds_up_nobody_and_loses_nothing() {
    let server = Server::start(TcpServer, "--max-threads 1");
    let mut lazy = connect(server.address);
    let mut writer = lazy.try_clone().unwrap();
    // Far more than all buffers hold: it stays half sent until the client reads.
    let length = 64 << 20;
    let sending = thread::spawn(move || {
        io::copy(&mut Noise::new(5, length), &mut writer).unwrap();
        writer.shutdown(Shutdown::Write).unwrap();
    });
    let mut other = connect(server.address);
    for round in 0..50 {
        assert_echoes(&mut other, &noise(round, 1_000));
    }
    assert_is_noise(&mut lazy, 5, length);
    sending.join().unwrap();
}

#[test]
fn without_half_close_the_client_ends_when_its_echo_is_back() {
    let server = Server::start(TcpServer, "");
    let sent = noise(6, 5_000_000);
    let client = TcpClient.to(server.address, "--no-shutdown --expect-echo -f -");
    let echoed = run_with(client, sent.clone());
    echoed.assert_code(0);
    assert!(echoed.stdout == sent);
}

#[test]
fn no_shutdown_keeps_the_write_side_open() {
    let server = serve_one(|mut stream| {
        let mut message = [0; 4];
        stream.read_exact(&mut message).unwrap();
        stream.write_all(b"reply").unwrap();
        stream.set_nonblocking(true).unwrap();
        let end = stream.read(&mut message);
        let is_open = end.is_err_and(|error| error.kind() == ErrorKind::WouldBlock);
        stream.set_nonblocking(false).unwrap();
        let state = if is_open { " open" } else { " shut" };
        stream.write_all(state.as_bytes()).unwrap();
    });
    let end = run(TcpClient.to(server, "--no-shutdown -m hola --raw"));
    assert_eq!(end.text(), "reply open");
}

#[test]
fn an_empty_file_is_sent_as_nothing() {
    let server = Server::start(TcpServer, "");
    let end = run(TcpClient.to(server.address, "-e -f /dev/null"));
    assert_eq!(end.assert_clean().text(), "");
    let mut peer = connect(server.address);
    peer.shutdown(Shutdown::Write).unwrap();
    assert_ended(&mut peer);
    server.interrupt().assert_code(0);
}

#[test]
fn a_server_that_stores_everything_before_it_echoes_is_not_deadlocked() {
    let server = serve_one(|mut stream| {
        let mut all = Vec::new();
        stream.read_to_end(&mut all).unwrap();
        stream.write_all(&all).unwrap();
    });
    let sent = noise(7, 20 << 20);
    let echoed = run_with(TcpClient.to(server, "-e -f -"), sent.clone());
    echoed.assert_code(0);
    let warning = "tcp-client: warning: no echo for a second";
    assert!(echoed.stderr.starts_with(warning), "{}", echoed.stderr);
    assert!(echoed.stdout == sent);
}
