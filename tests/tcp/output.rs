//! What reaches standard output: escaped for people, unchanged for programs, and quiet when nobody reads.

use std::fs::OpenOptions;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::process::{Command, Stdio};

use crate::harness::compat::{run, tcp_client, tcp_server};
use crate::harness::peers::{assert_echoes, connect, serve_one};
use crate::harness::process::{Finished, Running, parse_event};

/// Escape sequences, NUL, a bell, C1 controls, bidirectional overrides, zero-width characters, bad UTF-8.
const HOSTILE: &[u8] = b"ma\xc3\xb1ana \x1b[2J\x1b]0;title\x07\0\r\n\xc2\x9b1m \xe2\x80\xaeabc\xe2\x80\x8b \xff\xfe\xc3";
const ESCAPED: &str =
    r"mañana \u{1b}[2J\u{1b}]0;title\u{7}\u{0}\r\n\u{9b}1m \u{202e}abc\u{200b} \xff\xfe\xc3";

/// A server that says `reply` to whoever asks.
fn reply_with(reply: &'static [u8]) -> SocketAddr {
    serve_one(|mut stream| {
        stream.read_to_end(&mut Vec::new()).unwrap();
        stream.write_all(reply).unwrap();
    })
}

fn ask(server: SocketAddr, arguments: &[&str]) -> Finished {
    let mut command = tcp_client();
    command.arg(server.to_string()).args(arguments);
    run(command, "")
}

#[test]
fn hostile_bytes_are_shown_escaped() {
    let end = ask(reply_with(HOSTILE), &[]);
    end.assert_code(0);
    assert_eq!(
        end.text(),
        format!("\n[+] Mensaje recibido del servidor: {ESCAPED}\n")
    );
}

#[test]
fn raw_gives_the_bytes_and_nothing_else() {
    let end = ask(reply_with(HOSTILE), &["--raw"]);
    end.assert_code(0);
    assert_eq!(end.stdout, HOSTILE);
}

#[test]
fn a_hex_dump_follows_the_line() {
    let end = ask(reply_with(b"Hola\n"), &["-x"]);
    let dump = "00000000  48 6f 6c 61 0a                                    |Hola.|\n";
    assert_eq!(
        end.text(),
        format!("\n[+] Mensaje recibido del servidor: Hola\\n\n{dump}")
    );
}

#[test]
fn with_a_hex_dump_every_piece_of_a_reply_has_its_label() {
    let server = serve_one(|mut stream| {
        stream.read_to_end(&mut Vec::new()).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.write_all(b"uno").unwrap();
        // The client has shown the first piece when it says so: it is waiting for the second.
        let _ = stream.set_read_timeout(Some(std::time::Duration::from_millis(100)));
        let _ = stream.peek(&mut [0]);
        stream.write_all(b"dos").unwrap();
    });
    let end = ask(server, &["-x", "--lang", "en"]);
    let labels = end
        .text()
        .matches("[+] Message received from the server: ")
        .count();
    let dumps = end
        .text()
        .lines()
        .filter(|line| line.starts_with("0000000"))
        .count();
    assert_eq!(labels, dumps, "{}", end.text());
}

#[test]
fn quiet_says_nothing_and_still_checks() {
    let end = ask(reply_with(b"Hola, servidor!"), &["-q", "-e"]);
    end.assert_code(0);
    assert_eq!((end.text(), end.stderr.as_str()), ("", ""));
    ask(reply_with(b"Hola, Servidor!"), &["-q", "-e"]).assert_code(1);
}

#[test]
fn json_is_one_object_a_line_with_text_or_base64() {
    let end = ask(reply_with(HOSTILE), &["--json"]);
    end.assert_code(0);
    let events = end.events();
    let names: Vec<_> = events
        .iter()
        .map(|event| event["event"].as_str().unwrap())
        .collect();
    assert_eq!((names[0], *names.last().unwrap()), ("connected", "closed"));
    assert!(events.iter().any(|event| event["base64"].is_string()));
    let bytes: u64 = events
        .iter()
        .filter_map(|event| event["bytes"].as_u64())
        .sum();
    assert_eq!(bytes, HOSTILE.len() as u64);
    let closed = events.last().unwrap();
    assert_eq!(
        (closed["sent"].as_u64(), closed["received"].as_u64()),
        (Some(15), Some(bytes))
    );

    let events = ask(reply_with("¿Qué tal?\n".as_bytes()), &["-J", "-D"]).events();
    assert_eq!(events[1]["text"], "¿Qué tal?\n");
    assert!(
        events
            .iter()
            .all(|event| event["time_s"].as_f64().unwrap() > 1e9)
    );
}

#[test]
fn the_server_s_json_names_every_client_and_its_bytes() {
    let mut command = tcp_server();
    command.args(["-p", "0", "--json"]);
    let server = Running::start(command);
    let listening = parse_event(&server.line());
    assert_eq!(listening["event"], "listening");
    let mut peer = connect(listening["address"].as_str().unwrap().parse().unwrap());
    assert_echoes(&mut peer, b"Hola");
    let name = peer.local_addr().unwrap().to_string();
    drop(peer);
    let connected = parse_event(&server.line());
    assert_eq!(
        (&connected["event"], &connected["peer"]),
        (&"connected".into(), &name.clone().into())
    );
    let closed = parse_event(&server.line());
    assert_eq!(
        (&closed["event"], &closed["peer"]),
        (&"closed".into(), &name.into())
    );
    assert_eq!(
        (closed["bytes"].as_u64(), &closed["reason"]),
        (Some(4), &"finished".into())
    );
    assert!(closed["duration_s"].as_f64().unwrap() >= 0.0);
}

#[test]
fn the_server_shows_what_clients_send_where_asked() {
    let mut command = tcp_server();
    command.args(["-p", "0", "-1", "--hex", "--lang", "en"]);
    let server = Running::start(command);
    assert_echoes(&mut connect(server.listening()), b"\x1b[2J");
    let end = server.wait();
    assert!(
        end.text().contains("] Message from client 127.0.0.1:"),
        "{}",
        end.text()
    );
    assert!(end.text().ends_with("|.[2J|\n"), "{}", end.text());
}

#[test]
fn timestamps_are_rfc_3339_before_each_line() {
    let end = ask(reply_with(b"hola"), &["-D"]);
    let line = end.text().strip_prefix('\n').unwrap();
    let (time, rest) = line.split_once(' ').unwrap();
    assert!(
        time.ends_with('Z') && time.len() == "2026-01-02T03:04:05.678901Z".len(),
        "{time}"
    );
    assert_eq!(rest, "[+] Mensaje recibido del servidor: hola\n");
}

/// A standard output that nobody reads.
fn closed_pipe() -> Stdio {
    io::pipe().unwrap().1.into()
}

fn stderr_of(mut command: Command, stdout: Stdio) -> Finished {
    let child = command
        .stdin(Stdio::null())
        .stdout(stdout)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    Finished {
        code: output.status.code(),
        stdout: output.stdout,
        stderr,
    }
}

#[test]
fn a_server_whose_reader_leaves_after_the_first_line_ends_quietly() {
    let (reader, writer) = io::pipe().unwrap();
    let mut command = tcp_server();
    command
        .args(["-p", "0"])
        .stdout(writer)
        .stderr(Stdio::piped())
        .stdin(Stdio::null());
    let child = command.spawn().unwrap();
    drop(command);
    let mut lines = io::BufReader::new(reader);
    let mut first = String::new();
    io::BufRead::read_line(&mut lines, &mut first).unwrap();
    assert!(first.starts_with("Servidor en escucha en: "));
    drop(lines);
    let end = child.wait_with_output().unwrap();
    assert_eq!((end.status.code(), end.stderr), (Some(0), Vec::new()));
}

#[test]
fn programs_whose_output_nobody_reads_end_quietly() {
    let mut server = tcp_server();
    server.args(["-p", "0"]);
    let mut client = tcp_client();
    client.arg(reply_with(b"hola").to_string());
    let mut json = tcp_client();
    json.args(["--json", &reply_with(b"hola").to_string()]);
    let mut help = tcp_client();
    help.arg("--help");
    for command in [server, client, json, help] {
        let end = stderr_of(command, closed_pipe());
        assert_eq!((end.code, end.stderr.as_str()), (Some(0), ""));
    }
}

#[test]
fn a_full_disk_is_exit_8_with_the_reason() {
    let full = || Stdio::from(OpenOptions::new().write(true).open("/dev/full").unwrap());
    let mut server = tcp_server();
    server.args(["-p", "0"]);
    let mut client = tcp_client();
    client.arg(reply_with(b"hola").to_string());
    for command in [server, client] {
        let end = stderr_of(command, full());
        end.assert_code(8)
            .assert_one_line_error(&["cannot write to standard output", "no space left"]);
    }
}

#[test]
fn verbose_logs_go_to_standard_error_and_rust_log_wins() {
    let verbose = ask(reply_with(b"hola"), &["-v"]);
    assert!(
        verbose
            .stderr
            .contains("tcp-client: info: connected to 127.0.0.1:"),
        "{}",
        verbose.stderr
    );
    let mut command = tcp_client();
    command
        .args(["-v", &reply_with(b"hola").to_string()])
        .env("RUST_LOG", "error");
    assert_eq!(run(command, "").stderr, "");
}
