//! Signals: transfers complete, idle clients are closed, and a second signal ends at once.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process::Stdio;
use std::sync::mpsc;
use std::thread;

use nix::sys::signal::Signal;

use crate::harness::{
    Noise, Running, Server, TcpServer, address_in, assert_echoes, assert_ended, assert_is_noise,
    connect, eventually, noise, send_without_end, wait_for_bytes,
};

/// Longer than the deadline of a test: a server that waits for it fails the test.
const LONG_DRAIN: &str = "--drain-timeout 10m";

#[test]
fn either_signal_in_the_middle_of_a_transfer_lets_it_complete() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let server = Server::start(TcpServer, LONG_DRAIN);
        let mut client = connect(server.address);
        let mut writer = client.try_clone().unwrap();
        let (resume, resumed) = mpsc::channel::<()>();
        let (half, whole) = (40 << 20, 80 << 20);
        let sending = thread::spawn(move || {
            let mut source = Noise::new(1, whole);
            io::copy(&mut source.by_ref().take(half), &mut writer).unwrap();
            resumed.recv().unwrap();
            io::copy(&mut source, &mut writer).unwrap();
            writer.shutdown(Shutdown::Write).unwrap();
        });
        wait_for_bytes(&client);
        server.signal(signal);
        // The listener closes as soon as the server knows, while the transfer is under way.
        eventually("the listener closes", || {
            TcpStream::connect(server.address).is_err()
        });
        resume.send(()).unwrap();
        assert_is_noise(&mut client, 1, whole);
        sending.join().unwrap();
        server.wait().assert_clean();
    }
}

#[test]
fn idle_clients_are_closed_in_order_and_the_server_ends() {
    let server = Server::start(TcpServer, LONG_DRAIN);
    let mut served = connect(server.address);
    assert_echoes(&mut served, b"hola");
    let mut silent = connect(server.address);
    server.signal(Signal::SIGTERM);
    assert_ended(&mut served);
    assert_ended(&mut silent);
    server.wait().assert_clean();
}

#[test]
fn bytes_sent_before_the_signal_are_echoed_to_clients_in_the_backlog_too() {
    let server = Server::start(TcpServer, LONG_DRAIN);
    let mut clients: Vec<TcpStream> = (0..50).map(|_| connect(server.address)).collect();
    for (seed, client) in (0..).zip(&mut clients) {
        client.write_all(&noise(seed, 100_000)).unwrap();
        if seed % 2 == 0 {
            client.shutdown(Shutdown::Write).unwrap();
        }
    }
    server.signal(Signal::SIGTERM);
    for (seed, client) in (0..).zip(&mut clients) {
        assert_is_noise(client, seed, 100_000);
    }
    server.wait().assert_code(0);
}

#[test]
fn a_second_signal_ends_at_once() {
    let server = Server::start(TcpServer, LONG_DRAIN);
    let mut client = connect(server.address);
    let sending = send_without_end(&client);
    client.read_exact(&mut [0; 100_000]).unwrap();
    let reading = thread::spawn(move || io::copy(&mut client, &mut io::sink()));
    server.signal(Signal::SIGINT);
    eventually("the listener closes", || {
        TcpStream::connect(server.address).is_err()
    });
    server.interrupt().assert_code(0);
    sending.join().unwrap();
    // The end may be a reset, because the client's last bytes were never read.
    let _ = reading.join().unwrap();
}

#[test]
fn a_second_signal_ends_a_server_whose_output_nobody_reads() {
    let (reader, mut writer) = io::pipe().unwrap();
    let mut command = TcpServer.command("-p 0 --json");
    command.stdout(writer.try_clone().unwrap());
    command.stdin(Stdio::null()).stderr(Stdio::null());
    let mut server = Running::spawn(command);
    let mut lines = BufReader::new(reader);
    let mut line = String::new();
    lines.read_line(&mut line).unwrap();
    // A full pipe blocks the main thread in the middle of a line.
    let filler = thread::spawn(move || {
        let _ = writer.write_all(&[b'\n'; 1 << 20]);
    });
    let _client = connect(address_in(&line));
    let mut signals = 0;
    eventually("two signals end the server", || {
        signals += 1;
        server.signal(Signal::SIGINT);
        server.has_ended()
    });
    assert!(signals > 1);
    drop(lines);
    filler.join().unwrap();
}

#[test]
fn an_idle_timeout_closes_silent_clients_alone() {
    let server = Server::start(TcpServer, "--idle-timeout 3s");
    let mut silent = connect(server.address);
    let mut busy = connect(server.address);
    assert_echoes(&mut silent, b"hola");
    silent.set_nonblocking(true).unwrap();
    eventually("the silent client is closed", || {
        assert_echoes(&mut busy, b"still here");
        silent.read(&mut [0]).is_ok_and(|count| count == 0)
    });
    assert_echoes(&mut busy, b"still here");
    server.interrupt().assert_code(0);
}
