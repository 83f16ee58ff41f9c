//! With the peers that people have: Python's `socket`, `socat`, `nc`.

use crate::harness::{
    Running, Server, UdpClient, UdpServer, With, eventually, installed, is_bound, python, run,
    socket_on,
};

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
    let Some(client) = python(PYTHON_CLIENT) else {
        return;
    };
    let server = Server::start(UdpServer, "--echo");
    let end = run(client.with([server.address.port().to_string()]));
    assert_eq!(end.assert_clean().text().trim_end(), MESSAGE);
    let shown = format!("[+] Mensaje enviado por el cliente: {MESSAGE}");
    assert_eq!(server.text_line(), shown);
}

#[test]
fn a_python_server_is_reached_and_heard() {
    let Some(command) = python(PYTHON_SERVER) else {
        return;
    };
    let server = Server::start_command(command);
    let client = run(UdpClient.to(server.address, "-w 60"));
    let reply = "\n[+] Mensaje recibido del servidor: gracias\n";
    assert_eq!(client.assert_clean().text(), reply);
    assert_eq!(server.line(), MESSAGE);
}

#[test]
fn socat_and_nc_send_a_datagram_and_are_answered() {
    let server = Server::start(UdpServer, "--echo");
    let socat = installed("socat", &format!("-T 60 - UDP:{}", server.address));
    let nc = installed("nc", &format!("-u 127.0.0.1 {}", server.address.port()));
    for client in [socat, nc].into_iter().flatten() {
        let mut client = Running::start(client);
        client.say("hola");
        assert_eq!(client.line(), "hola");
        let shown = r"[+] Mensaje enviado por el cliente: hola\n";
        assert_eq!(server.text_line(), shown);
        server.line();
    }
}

#[test]
fn an_echo_of_socat_answers_the_client() {
    // It does not say which port the kernel chose: this one was free a moment ago.
    let address = socket_on("127.0.0.1").local_addr().unwrap();
    let place = format!("UDP-RECVFROM:{},bind=127.0.0.1", address.port());
    let Some(socat) = installed("socat", &format!("-T 60 {place} PIPE")) else {
        return;
    };
    let _server = Running::start(socat);
    eventually("socat listens", || is_bound(address));
    let client = run(UdpClient.to(address, "-m ¿eco? -w 60"));
    let reply = "\n[+] Mensaje recibido del servidor: ¿eco?\n";
    assert_eq!(client.assert_clean().text(), reply);
}
