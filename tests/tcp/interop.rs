//! The TCP programs with what people use today, where it is installed.

use std::net::SocketAddr;
use std::process::Command;

use crate::harness::{
    Finished, Running, Server, TcpClient, TcpServer, With, installed, noise, python, run_with,
};

/// An echo server of socat's that serves one client, with its address.
pub(crate) fn socat_echo() -> Option<(Running, SocketAddr)> {
    let command = installed("socat", "-dd TCP-LISTEN:0,bind=127.0.0.1 PIPE")?;
    let server = Running::start(command);
    loop {
        if let Some((_, place)) = server.error_line().split_once("listening on AF=2 ") {
            return Some((server, place.parse().expect("an address")));
        }
    }
}

/// An echo server of Python's, a thread a client.
pub(crate) fn python_echo() -> Option<Server> {
    let script = r#"
import socketserver
class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        while data := self.request.recv(65536):
            self.request.sendall(data)
with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Echo) as server:
    print("port", "127.0.0.1:%d" % server.server_address[1])
    server.serve_forever()
"#;
    python(script).map(Server::start_command)
}

/// Runs a foreign client of our server, whose port it is given.
fn served(client: impl FnOnce(u16) -> Option<Command>, input: &[u8]) -> Option<Finished> {
    let server = Server::start(TcpServer, "");
    let end = run_with(client(server.address.port())?, input);
    end.assert_code(0);
    server.interrupt().assert_code(0);
    Some(end)
}

#[test]
fn ncat_and_socat_get_their_megabytes_back() {
    let sent = noise(1, 10 << 20);
    let ncat = |port| installed("ncat", &format!("127.0.0.1 {port}"));
    // After its input ends, socat waits 0.5 s for the rest unless told to wait longer.
    let socat = |port| installed("socat", &format!("-t 30 - TCP:127.0.0.1:{port}"));
    for end in [served(ncat, &sent), served(socat, &sent)] {
        assert!(end.is_none_or(|end| end.stdout == sent));
    }
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
    let client = |port: u16| Some(python(script)?.with([port.to_string()]));
    if let Some(end) = served(client, b"") {
        assert_eq!(end.text(), "[+] Hola, servidor!\n");
    }
}

#[test]
fn our_client_verifies_the_echo_of_socat() {
    let Some((_server, address)) = socat_echo() else {
        return;
    };
    // Its only buffer is a pipe of 64 KiB, and when that is full, it may wait for itself.
    let sent = noise(3, 40_000);
    let end = run_with(TcpClient.to(address, "-e -f -"), &sent);
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
    let server = Server::start_command(command);
    let request = "GET / HTTP/1.0\r\n\r\n";
    let end = run_with(TcpClient.to(server.address, "-f -"), request);
    end.assert_code(0);
    let page = end.text();
    assert!(page.starts_with("HTTP/1.0 200 OK\r\n"), "{page}");
    assert!(page.ends_with("¡Hola!\n"), "{page}");
}
