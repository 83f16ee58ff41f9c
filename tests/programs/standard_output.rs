//! Standard output without room, or without a reader.

use std::fs::OpenOptions;
use std::io::{self, BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::harness::{ALL, Finished, Running, TcpClient, TcpServer, UdpServer, reply_with};

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

#[test]
fn a_full_disk_is_exit_8_with_the_reason() {
    for command in [
        TcpServer.command("-p 0"),
        TcpClient.to(reply_with(b"hola"), ""),
        UdpServer.command("-p 0"),
    ] {
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let parts = ["cannot write to standard output", "no space left"];
        run_into(command, full).assert_error(8, &parts);
    }
}
