//! `udp-server --echo`: from the address that was asked, and never in a loop.

use std::net::{SocketAddr, UdpSocket};

use serde_json::json;
use socket2::{Domain, Protocol, Socket, Type};

use crate::harness::{
    Server, UdpClient, UdpServer, assert_has, connected_to, receive, run, socket_on,
};

/// An echo server on `host` and a free port.
fn echo_on(host: &str) -> Server {
    Server::start(UdpServer, &format!("--json --echo {host}"))
}

#[test]
fn a_connected_client_is_answered_from_the_address_it_asked() {
    for (host, asked) in [
        ("0.0.0.0", "127.0.0.1"),
        ("0.0.0.0", "127.0.0.2"),
        ("::", "::1"),
        ("::", "127.0.0.3"),
        ("127.0.0.4", "127.0.0.4"),
    ] {
        let server = echo_on(host);
        let client = run(UdpClient.to(server.at(asked), "-m ¿quién? -w 60"));
        let line = "\n[+] Mensaje recibido del servidor: ¿quién?\n";
        assert_eq!(client.assert_clean().text(), line);
    }
}

#[test]
fn whole_bursts_are_answered_in_order_and_in_any_size() {
    let server = echo_on("0.0.0.0");
    let client = connected_to(server.at("127.0.0.7"));
    server.pause();
    for size in 0..200 {
        client.send(&vec![b'x'; size]).unwrap();
    }
    server.resume();
    for size in 0..200 {
        assert_eq!(receive(&client), vec![b'x'; size]);
    }
    client.send(&[b'y'; 65_507]).unwrap();
    assert_eq!(receive(&client), [b'y'; 65_507]);
    assert_answered(server, 201, 201);
}

/// Asks and is answered: the server is done with everything that came before.
fn fence(server: &Server) {
    let client = connected_to(server.at("127.0.0.1"));
    client.send(b"fence").unwrap();
    assert_eq!(receive(&client), b"fence");
}

#[track_caller]
fn assert_answered(server: Server, received: u64, answered: u64) {
    let summary = server.finish().pop().unwrap();
    let expected = json!({ "datagrams": received, "answered": answered });
    assert_has(&summary, expected);
}

/// Two servers, the second of which believes that the first has asked it.
#[test]
fn one_spoofed_datagram_between_two_servers_starts_no_loop() {
    for host in ["127.0.0.1", "::"] {
        let second = echo_on(host);
        // A socket on the port that the first server will have.
        let spoofer = socket_on("127.0.0.1");
        let port = spoofer.local_addr().unwrap().port();
        second.pause();
        let target = second.at("127.0.0.1");
        spoofer.send_to(b"loop", target).unwrap();
        drop(spoofer);
        let place = SocketAddr::new(host.parse().unwrap(), port);
        let first = Server::start_at(place, UdpServer, "--json --echo");
        second.resume();

        let reply = json!({ "text": "loop", "peer": target.to_string() });
        assert_has(&first.event(), reply);
        for _ in 0..3 {
            fence(&first);
            fence(&second);
        }
        assert_answered(first, 4, 3);
        assert_answered(second, 4, 4);
    }
}

#[test]
fn a_server_does_not_answer_itself() {
    let server = echo_on("127.0.0.1");
    let itself = UdpSocket::bind(server.at("127.0.0.2")).unwrap();
    itself.send_to(b"me", server.address).unwrap();
    fence(&server);
    assert_answered(server, 2, 1);
}

#[test]
fn what_went_to_a_group_is_not_answered() {
    let server = echo_on("0.0.0.0");
    let client = socket_on("127.0.0.1");
    client.set_broadcast(true).unwrap();
    let everyone = server.at("127.255.255.255");
    client.send_to(b"all", everyone).unwrap();
    fence(&server);
    assert_answered(server, 2, 1);
}

#[test]
fn services_that_answer_everything_and_port_0_are_not_answered() {
    let Ok(raw) = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::UDP)) else {
        return eprintln!("skipped: raw sockets need privileges");
    };
    let server = echo_on("127.0.0.1");
    let host = server.address.ip();
    for port in [0, 7, 13, 17, 19, 37_u16] {
        // A UDP header without a checksum (RFC 768).
        let fields = [port, server.address.port(), 8 + 6, 0];
        let header = fields.map(u16::to_be_bytes).concat();
        let packet = [&header, b"forged".as_slice()].concat();
        raw.send_to(&packet, &SocketAddr::new(host, 0).into())
            .unwrap();
        let forged = SocketAddr::new(host, port).to_string();
        assert_eq!(server.event()["peer"], forged);
    }
    fence(&server);
    assert_answered(server, 7, 1);
}

#[test]
fn a_client_that_is_gone_does_not_end_the_server() {
    let server = echo_on("127.0.0.1");
    for _ in 0..20 {
        server.pause();
        let client = connected_to(server.address);
        client.send(b"bye").unwrap();
        drop(client);
        server.resume();
        assert_eq!(server.event()["text"], "bye");
    }
    fence(&server);
    assert_answered(server, 21, 21);
}

#[test]
fn replies_carry_the_mark_and_the_time_to_live_that_was_asked_for() {
    let server = Server::start(UdpServer, "--json --echo --ttl 5");
    let asker = socket_on("127.0.0.1");
    let place = asker.local_addr().unwrap();
    server.pause();
    asker.send_to(b"hola", server.address).unwrap();
    drop(asker);
    // The answer goes to a listener on the asker's port, which shows its header.
    let listener = Server::start_at(place, UdpServer, "--json");
    server.resume();
    assert_has(&listener.event(), json!({ "dscp": 3, "ttl": 5 }));
}
