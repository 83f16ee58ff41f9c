//! Standard output: escaped for people, unchanged for programs.

use std::io::{Read, Write};
use std::time::Duration;

use serde_json::json;

use crate::harness::{
    Finished, Server, TcpClient, TcpServer, With, assert_echoes, assert_has, connect, reply_with,
    run, serve_one,
};

/// Escape sequences, NUL, a bell, C1 controls, bidirectional overrides, zero-width characters, bad UTF-8.
const HOSTILE: &[u8] = b"ma\xc3\xb1ana \x1b[2J\x1b]0;title\x07\0\r\n\xc2\x9b1m \xe2\x80\xaeabc\xe2\x80\x8b \xff\xfe\xc3";
const ESCAPED: &str =
    r"mañana \u{1b}[2J\u{1b}]0;title\u{7}\u{0}\r\n\u{9b}1m \u{202e}abc\u{200b} \xff\xfe\xc3";

/// A client's output about a reply.
fn ask(reply: &'static [u8], arguments: &str) -> Finished {
    run(TcpClient.to(reply_with(reply), arguments))
}

#[test]
fn a_reply_is_shown_in_every_style() {
    let label = "\n[+] Mensaje recibido del servidor: ";
    let dump = "00000000  48 6f 6c 61 0a                                    |Hola.|\n";
    let escaped = format!("{label}{ESCAPED}\n");
    let dumped = format!("{label}Hola\\n\n{dump}");
    let table: [(&[u8], &str, &[u8]); 4] = [
        (HOSTILE, "", escaped.as_bytes()),
        (HOSTILE, "--raw", HOSTILE),
        (b"Hola\n", "-x", dumped.as_bytes()),
        (b"Hola, servidor!", "-q -e", b""),
    ];
    for (reply, arguments, expected) in table {
        let end = ask(reply, arguments);
        assert_eq!(end.assert_clean().stdout, expected, "{arguments}");
    }
    ask(b"Hola, Servidor!", "-q -e").assert_code(1);
}

#[test]
fn with_a_hex_dump_every_chunk_of_a_reply_has_its_label() {
    let server = serve_one(|mut stream| {
        stream.read_to_end(&mut Vec::new()).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.write_all(b"uno").unwrap();
        // Time for the client to show the first chunk; it may come together with the second.
        let pause = Duration::from_millis(100);
        stream.set_read_timeout(Some(pause)).unwrap();
        let _ = stream.peek(&mut [0]);
        stream.write_all(b"dos").unwrap();
    });
    let end = run(TcpClient.to(server, "-x --lang en"));
    let label = "[+] Message received from the server: ";
    let labels = end.text().matches(label).count();
    let lines = end.text().lines();
    let dumps = lines.filter(|line| line.starts_with("0000000")).count();
    assert!(labels > 0 && labels == dumps, "{}", end.text());
}

#[test]
fn json_is_one_object_a_line_with_text_or_base64() {
    let events = ask(HOSTILE, "--json").assert_clean().events();
    assert_eq!(events[0]["event"], "connected");
    assert!(events.iter().any(|event| event["base64"].is_string()));
    let bytes = events.iter().filter_map(|event| event["bytes"].as_u64());
    assert_eq!(bytes.sum::<u64>(), HOSTILE.len() as u64);
    let closed = json!({ "event": "closed", "sent": 15, "received": HOSTILE.len() });
    assert_has(&events[events.len() - 1], closed);

    let events = ask("¿Qué tal?\n".as_bytes(), "-J -D").events();
    assert_eq!(events[1]["text"], "¿Qué tal?\n");
    let mut times = events.iter().map(|event| event["time_s"].as_f64());
    assert!(times.all(|time| time.unwrap() > 1e9));
}

#[test]
fn the_server_s_json_names_every_client_and_its_bytes() {
    let server = Server::start(TcpServer, "--json");
    let mut peer = connect(server.address);
    assert_echoes(&mut peer, b"Hola");
    let name = peer.local_addr().unwrap().to_string();
    drop(peer);
    let connected = json!({ "event": "connected", "peer": name });
    assert_has(&server.event(), connected);
    let closed = server.event();
    let expected = json!({ "event": "closed", "peer": name, "bytes": 4, "reason": "finished" });
    assert_has(&closed, expected);
    assert!(closed["duration_s"].as_f64().unwrap() >= 0.0);
}

#[test]
fn the_server_shows_what_clients_send_where_asked() {
    let server = Server::start(TcpServer, "-1 --hex --lang en");
    assert_echoes(&mut connect(server.address), b"\x1b[2J");
    let end = server.wait();
    let text = end.text();
    assert!(text.contains("] Message from client 127.0.0.1:"), "{text}");
    assert!(text.ends_with("|.[2J|\n"), "{text}");
}

#[test]
fn timestamps_are_rfc_3339_before_each_line() {
    let end = ask(b"hola", "-D");
    let line = end.text().strip_prefix('\n').unwrap();
    let (time, rest) = line.split_once(' ').unwrap();
    assert_eq!(time.len(), "2026-01-02T03:04:05.678901Z".len(), "{time}");
    assert!(time.ends_with('Z'), "{time}");
    assert_eq!(rest, "[+] Mensaje recibido del servidor: hola\n");
}

#[test]
fn verbose_logs_go_to_standard_error_and_rust_log_wins() {
    let stderr = ask(b"hola", "-v").stderr;
    let line = "tcp-client: info: connected to 127.0.0.1:";
    assert!(stderr.contains(line), "{stderr}");
    let client = TcpClient.to(reply_with(b"hola"), "-v");
    run(client.with_env("RUST_LOG", "error")).assert_clean();
}
