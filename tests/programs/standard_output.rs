//! Standard output without room, or without a reader.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use crate::harness::{
    ALL, Finished, Running, TcpClient, TcpServer, UdpServer, address_of, assert_echoes,
    closed_port, connect, connected_to, eventually, receive, reply_with,
};

/// Runs a program with this standard output.
fn run_into(mut command: Command, stdout: impl Into<Stdio>) -> Finished {
    command.stdin(Stdio::null()).stdout(stdout);
    command.stderr(Stdio::piped());
    Running::spawn(command).wait()
}

#[test]
fn programs_whose_output_nobody_reads_end_quietly() {
    let client = |arguments| TcpClient.to(reply_with(b"hola"), arguments);
    let mut commands = vec![TcpServer.command("-p 0"), client(""), client("--json")];
    for program in ALL {
        let texts = ["man", "bash", "zsh", "fish"].map(|kind| format!("--generate {kind}"));
        commands.extend(texts.iter().map(|text| program.command(text)));
        commands.push(program.command("--help"));
    }
    for command in commands {
        let (_, closed) = io::pipe().unwrap();
        run_into(command, closed).assert_clean();
    }
}

#[test]
fn a_server_whose_reader_leaves_ends_quietly_though_no_client_comes() {
    for (server, arguments, lines) in [
        (TcpServer, "-p 0", 1),
        (TcpServer, "-p 0 --json", 1),
        (UdpServer, "-p 0", 2),
        (UdpServer, "-p 0 --json", 1),
        (UdpServer, "-p 0 --raw", 0),
    ] {
        let (reader, writer) = io::pipe().unwrap();
        let mut command = server.command(arguments);
        command.stdin(Stdio::null()).stdout(writer);
        command.stderr(Stdio::piped());
        let server = Running::spawn(command);
        assert_eq!(BufReader::new(reader).lines().take(lines).count(), lines);
        server.wait().assert_clean();
    }
}

fn full_disk() -> File {
    File::options().write(true).open("/dev/full").unwrap()
}

#[test]
fn a_reply_for_which_there_is_no_room_is_exit_8_with_the_reason() {
    let parts = ["cannot write to standard output", "no space left"];
    let command = TcpClient.to(reply_with(b"hola"), "");
    run_into(command, full_disk()).assert_error(8, &parts);
}

#[test]
fn a_server_serves_on_without_room_for_its_log_and_its_end_tells() {
    let (address, mut client) = (closed_port(), None);
    let mut command = TcpServer.to(address, "--json");
    command.stdin(Stdio::null()).stdout(full_disk());
    let server = Running::spawn({
        command.stderr(Stdio::piped());
        command
    });
    eventually("the server listens", || {
        client = TcpStream::connect(address).ok();
        client.is_some()
    });
    assert_echoes(&mut client.unwrap(), b"hola");
    for _ in 0..50 {
        assert_echoes(&mut connect(address), b"hola");
    }
    assert_one_warning(server);
}

#[test]
fn a_receiver_counts_on_without_room_for_what_it_shows_and_its_end_tells() {
    let mut command = UdpServer.command("-p 0 --echo");
    command.stdin(Stdio::null()).stdout(full_disk());
    let server = Running::spawn({
        command.stderr(Stdio::piped());
        command
    });
    let peer = connected_to(address_of(&server));
    for _ in 0..50 {
        peer.send(b"hola").unwrap();
        assert_eq!(receive(&peer), b"hola");
    }
    assert_one_warning(server);
}

/// One warning when the first line is lost, and one line about the loss at the end.
#[track_caller]
fn assert_one_warning(server: Running) {
    let reason = "cannot write to standard output: no space left";
    let warning = server.error_line();
    assert!(
        warning.contains("warning") && warning.contains(reason),
        "{warning}"
    );
    server
        .interrupt()
        .assert_error(8, &[reason, "bytes are lost"]);
}
