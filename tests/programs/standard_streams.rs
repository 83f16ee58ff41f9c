//! Standard streams that do not block, that nobody reads, and that may not grow.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::thread;

use nix::sys::signal::Signal;
use socket2::SockRef;

use crate::harness::{
    Program, Running, Server, TcpClient, TcpServer, UdpServer, With, address_in, assert_echoes,
    assert_is_noise, behind, closed_port, connect, connected_to, count, eventually, noise,
    parse_event, serve_one,
};

/// The writing end of a stream that does not block and has room for some kilobytes, and its reader.
fn nonblocking() -> (OwnedFd, UnixStream) {
    let (stream, reader) = UnixStream::pair().unwrap();
    stream.set_nonblocking(true).unwrap();
    SockRef::from(&stream).set_send_buffer_size(4096).unwrap();
    (stream.into(), reader)
}

fn spawn(mut command: Command, stdout: impl Into<Stdio>, stderr: impl Into<Stdio>) -> Running {
    command.stdin(Stdio::null()).stdout(stdout).stderr(stderr);
    Running::spawn(command)
}

#[test]
fn a_reply_passes_a_standard_output_that_does_not_block_and_is_read_late() {
    let server = serve_one(|mut stream| {
        stream.write_all(&noise(1, 3_000_000)).unwrap();
    });
    let (stdout, reader) = nonblocking();
    let command = TcpClient.to(server, "-f /dev/null");
    let client = spawn(command, stdout, Stdio::piped());
    // Nothing is read before the stream is full for sure: 3 MB are more than any buffer has.
    client.wait_for_handlers();
    assert_is_noise(reader, 1, 3_000_000);
    client.wait().assert_clean();
}

#[test]
fn a_server_s_log_on_a_stream_that_does_not_block_holds_it_up_and_loses_nothing() {
    let (stdout, reader) = nonblocking();
    let server = spawn(TcpServer.command("-p 0 --json"), stdout, Stdio::piped());
    let mut lines = BufReader::new(reader).lines().map(Result::unwrap);
    let address = address_in(&lines.next().unwrap());
    // More lines than the stream has room for; nobody reads them before all clients have come.
    let mut clients: Vec<TcpStream> = (0..400).map(|_| connect(address)).collect();
    for line in lines.by_ref().take(400) {
        assert_eq!(parse_event(&line)["event"], "connected");
    }
    for client in &mut clients {
        assert_echoes(client, b"hola");
    }
    let reading = thread::spawn(move || lines.count());
    drop(clients);
    server.interrupt().assert_clean();
    assert_eq!(reading.join().unwrap(), 400);
}

#[test]
fn datagrams_are_shown_on_a_stream_that_does_not_block() {
    let (stdout, reader) = nonblocking();
    let server = spawn(UdpServer.command("-p 0 --json"), stdout, Stdio::piped());
    let mut lines = BufReader::new(reader).lines().map(Result::unwrap);
    let peer = connected_to(address_in(&lines.next().unwrap()));
    for _ in 0..500 {
        peer.send(&[b'x'; 200]).unwrap();
    }
    let datagrams = lines.by_ref().take(500);
    assert!(
        datagrams
            .into_iter()
            .all(|line| parse_event(&line)["bytes"] == 200)
    );
    let reading = thread::spawn(move || parse_event(&lines.last().unwrap()));
    server.interrupt().assert_clean();
    assert_eq!(count(&reading.join().unwrap(), "datagrams"), 500);
}

#[test]
fn log_lines_pass_a_standard_error_that_does_not_block_and_is_read_late() {
    let (stderr, reader) = nonblocking();
    let command = TcpServer.command("-p 0 --json -v");
    let server = Server::from(spawn(command, Stdio::piped(), stderr));
    let clients: Vec<TcpStream> = (0..400).map(|_| connect(server.address)).collect();
    for mut client in &clients {
        client.write_all(b"hola").unwrap();
        client.shutdown(Shutdown::Write).unwrap();
    }
    let reading = thread::spawn(move || {
        let mut text = String::new();
        BufReader::new(reader).read_to_string(&mut text).unwrap();
        text
    });
    for client in &clients {
        assert_eq!(io::read_to_string(client).unwrap(), "hola");
    }
    server.interrupt().assert_code(0);
    let text = reading.join().unwrap();
    assert_eq!(text.matches(": 4 bytes echoed in ").count(), 400);
}

#[test]
fn one_sigterm_ends_a_server_whose_log_nobody_reads() {
    for (program, arguments) in [
        (TcpServer, "-p 0 --json --drain-timeout 1s"),
        (UdpServer, "-p 0 --json"),
    ] {
        let (stdout, reader) = UnixStream::pair().unwrap();
        SockRef::from(&stdout).set_send_buffer_size(4096).unwrap();
        let server = spawn(
            program.command(arguments),
            OwnedFd::from(stdout),
            Stdio::null(),
        );
        let mut lines = BufReader::new(&reader).lines().map(Result::unwrap);
        let address = address_in(&lines.next().unwrap());
        let _clients: Vec<TcpStream> = match program {
            TcpServer => (0..200).map(|_| connect(address)).collect(),
            _ => Vec::new(),
        };
        let peer = connected_to(address);
        for _ in 0..200 {
            // Where nothing is bound for UDP, an error comes back.
            let _ = peer.send(&[b'x'; 100]);
        }
        server.signal(Signal::SIGTERM);
        server.wait().assert_code(0);
    }
}

#[test]
fn a_file_that_may_not_grow_is_told_as_a_full_disk_is() {
    let directory = tempfile::tempdir().unwrap();
    let file = || File::create(directory.path().join("output")).unwrap();
    let limited = |program: Program| behind("ulimit -f 2", program.path());
    let reason = [
        "cannot write to standard output: file too large",
        "local limit",
    ];

    let echo = Server::start(TcpServer, "");
    let message = "x".repeat(50_000);
    let client = limited(TcpClient).with(["-m", &message, "--raw", &echo.address.to_string()]);
    let end = spawn(client, file(), Stdio::piped()).wait();
    end.assert_error(8, &reason);

    // Where the log goes to a file, the address is found on another way.
    let address = closed_port();
    let command = limited(TcpServer)
        .with("--json")
        .with([address.to_string()]);
    let server = spawn(command, file(), Stdio::piped());
    eventually("the server listens", || TcpStream::connect(address).is_ok());
    for _ in 0..100 {
        assert_echoes(&mut connect(address), b"hola");
    }
    let warning = server.error_line();
    assert!(warning.contains("file too large"), "{warning}");
    server.interrupt().assert_error(8, &reason);
}
