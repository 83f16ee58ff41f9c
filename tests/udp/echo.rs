//! `udp-server --echo`: from the address that was asked, with the header that came.

use std::net::{SocketAddr, UdpSocket};

use serde_json::{Value, json};
use socket2::{Domain, Protocol, SockRef, Socket, Type};

use crate::harness::{
    Server, UdpClient, UdpServer, assert_has, connected_to, receive, run, socket_on,
};

/// An echo server on `host` and a free port.
pub(super) fn echo_on(host: &str) -> Server {
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
pub(super) fn fence(server: &Server) {
    let client = connected_to(server.at("127.0.0.1"));
    client.send(b"fence").unwrap();
    assert_eq!(receive(&client), b"fence");
}

#[track_caller]
pub(super) fn assert_answered(server: Server, received: u64, answered: u64) {
    let summary = server.finish().pop().unwrap();
    let expected = json!({ "datagrams": received, "answered": answered });
    assert_has(&summary, expected);
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

fn set_header(socket: &Socket, place: &str, ttl: u8, tos: u8) {
    let (ttl, tos) = (ttl.into(), tos.into());
    if place.contains(':') {
        socket.set_unicast_hops_v6(ttl).unwrap();
        socket.set_tclass_v6(tos).unwrap();
    } else {
        socket.set_ttl_v4(ttl).unwrap();
        socket.set_tos_v4(tos).unwrap();
    }
}

/// Header fields of the replies to ten datagrams from `place`, which are sent in one piece.
fn headers_of_replies(options: &str, place: &str, ttl: u8, tos: u8) -> Vec<Value> {
    let server = Server::start(UdpServer, &format!("--json --echo {options}"));
    let asker = socket_on(place);
    set_header(&SockRef::from(&asker), place, ttl, tos);
    let address = asker.local_addr().unwrap();
    server.pause();
    for _ in 0..10 {
        asker.send_to(b"hola", server.at(place)).unwrap();
    }
    drop(asker);
    // The answers go to a listener on the asker's port, which shows their header.
    let listener = Server::start_at(address, UdpServer, "--json");
    server.resume();
    let events = (0..10).map(|_| listener.event());
    let fields = events.map(|event| json!([event["dscp"], event["ecn"], event["ttl"]]));
    fields.collect()
}

#[test]
fn replies_have_the_dscp_that_came_and_a_hop_less() {
    for (host, place) in [
        ("127.0.0.1", "127.0.0.1"),
        ("::1", "::1"),
        ("::", "127.0.0.1"),
    ] {
        let table = [
            ("", 64, 46 << 2 | 1, json!([46, 0, 63])),
            ("", 2, 0b11, json!([0, 0, 1])),
            ("--ttl 5", 64, 0, json!([0, 0, 5])),
            ("--ttl 200", 64, 8, json!([2, 0, 63])),
            ("--dscp AF11", 255, 46 << 2, json!([10, 0, 254])),
        ];
        for (options, ttl, tos, expected) in table {
            let replies = headers_of_replies(&format!("{options} {host}"), place, ttl, tos);
            assert_eq!(replies, vec![expected; 10], "{host} {options}");
        }
    }
}
