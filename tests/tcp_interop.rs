//! The TCP programs with what people use today, where it is installed.

use std::process::Command;

use crate::harness::binaries::{tcp_client, tcp_server};
use crate::harness::data::noise;
use crate::harness::process::{Finished, Running, run};
use crate::harness::python::{is_there, python};

/// Starts our server and runs a foreign client with its port.
fn served(client: impl FnOnce(&str) -> Command, input: &[u8]) -> Finished {
    let mut command = tcp_server();
    command.args(["-p", "0"]);
    let server = Running::start(command);
    let port = server.listening().port().to_string();
    let end = run(client(&port), input);
    server.interrupt().assert_code(0);
    end
}

#[test]
fn ncat_gets_its_megabytes_back() {
    if !is_there("ncat") {
        return;
    }
    let sent = noise(1, 10 << 20);
    let end = served(
        |port| {
            let mut ncat = Command::new("ncat");
            ncat.args(["127.0.0.1", port]);
            ncat
        },
        &sent,
    );
    end.assert_code(0);
    assert!(end.stdout == sent, "{} bytes came back", end.stdout.len());
}

#[test]
fn socat_gets_its_megabytes_back() {
    if !is_there("socat") {
        return;
    }
    let sent = noise(2, 10 << 20);
    let end = served(
        |port| {
            let mut socat = Command::new("socat");
            // After its input ends, it waits 0.5 s for the rest unless told to wait longer.
            socat.args(["-t", "30", "-", &format!("TCP:127.0.0.1:{port}")]);
            socat
        },
        &sent,
    );
    end.assert_code(0);
    assert!(end.stdout == sent, "{} bytes came back", end.stdout.len());
}

#[test]
fn the_original_client_gets_its_answer() {
    let script = r#"
import socket, sys
with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as s:
    s.connect(("localhost", int(sys.argv[1])))
    s.sendall(b"Hola, servidor!")
    print("[+] " + s.recv(1024).decode())
"#;
    let Some(mut command) = python(script) else {
        return;
    };
    let end = served(
        |port| {
            command.arg(port);
            command
        },
        b"",
    );
    end.assert_code(0);
    assert_eq!(end.text(), "[+] Hola, servidor!\n");
}

/// An echo server of socat's that serves one client, with the line in which it names its port.
pub(crate) fn socat_echo() -> (Running, String) {
    let mut command = Command::new("socat");
    command.args(["-dd", "TCP-LISTEN:0,bind=127.0.0.1", "PIPE"]);
    let server = Running::start(command);
    loop {
        let line = server.error_line();
        if let Some((_, place)) = line.split_once("listening on AF=2 ") {
            return (server, place.to_owned());
        }
    }
}

#[test]
fn our_client_verifies_the_echo_of_socat() {
    if !is_there("socat") {
        return;
    }
    let (_server, place) = socat_echo();
    let mut command = tcp_client();
    command.args(["-e", "-f", "-", &place]);
    let sent = noise(3, 10 << 20);
    let end = run(command, sent.clone());
    end.assert_code(0);
    assert!(end.stdout == sent);
}

#[test]
fn our_client_reads_a_web_page_of_python() {
    let script = r#"
import http.server
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write("¡Hola!\n".encode())
with http.server.HTTPServer(("127.0.0.1", 0), Page) as server:
    print("port", "127.0.0.1:%d" % server.server_address[1])
    server.handle_request()
"#;
    let Some(command) = python(script) else {
        return;
    };
    let server = Running::start(command);
    let place = server.listening().to_string();
    let mut command = tcp_client();
    command.args(["-f", "-", &place]);
    let end = run(command, "GET / HTTP/1.0\r\n\r\n");
    end.assert_code(0);
    assert!(
        end.text().starts_with("HTTP/1.0 200 OK\r\n") && end.text().ends_with("¡Hola!\n"),
        "{}",
        end.text()
    );
}
