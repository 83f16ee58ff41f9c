//! Standard input of the clients: of any kind, in any mode, and not asked for.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, Write};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::harness::{
    Finished, Program, Running, Server, TcpClient, TcpServer, Terminal, UdpClient, UdpServer, With,
    command, run,
};

/// An echo server for a client, and its address.
fn echo_for(client: Program) -> Server {
    if client == TcpClient {
        Server::start(TcpServer, "")
    } else {
        Server::start(UdpServer, "--echo")
    }
}

/// Runs a client with this standard input.
fn run_from(mut command: Command, stdin: impl Into<Stdio>) -> Finished {
    command.stdin(stdin).stdout(Stdio::piped());
    command.stderr(Stdio::piped());
    Running::spawn(command).wait()
}

#[test]
fn a_non_blocking_standard_input_is_waited_for_and_stays_as_it_is() {
    for (program, arguments) in [
        (TcpClient, "-e -f -"),
        (UdpClient, "-e --raw --lines"),
        (UdpClient, "-e --raw -f -"),
    ] {
        let server = echo_for(program);
        let (stdin, mut writer) = UnixStream::pair().unwrap();
        stdin.set_nonblocking(true).unwrap();
        let mut shared = stdin.try_clone().unwrap();
        let mut command = program.to(server.address, arguments);
        command.stdin(OwnedFd::from(stdin)).stdout(Stdio::piped());
        command.stderr(Stdio::piped());
        let client = Running::spawn(command);
        let said = client.error_line_within(Duration::from_millis(200));
        assert_eq!(said, None, "{program:?} {arguments}");
        let read = shared.read(&mut [0]).unwrap_err();
        assert_eq!(read.kind(), ErrorKind::WouldBlock);
        writer.write_all(b"hola\n").unwrap();
        drop(writer);
        let end = client.wait();
        assert_eq!(end.assert_clean().text().trim_end(), "hola");
    }
}

/// A pipe with bytes, whose writer stays.
fn full_pipe() -> (io::PipeReader, io::PipeWriter) {
    let (reader, mut writer) = io::pipe().unwrap();
    writer.write_all(b"x\n").unwrap();
    (reader, writer)
}

fn file_with(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file.rewind().unwrap();
    file
}

fn default_clients(mut check: impl FnMut(Program, SocketAddr)) {
    for program in [TcpClient, UdpClient] {
        let server = echo_for(program);
        check(program, server.address);
    }
}

#[test]
fn bytes_at_a_standard_input_that_is_not_read_are_told_in_one_line() {
    default_clients(|program, server| {
        let (pipe, _writer) = full_pipe();
        let (socket, mut peer) = UnixStream::pair().unwrap();
        peer.write_all(b"x").unwrap();
        for stdin in [
            Stdio::from(pipe),
            Stdio::from(OwnedFd::from(socket)),
            Stdio::from(file_with(b"x")),
        ] {
            let end = run_from(program.to(server, ""), stdin);
            end.assert_error(0, &["standard input is not read", "-f - sends it"]);
        }
    });
}

#[test]
fn a_standard_input_that_nobody_meant_is_not_told_of() {
    default_clients(|program, server| {
        let (idle_pipe, _writer) = io::pipe().unwrap();
        let (idle_socket, _peer) = UnixStream::pair().unwrap();
        let mut terminal = Terminal::open();
        terminal.type_keys("typed for the shell\n");
        for stdin in [
            Stdio::null(),
            Stdio::from(idle_pipe),
            Stdio::from(OwnedFd::from(idle_socket)),
            Stdio::from(file_with(b"")),
            terminal.stdio(),
        ] {
            run_from(program.to(server, ""), stdin).assert_clean();
        }
        let (pipe, _writer) = full_pipe();
        run_from(program.to(server, "-m hola"), pipe).assert_clean();
        // The rest of the loop's input.
        let each = r#"while read -r line; do "$0" "$1"; done"#;
        let shell = command("sh", ["-c", each]).with([program.path()]);
        let lines = file_with(b"one\ntwo\n");
        run_from(shell.with([server.to_string()]), lines).assert_clean();
    });
}

#[test]
fn a_fifo_is_waited_for_while_the_connection_stands() {
    let server = Server::start(TcpServer, "--json");
    let place = tempfile::tempdir().unwrap();
    let fifo = place.path().join("fifo");
    run(command("mkfifo", [&fifo])).assert_clean();
    let client = |arguments| {
        let address = server.address.to_string();
        TcpClient.command(arguments).with([&fifo]).with([address])
    };
    let sending = Running::start(client("-e -f"));
    assert_eq!(server.event()["event"], "connected");
    let mut writer = File::options().write(true).open(&fifo).unwrap();
    writer.write_all(b"hola\n").unwrap();
    drop(writer);
    assert_eq!(sending.wait().assert_clean().text(), "hola\n");

    let silent = run(client("-w 200ms -f"));
    silent.assert_error(5, &["timed out", "0 bytes sent"]);
}
