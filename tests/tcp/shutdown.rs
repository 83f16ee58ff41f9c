//! Ctrl-C and SIGTERM: what is under way completes, what is idle ends, what never ends is cut.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use nix::sys::signal::Signal;

use crate::harness::compat::tcp_server;
use crate::harness::data::{Noise, assert_is_noise, noise};
use crate::harness::peers::{assert_echoes, assert_ended, connect};
use crate::harness::process::{Running, eventually};

fn start(arguments: &[&str]) -> (Running, SocketAddr) {
    let mut command = tcp_server();
    command.args(["-p", "0"]).args(arguments);
    let server = Running::start(command);
    let address = server.listening();
    (server, address)
}

/// Sends noise until the server takes no more; the handle tells how many bytes it took.
fn send_without_end(mut client: TcpStream) -> JoinHandle<u64> {
    thread::spawn(move || {
        let piece = noise(9, 10_000);
        let mut sent = 0;
        while let Ok(count) = client.write(&piece) {
            sent += count as u64;
        }
        sent
    })
}

fn a_transfer_completes(signal: Signal) {
    let (server, address) = start(&["--drain-timeout", "10m"]);
    let mut client = connect(address);
    let mut writer = client.try_clone().unwrap();
    let (halfway, resume) = mpsc::channel::<()>();
    let (half, whole) = (40 << 20, 80 << 20);
    let sending = thread::spawn(move || {
        let mut source = Noise::new(1, whole);
        io::copy(&mut source.by_ref().take(half), &mut writer).unwrap();
        resume.recv().unwrap();
        io::copy(&mut source, &mut writer).unwrap();
        writer.shutdown(Shutdown::Write).unwrap();
    });
    let mut first = vec![0; 1 << 20];
    client.read_exact(&mut first).unwrap();
    assert!(first == noise(1, 1 << 20));
    server.signal(signal);
    // The listener closes as soon as the server knows, while the transfer still runs.
    eventually("the listener closes", || {
        TcpStream::connect(address).is_err()
    });
    halfway.send(()).unwrap();
    let mut expected = Noise::new(1, whole);
    expected.read_exact(&mut first).unwrap();
    let mut rest = vec![0; (whole - (1 << 20)) as usize];
    expected.read_exact(&mut rest).unwrap();
    let mut echoed = Vec::new();
    client.read_to_end(&mut echoed).unwrap();
    assert!(
        echoed == rest,
        "{} of {} bytes came back",
        echoed.len(),
        rest.len()
    );
    sending.join().unwrap();
    let end = server.wait();
    end.assert_code(0);
    assert_eq!(end.stderr, "");
}

#[test]
fn ctrl_c_in_the_middle_of_a_transfer_lets_it_complete() {
    a_transfer_completes(Signal::SIGINT);
}

#[test]
fn sigterm_in_the_middle_of_a_transfer_lets_it_complete() {
    a_transfer_completes(Signal::SIGTERM);
}

#[test]
fn an_idle_client_is_closed_in_order_and_the_server_ends() {
    // A time-out longer than the test's deadline: only closing the idle client can end the server.
    let (server, address) = start(&["--drain-timeout", "10m"]);
    let mut client = connect(address);
    assert_echoes(&mut client, b"hola");
    let mut silent = connect(address);
    server.signal(Signal::SIGTERM);
    assert_ended(&mut client);
    assert_ended(&mut silent);
    let end = server.wait();
    end.assert_code(0);
    assert_eq!(end.stderr, "");
}

#[test]
fn clients_that_wait_in_the_backlog_are_served_before_the_end() {
    let (server, address) = start(&["--drain-timeout", "10m"]);
    let mut clients: Vec<TcpStream> = (0..50).map(|_| connect(address)).collect();
    clients
        .iter_mut()
        .for_each(|client| client.write_all(b"hola").unwrap());
    server.signal(Signal::SIGINT);
    for client in &mut clients {
        let mut echo = Vec::new();
        client.read_to_end(&mut echo).unwrap();
        assert_eq!(echo, b"hola");
    }
    server.wait().assert_code(0);
}

#[test]
fn a_client_that_never_stops_is_cut_after_the_drain_timeout() {
    let (server, address) = start(&["--drain-timeout", "300ms"]);
    let mut client = connect(address);
    let sending = send_without_end(client.try_clone().unwrap());
    client.read_exact(&mut [0; 100_000]).unwrap();
    server.signal(Signal::SIGINT);
    let reading = thread::spawn(move || io::copy(&mut client, &mut io::sink()));
    let end = server.wait();
    end.assert_code(0)
        .assert_one_line_error(&["warning", "cut 1", "300ms", "not delivered"]);
    sending.join().unwrap();
    // The end may be a reset, because the client's last bytes were never read.
    let _ = reading.join().unwrap();
}

#[test]
fn a_client_that_never_reads_is_cut_with_the_bytes_it_is_owed() {
    let (server, address) = start(&["--drain-timeout", "300ms"]);
    let client = connect(address);
    let sending = send_without_end(client.try_clone().unwrap());
    client.peek(&mut [0]).unwrap();
    server.signal(Signal::SIGTERM);
    let end = server.wait();
    end.assert_code(0)
        .assert_one_line_error(&["cut 1", "bytes of echo were not delivered"]);
    sending.join().unwrap();
}

#[test]
fn a_second_signal_ends_at_once() {
    let (server, address) = start(&["--drain-timeout", "10m"]);
    let mut client = connect(address);
    let sending = send_without_end(client.try_clone().unwrap());
    client.read_exact(&mut [0; 100_000]).unwrap();
    let reading = thread::spawn(move || io::copy(&mut client, &mut io::sink()));
    server.signal(Signal::SIGINT);
    eventually("the listener closes", || {
        TcpStream::connect(address).is_err()
    });
    server.signal(Signal::SIGINT);
    server.wait().assert_code(0);
    sending.join().unwrap();
    let _ = reading.join().unwrap();
}

#[test]
fn a_second_signal_ends_a_server_whose_output_nobody_reads() {
    use std::process::Stdio;
    // A pipe that is full blocks the main thread in the middle of a line.
    let (reader, mut writer) = io::pipe().unwrap();
    let mut command = tcp_server();
    command
        .args(["-p", "0", "--json"])
        .stdout(writer.try_clone().unwrap())
        .stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut lines = io::BufReader::new(reader);
    let mut line = String::new();
    io::BufRead::read_line(&mut lines, &mut line).unwrap();
    let event = crate::harness::process::parse_event(line.trim());
    let address: SocketAddr = event["address"].as_str().unwrap().parse().unwrap();
    let filler = thread::spawn(move || {
        let _ = writer.write_all(&[b'\n'; 1 << 20]);
    });
    let _client = connect(address);
    let pid = nix::unistd::Pid::from_raw(i32::try_from(child.id()).unwrap());
    let mut tries = 0;
    eventually("two signals end the server", || {
        tries += 1;
        let _ = nix::sys::signal::kill(pid, Signal::SIGINT);
        child.try_wait().unwrap().is_some()
    });
    assert!(tries > 1);
    drop(lines);
    filler.join().unwrap();
}

#[test]
fn an_idle_timeout_closes_silent_clients_alone() {
    let (server, address) = start(&["--idle-timeout", "200ms"]);
    let mut silent = connect(address);
    let mut busy = connect(address);
    assert_echoes(&mut silent, b"hola");
    let mut rest = [0];
    silent.set_nonblocking(true).unwrap();
    eventually("the silent client is closed", || {
        assert_echoes(&mut busy, b"still here");
        silent.read(&mut rest).is_ok_and(|count| count == 0)
    });
    assert_echoes(&mut busy, b"still here");
    server.interrupt().assert_code(0);
}

#[test]
fn bytes_sent_before_the_signal_are_echoed_to_the_last_one() {
    let (server, address) = start(&["--drain-timeout", "10m"]);
    let mut clients: Vec<TcpStream> = (0..20).map(|_| connect(address)).collect();
    for (seed, client) in (0..).zip(&mut clients) {
        client.write_all(&noise(seed, 100_000)).unwrap();
        client.shutdown(Shutdown::Write).unwrap();
    }
    server.signal(Signal::SIGTERM);
    for (seed, client) in (0..).zip(&mut clients) {
        assert_is_noise(client, seed, 100_000);
    }
    server.wait().assert_code(0);
}
