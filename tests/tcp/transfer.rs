//! Bytes in bulk: nothing lost, nothing altered, nothing deadlocked, in bounded memory.

use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::process::{Child, Stdio};
use std::thread;

use crate::harness::compat::{run, status_figure, tcp_client, tcp_server, wait_until};
use crate::harness::data::{Noise, assert_is_noise, noise};
use crate::harness::peers::{assert_ended, connect, serve_one};
use crate::harness::process::Running;
use crate::harness::program::python;

const GIBIBYTE: u64 = 1 << 30;

/// Resident memory that either side may have had at most, in kibibytes.
const BOUND: u64 = 32 << 10;

fn start_server() -> (Running, SocketAddr) {
    let mut command = tcp_server();
    command.args(["-p", "0"]);
    let server = Running::start(command);
    let address = server.listening();
    (server, address)
}

fn client_from_stdin(server: SocketAddr, input: File) -> Child {
    let mut command = tcp_client();
    command.args(["-f", "-", "--expect-echo", "-w", "30s", &server.to_string()]);
    command
        .stdin(input)
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .expect("the client starts")
}

fn noise_file(seed: u64, length: u64) -> File {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    io::copy(&mut Noise::new(seed, length), &mut file).expect("room on the disk");
    file.reopen().expect("the same file")
}

/// Sends the file, compares the reply with it, and returns the client's peak resident memory in
/// kibibytes, seen just before its end: it cannot end while the last mebibyte is not read.
fn echo_file(server: SocketAddr, seed: u64, length: u64) -> u64 {
    let mut client = client_from_stdin(server, noise_file(seed, length));
    let mut reply = client.stdout.take().expect("a pipe");
    let pid = client.id();
    let (head, tail) = (length - (1 << 20), 1 << 20);
    let mut expected = Noise::new(seed, length);
    assert_same(reply.by_ref().take(head), expected.by_ref().take(head));
    let peak = status_figure(pid, "VmHWM").expect("the client still runs");
    assert_same(reply.take(tail + 1), expected);
    assert_eq!(
        wait_until(&mut client).expect("the client ends").code(),
        Some(0)
    );
    peak
}

#[track_caller]
fn assert_same(mut stream: impl Read, mut expected: impl Read) {
    let (mut left, mut right) = (vec![0; 1 << 20], vec![0; 1 << 20]);
    loop {
        let count = stream.read(&mut left).expect("the reply can be read");
        expected
            .read_exact(&mut right[..count])
            .expect("no more than was sent");
        assert!(left[..count] == right[..count], "the reply differs");
        if count == 0 {
            return assert_eq!(
                expected.read(&mut right).unwrap(),
                0,
                "the reply is too short"
            );
        }
    }
}

#[test]
fn a_gibibyte_through_server_and_client_is_identical_in_bounded_memory() {
    let (server, address) = start_server();
    let client_peak = echo_file(address, 1, GIBIBYTE);
    let server_peak = status_figure(server.pid(), "VmHWM").expect("the server runs");
    println!("peak resident KiB: client {client_peak}, server {server_peak}");
    assert!(client_peak < BOUND, "client {client_peak} KiB");
    assert!(server_peak < BOUND, "server {server_peak} KiB");
    server.interrupt().assert_code(0);
}

#[test]
fn a_gibibyte_through_a_plain_python_echo_server_is_identical() {
    let script = r#"
import socketserver
class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        while data := self.request.recv(65536):
            self.request.sendall(data)
with socketserver.TCPServer(("127.0.0.1", 0), Echo) as server:
    print("port", "127.0.0.1:%d" % server.server_address[1])
    server.handle_request()
"#;
    let Some(command) = python(script) else {
        return;
    };
    let server = Running::start(command);
    let peak = echo_file(server.listening(), 2, GIBIBYTE);
    assert!(peak < BOUND, "client {peak} KiB");
}

#[test]
fn a_python_client_that_sends_everything_before_it_reads_gets_everything() {
    // 3 MB fit into the kernel's buffers: more would deadlock such a client with any server.
    let script = r#"
import os, socket, sys
data = os.urandom(3_000_000)
with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as s:
    s.sendall(data)
    s.shutdown(socket.SHUT_WR)
    echo = b"".join(iter(lambda: s.recv(65536), b""))
sys.exit(0 if echo == data else 1)
"#;
    let (_server, address) = start_server();
    let Some(mut command) = python(script) else {
        return;
    };
    command.arg(address.port().to_string());
    run(command, "").assert_code(0);
}

#[test]
fn a_client_that_reads_nothing_until_it_has_sent_all_is_served_as_far_as_buffers_reach() {
    let (_server, address) = start_server();
    let mut client = connect(address);
    let sent = noise(3, 2 << 20);
    client.write_all(&sent).unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    assert_is_noise(&mut client, 3, 2 << 20);
}

#[test]
fn one_byte_at_a_time_comes_back_whole() {
    let (_server, address) = start_server();
    let mut client = connect(address);
    let mut writer = client.try_clone().unwrap();
    let sending = thread::spawn(move || {
        noise(4, 2_000)
            .iter()
            .for_each(|byte| writer.write_all(&[*byte]).unwrap());
        writer.shutdown(Shutdown::Write).unwrap();
    });
    assert_is_noise(&mut client, 4, 2_000);
    sending.join().unwrap();
}

#[test]
fn a_client_that_does_not_read_holds_up_nobody_and_loses_nothing() {
    let mut command = tcp_server();
    command.args(["-p", "0", "--max-threads", "1"]);
    let server = Running::start(command);
    let address = server.listening();
    let mut lazy = connect(address);
    let mut writer = lazy.try_clone().unwrap();
    let length = 64 << 20;
    // Far more than both buffers hold: it stays half sent until somebody reads.
    let sending = thread::spawn(move || {
        io::copy(&mut Noise::new(5, length), &mut writer).unwrap();
        writer.shutdown(Shutdown::Write).unwrap();
    });
    let mut other = connect(address);
    for round in 0..50_u64 {
        crate::harness::peers::assert_echoes(&mut other, &noise(round, 1_000));
    }
    assert_is_noise(&mut lazy, 5, length);
    sending.join().unwrap();
}

#[test]
fn without_half_close_the_client_ends_when_its_echo_is_back() {
    let (_server, address) = start_server();
    let mut command = tcp_client();
    command.args([
        "--no-shutdown",
        "--expect-echo",
        "-f",
        "-",
        &address.to_string(),
    ]);
    let sent = noise(6, 5_000_000);
    let echoed = run(command, sent.clone());
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
        let open = stream
            .read(&mut message)
            .is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock);
        stream.set_nonblocking(false).unwrap();
        stream
            .write_all(if open { b" open" } else { b" shut" })
            .unwrap();
    });
    let mut command = tcp_client();
    command.args(["--no-shutdown", "-m", "hola", "--raw", &server.to_string()]);
    assert_eq!(run(command, "").text(), "reply open");
}

#[test]
fn an_empty_file_is_sent_as_nothing() {
    let (server, address) = start_server();
    let mut command = tcp_client();
    command.args(["-e", "-f", "/dev/null", &address.to_string()]);
    let end = run(command, "");
    end.assert_code(0);
    assert_eq!((end.text(), end.stderr.as_str()), ("", ""));
    let mut peer = connect(address);
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
    let mut command = tcp_client();
    command.args(["-e", "-f", "-", &server.to_string()]);
    let sent = noise(7, 20 << 20);
    let echoed = run(command, sent.clone());
    echoed.assert_code(0);
    let warning = "tcp-client: warning: no echo for a second";
    assert!(echoed.stderr.starts_with(warning), "{}", echoed.stderr);
    assert!(echoed.stdout == sent);
}
