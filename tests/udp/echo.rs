//! `udp-server --echo`: from the address that was asked, and never in a loop.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

use crate::harness::compat::{UdpServer, client_of, run};
use crate::harness::udp::{connected_to, receive, socket_on};

#[test]
fn a_connected_client_is_answered_from_the_address_it_asked() {
    let table = [
        ("0.0.0.0:0", "127.0.0.1"),
        ("0.0.0.0:0", "127.0.0.2"),
        ("[::]:0", "::1"),
        ("[::]:0", "127.0.0.3"),
        ("127.0.0.4:0", "127.0.0.4"),
    ];
    for (place, asked) in table {
        let server = UdpServer::start_json(place, &["--echo"]);
        let client = run(
            client_of(server.at(asked), &["-m", "¿quién?", "-w", "60"]),
            "",
        );
        client.assert_code(0);
        assert_eq!(
            client.text(),
            "\n[+] Mensaje recibido del servidor: ¿quién?\n"
        );
    }
}

#[test]
fn whole_bursts_are_answered_in_order_and_in_any_size() {
    let server = UdpServer::start_json("0.0.0.0:0", &["--echo"]);
    let client = connected_to(server.at("127.0.0.7"));
    let sent: Vec<Vec<u8>> = (0..200).map(|size| vec![b'x'; size]).collect();
    server.pause();
    for payload in &sent {
        client.send(payload).unwrap();
    }
    server.resume();
    for payload in &sent {
        assert_eq!(&receive(&client), payload);
    }
    client.send(&[b'y'; 65_507]).unwrap();
    assert_eq!(receive(&client), [b'y'; 65_507]);
    assert_eq!(server.finish().pop().unwrap()["answered"], 201);
}

/// Asks and is answered: everything that came before has been dealt with.
fn fence(server: &UdpServer) {
    let client = connected_to(server.at("127.0.0.1"));
    client.send(b"fence").unwrap();
    assert_eq!(receive(&client), b"fence");
}

fn assert_answered(server: UdpServer, received: u64, answered: u64) {
    let summary = server.finish().pop().unwrap();
    let figures = (&summary["datagrams"], &summary["answered"]);
    assert_eq!(figures, (&received.into(), &answered.into()));
}

/// Two servers on `host`, each of which believes that the other has asked it.
fn one_spoofed_datagram_starts_no_loop(host: &str) {
    let second = UdpServer::start_json(&format!("{host}:0"), &["--echo"]);
    // The port of the first server, before that server has it: what comes from here seems to come from there.
    let spoofer = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = spoofer.local_addr().unwrap().port();
    second.pause();
    let target = second.at("127.0.0.1");
    spoofer.send_to(b"loop", target).unwrap();
    drop(spoofer);
    let first = UdpServer::start_json(&format!("{host}:{port}"), &["--echo"]);
    second.resume();

    let reply = first.event();
    assert_eq!(
        (&reply["text"], &reply["peer"]),
        (&"loop".into(), &target.to_string().into())
    );
    for _ in 0..3 {
        fence(&first);
        fence(&second);
    }
    assert_answered(first, 4, 3);
    assert_answered(second, 4, 4);
}

#[test]
fn one_spoofed_datagram_between_two_servers_starts_no_loop() {
    one_spoofed_datagram_starts_no_loop("127.0.0.1");
}

#[test]
fn two_servers_for_both_families_do_not_loop_over_ipv4_either() {
    one_spoofed_datagram_starts_no_loop("[::]");
}

#[test]
fn a_server_does_not_answer_itself() {
    let server = UdpServer::start_json("127.0.0.1:0", &["--echo"]);
    let itself = UdpSocket::bind(server.at("127.0.0.2")).unwrap();
    itself.send_to(b"me", server.address).unwrap();
    fence(&server);
    assert_answered(server, 2, 1);
}

#[test]
fn what_went_to_a_group_is_not_answered() {
    let server = UdpServer::start_json("0.0.0.0:0", &["--echo"]);
    let client = socket_on("127.0.0.1");
    client.set_broadcast(true).unwrap();
    client
        .send_to(b"all", server.at("127.255.255.255"))
        .unwrap();
    fence(&server);
    assert_answered(server, 2, 1);
}

#[test]
fn services_that_answer_everything_and_port_0_are_not_answered() {
    use socket2::{Domain, Protocol, Socket, Type};
    let Ok(raw) = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::UDP)) else {
        eprintln!("skipped: raw sockets need privileges");
        return;
    };
    let server = UdpServer::start_json("127.0.0.1:0", &["--echo"]);
    let to = SocketAddr::new(server.address.ip(), 0);
    for port in [0, 7, 13, 17, 19, 37_u16] {
        // A UDP header without a checksum (RFC 768).
        let fields = [port, server.address.port(), 8 + 6, 0];
        let header = fields.map(u16::to_be_bytes).concat();
        raw.send_to(&[&header, b"forged".as_slice()].concat(), &to.into())
            .unwrap();
        let datagram = server.event();
        assert_eq!(datagram["peer"], SocketAddr::new(to.ip(), port).to_string());
    }
    fence(&server);
    assert_answered(server, 7, 1);
}

#[test]
fn a_client_that_is_gone_does_not_end_the_server() {
    let server = UdpServer::start_json("127.0.0.1:0", &["--echo"]);
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
    let server = UdpServer::start_json("127.0.0.1:0", &["--echo", "--ttl", "5"]);
    let listener = UdpServer::start_json("127.0.0.1:0", &[]);
    // Its answer goes where the listener is, as if that had asked.
    let place = listener.address;
    drop(listener.running.interrupt());
    let asker = UdpSocket::bind(place).unwrap();
    server.pause();
    asker.send_to(b"hola", server.address).unwrap();
    drop(asker);
    let listener = UdpServer::start_json(&place.to_string(), &[]);
    server.resume();
    let reply = listener.event();
    assert_eq!((&reply["dscp"], &reply["ttl"]), (&3.into(), &5.into()));
    assert_eq!(place.ip(), IpAddr::from(Ipv4Addr::LOCALHOST));
}
