//! Clients on a disk that is full, or fills up in the middle of a line: one message, exit code 8, and
//! nothing behind the line that was cut.

use std::fs::{self, File};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::harness::{
    Finished, Running, Server, TcpClient, TcpServer, UdpClient, UdpServer, With, command,
};

/// Every way in which a client writes, and the server that it needs.
fn clients() -> Vec<(Server, Command)> {
    let tcp = [
        "-m hola",
        "-m hola --json",
        "-m hola --raw",
        "-c 200 -i 2ms --json",
        "-c 200 -i 2ms -P 3",
        "-t 30 --report 10ms --json -P 2",
        "-t 30 --report 10ms --stream --json",
        "-c 20 --rate 1000 --json",
    ];
    let udp = [
        "-w 30s",
        "-w 30s --json",
        "-c 200 -i 2ms --json",
        "-c 200 -i 2ms -P 3",
        "-t 30 --report 10ms",
    ];
    let of_tcp = tcp.map(|arguments| {
        let server = Server::start(TcpServer, "");
        let client = TcpClient.to(server.address, arguments);
        (server, client)
    });
    let of_udp = udp.map(|arguments| {
        let server = Server::start(UdpServer, "--echo");
        let client = UdpClient.to(server.address, arguments);
        (server, client)
    });
    of_tcp.into_iter().chain(of_udp).collect()
}

#[track_caller]
fn assert_told_once(end: &Finished, client: &str, why: &str) {
    assert_eq!(end.code, Some(8), "{client}: {end:?}");
    end.assert_error(8, &["cannot write to standard output", why]);
}

fn run_into(mut client: Command, stdout: impl Into<Stdio>) -> Finished {
    client.stdin(Stdio::null()).stdout(stdout);
    client.stderr(Stdio::piped());
    Running::spawn(client).wait()
}

#[test]
fn a_full_disk_is_told_once_by_every_client() {
    for (_server, client) in clients() {
        let shown = format!("{client:?}");
        let full = File::options().write(true).open("/dev/full").unwrap();
        let end = run_into(client, full);
        assert_told_once(&end, &shown, "no space left");
    }
}

/// Lets a program write 512 bytes into a file (`RLIMIT_FSIZE`, setrlimit(2)).
const LIMITED: &str = r#"trap "" XFSZ; ulimit -f 1; exec "$0" "$@""#;

#[test]
fn a_disk_that_fills_up_in_a_line_is_told_once_and_nothing_follows_the_cut() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("output");
    let mut cuts = 0;
    for (_server, client) in clients() {
        let arguments: Vec<_> = client.get_args().map(ToOwned::to_owned).collect();
        let limited = command("sh", ["-c", LIMITED]).with([client.get_program()]);
        let is_json = arguments.iter().any(|argument| argument == "--json");
        let end = run_into(limited.with(&arguments[..]), File::create(&path).unwrap());
        let text = fs::read_to_string(&path).unwrap();
        if text.len() < 512 {
            // A short reply fits.
            end.assert_clean();
            continue;
        }
        assert_told_once(&end, &format!("{client:?}"), "file too large");
        cuts += 1;
        let mut lines = text.lines();
        let cut = lines.next_back().unwrap();
        if is_json {
            assert!(
                lines.all(|line| serde_json::from_str::<Value>(line).is_ok()),
                "{text}"
            );
            assert!(!cut.contains(r#""event":"error""#), "{text}");
        }
    }
    assert!(cuts > 5, "{cuts}");
}
