//! How `udp-server` ends: by a signal, or because nobody reads any more.

use std::io::{BufRead, BufReader};
use std::process::{ChildStderr, Command, Stdio};

use nix::sys::signal::Signal;

use crate::harness::compat as binaries;

use crate::harness::compat::{UdpServer, run, server_command, wait_until};
use crate::harness::process::{Running, eventually};
use crate::harness::udp::{burst, connected_to, is_bound, socket_on};

#[test]
fn each_signal_prints_the_summary_and_ends_with_0() {
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let server = UdpServer::start(&[]);
        connected_to(server.address).send(b"hola").unwrap();
        server.running.text_line();
        server.running.line();
        server.running.signal(signal);
        let finished = server.running.wait();
        finished.assert_code(0);
        assert!(
            finished
                .text()
                .starts_with("\n[+] Resumen: datagramas recibidos 1, bytes 4, "),
            "{finished:?}"
        );
        assert_eq!(finished.stderr, "");
    }
}

#[test]
fn what_the_socket_holds_when_the_signal_comes_is_still_shown() {
    const COUNT: usize = 4_000;
    let server = UdpServer::start_json("127.0.0.1:0", &[]);
    let client = connected_to(server.address);
    server.pause();
    burst(&client, b"late", COUNT);
    server.running.signal(Signal::SIGINT);
    server.resume();
    let finished = server.running.wait();
    finished.assert_code(0);
    let events = finished.events();
    let summary = events.last().unwrap();
    let shown = events
        .iter()
        .filter(|event| event["text"] == "late")
        .count();
    assert_eq!(summary["datagrams"], shown);
    // On a machine with a small net.core.rmem_max the buffer does not hold them all.
    assert_eq!(
        shown as u64 + summary["dropped"].as_u64().unwrap(),
        COUNT as u64
    );
    assert!(shown > 64, "only {shown}");
}

#[test]
fn a_sender_that_goes_on_does_not_keep_the_server() {
    let server = UdpServer::start_json("127.0.0.1:0", &[]);
    let client = connected_to(server.address);
    let sender = std::thread::spawn(move || {
        // An error is the port that is closed: the server has ended.
        while client.send(b"more").is_ok() {}
    });
    assert_eq!(server.event()["text"], "more");
    server.running.interrupt().assert_code(0);
    sender.join().unwrap();
}

#[test]
fn a_closed_standard_output_is_noticed_while_no_datagram_comes() {
    for (arguments, lines) in [([].as_slice(), 2), (&["--json"], 1), (&["--raw"], 0)] {
        let mut command = server_command("127.0.0.1:0", arguments);
        let piped = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().unwrap();
        crate::harness::compat::address_of_child(&child);
        let output = BufReader::new(child.stdout.take().unwrap());
        assert_eq!(output.lines().take(lines).count(), lines);
        let status = wait_until(&mut child).expect("the server ends by itself");
        assert_eq!(
            (status.code(), said(child.stderr.take()).as_str()),
            (Some(0), "")
        );
    }
}

/// Everything on the standard error of a program that has ended.
fn said(stderr: Option<ChildStderr>) -> String {
    std::io::read_to_string(stderr.expect("a pipe")).expect("UTF-8")
}

#[test]
fn head_takes_its_lines_and_the_server_ends_quietly() {
    // head says nothing before its last line, so the server cannot tell its port.
    let address = socket_on("127.0.0.1").local_addr().unwrap();
    let mut shell = Command::new("bash");
    shell.args([
        "-c",
        r#""$0" "$1" --time 60 | head -3; echo "${PIPESTATUS[0]}""#,
    ]);
    shell.arg(binaries::udp_server().get_program());
    shell.arg(address.to_string());
    let pipeline = Running::start(shell);
    eventually("the server listens", || is_bound(address));
    connected_to(address).send(b"hola").unwrap();
    let finished = pipeline.wait();
    let expected = format!("\n[+] Servidor UDP en escucha en: {address}\n\n0\n");
    assert_eq!(
        (finished.text(), finished.stderr.as_str()),
        (expected.as_str(), "")
    );
}

#[test]
fn an_output_that_cannot_be_written_is_an_error() {
    let mut command = server_command("127.0.0.1:0", &[]);
    let full = std::fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let mut child = command.stdout(full).stderr(Stdio::piped()).spawn().unwrap();
    assert_eq!(wait_until(&mut child).unwrap().code(), Some(8));
    let line = said(child.stderr.take());
    assert!(
        line.starts_with("udp-server: cannot write to standard output: "),
        "{line}"
    );
    assert_eq!(line.lines().count(), 1);
}

#[test]
fn malformed_arguments_are_one_line_and_code_2() {
    let table: [(&[&str], &str); 5] = [
        (&["--count", "0"], "'0'"),
        (&["--time", "soon"], "'soon'"),
        (&["--join", "10.0.0.1"], "'10.0.0.1'"),
        (&["--rcvbuf", "big"], "'big'"),
        (&["host:port"], "'host:port'"),
    ];
    for (arguments, input) in table {
        let mut command = binaries::udp_server();
        command.args(arguments);
        let finished = run(command, "");
        finished
            .assert_code(2)
            .assert_one_line_error(&["udp-server: usage: ", input]);
    }
}
