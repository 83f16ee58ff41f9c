//! With the peers that people have: Python's `socket`, `socat`, `nc`.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::harness::compat::{UdpServer, client_of, run};
use crate::harness::process::{Running, eventually};
use crate::harness::program::python;
use crate::harness::udp::{is_bound, socket_on};

const MESSAGE: &str = "Hola se está tensando muchísimo";

/// The server half of the original script, on a port of its choice.
const PYTHON_SERVER: &str = "
import socket
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
    server.bind(('127.0.0.1', 0))
    print('listening', '%s:%d' % server.getsockname())
    message, peer = server.recvfrom(1024)
    print(message.decode())
    server.sendto(b'gracias', peer)
";

/// The client half, which also waits for the echo.
const PYTHON_CLIENT: &str = "
import socket, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
    client.settimeout(60)
    client.sendto('Hola se está tensando muchísimo'.encode(), ('127.0.0.1', int(sys.argv[1])))
    print(client.recvfrom(1024)[0].decode())
";

#[test]
fn a_python_client_is_shown_and_answered() {
    let server = UdpServer::start(&["--echo"]);
    let Some(mut client) = python(PYTHON_CLIENT) else {
        return;
    };
    client
        .arg(server.address.port().to_string())
        .env("PYTHONIOENCODING", "utf-8");
    let finished = run(client, "");
    finished.assert_code(0);
    assert_eq!(finished.text().trim_end(), MESSAGE);
    assert_eq!(
        server.running.text_line(),
        format!("[+] Mensaje enviado por el cliente: {MESSAGE}")
    );
}

#[test]
fn a_python_server_is_reached_and_heard() {
    let Some(mut command) = python(PYTHON_SERVER) else {
        return;
    };
    command.env("PYTHONIOENCODING", "utf-8");
    let server = Running::start(command);
    let address = server.listening();
    let client = run(client_of(address, &["-w", "60"]), "");
    client.assert_code(0);
    assert_eq!(
        client.text(),
        "\n[+] Mensaje recibido del servidor: gracias\n"
    );
    assert_eq!(server.line(), MESSAGE);
}

/// Whether a program that knows no `--version` is installed.
fn is_installed(program: &str) -> bool {
    let found = Command::new("sh")
        .args(["-c", &format!("command -v {program}")])
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !found {
        eprintln!("skipped: {program} is not installed");
    }
    found
}

/// Gives the client a line to send, and reads its echo.
fn assert_is_shown_and_answered(server: &UdpServer, client: Command) {
    let mut client = Running::start(client);
    let mut input = client.stdin();
    input.write_all(b"hola\n").expect("the client reads");
    assert_eq!(client.line(), "hola");
    let shown = r"[+] Mensaje enviado por el cliente: hola\n";
    assert_eq!(server.running.text_line(), shown);
}

#[test]
fn socat_sends_and_is_answered() {
    if !is_installed("socat") {
        return;
    }
    let server = UdpServer::start(&["--echo"]);
    let mut command = Command::new("socat");
    command.args(["-T", "60", "-", &format!("UDP:{}", server.address)]);
    assert_is_shown_and_answered(&server, command);
}

#[test]
fn an_echo_of_socat_answers_the_client() {
    if !is_installed("socat") {
        return;
    }
    // Its port is one that was free a moment ago: it does not say which the kernel chose.
    let address = socket_on("127.0.0.1").local_addr().unwrap();
    let mut command = Command::new("socat");
    command.args([
        "-T",
        "60",
        &format!("UDP-RECVFROM:{},bind=127.0.0.1", address.port()),
        "PIPE",
    ]);
    let server = Running::start(command);
    eventually("socat listens", || is_bound(address));
    let client = run(client_of(address, &["-m", "¿eco?", "-w", "60"]), "");
    client.assert_code(0);
    assert_eq!(
        client.text(),
        "\n[+] Mensaje recibido del servidor: ¿eco?\n"
    );
    drop(server);
}

#[test]
fn nc_sends_a_datagram_and_is_answered() {
    if !is_installed("nc") {
        return;
    }
    let server = UdpServer::start(&["--echo"]);
    let mut command = Command::new("nc");
    command.args(["-u", "127.0.0.1", &server.address.port().to_string()]);
    assert_is_shown_and_answered(&server, command);
}
