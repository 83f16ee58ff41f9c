//! Facts that only the kernel of Linux can tell, and its limits.

use std::net::{IpAddr, Ipv4Addr};

use socket2::{Domain, SockRef};

use super::*;
use crate::datagrams::batched;
use crate::options::SocketOptions;

const EVERYTHING: Details = Details {
    destination: true,
    header: true,
    timestamps: true,
};

/// Sends one datagram with the given header fields to `to` on a server bound to `address`.
fn meta_of(address: &str, to: &str, ttl: u8, dscp: u8) -> RecvMeta {
    let server = socket(address);
    let mut receiver = batched::Receiver::new(&server, EVERYTHING).unwrap();
    let to: IpAddr = to.parse().unwrap();
    let client = socket(if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" });
    client.set_broadcast(true).unwrap();
    let options = SocketOptions {
        ttl: Some(ttl),
        dscp: Some(dscp),
        ..SocketOptions::default()
    };
    let domain = Domain::for_address((to, 0).into());
    options.apply(&SockRef::from(&client), domain).unwrap();
    let port = server.local_addr().unwrap().port();
    client.send_to(b"hola", (to, port)).unwrap();
    let received = receive!(receiver, &server, 1);
    assert_eq!(payloads(&received), [b"hola"]);
    received[0].0
}

#[test]
fn destination_and_header_fields_are_told() {
    let table = [
        ("0.0.0.0:0", "127.0.0.2", "127.0.0.2"),
        ("[::]:0", "::1", "::1"),
        ("[::]:0", "127.0.0.3", "::ffff:127.0.0.3"),
    ];
    for (address, to, destination) in table {
        let meta = meta_of(address, to, 9, 46);
        assert_eq!(meta.destination, Some(destination.parse().unwrap()));
        assert_eq!((meta.ttl, meta.tos), (Some(9), Some(46 << 2)), "{to}");
        assert!(!meta.to_group);
    }
}

#[test]
fn a_broadcast_is_told_from_a_datagram_for_this_host() {
    let broadcast = Ipv4Addr::new(127, 255, 255, 255);
    let meta = meta_of("0.0.0.0:0", &broadcast.to_string(), 1, 0);
    assert!(meta.to_group);
    assert_eq!(meta.destination, Some(broadcast.into()));
}

#[test]
fn the_kernel_s_time_lies_between_sending_and_reading() {
    let before = SystemTime::now();
    let meta = meta_of("127.0.0.1:0", "127.0.0.1", 64, 0);
    let time = meta.time.unwrap();
    assert!(before <= time && time <= SystemTime::now());
}

#[test]
fn received_and_dropped_are_what_was_sent() {
    for address in LOOPBACKS {
        let server = socket(address);
        let small = SockRef::from(&server);
        small.set_recv_buffer_size(20_000).unwrap();
        let mut receiver = batched::Receiver::new(&server, Details::default()).unwrap();
        let client = client_of(&server);
        for _ in 0..500 {
            client.send(&[b'x'; 64]).unwrap();
        }
        let (mut received, mut dropped) = (0, 0);
        let start = std::time::Instant::now();
        while received + dropped < 500 {
            assert!(start.elapsed() < DEADLINE, "{received}, {dropped} dropped");
            let batch = receiver.receive(&server);
            received += batch.map_or(0, |batch| batch.datagrams().count() as u64);
            dropped = receiver.dropped(&server).unwrap();
        }
        assert!(received > 0 && dropped > 0);
        assert_eq!(received + dropped, 500);
    }
}

#[test]
fn the_next_datagram_tells_what_was_dropped_before_it() {
    let server = socket(LOOPBACKS[0]);
    let mut receiver = batched::Receiver::new(&server, Details::default()).unwrap();
    let small = SockRef::from(&server);
    small.set_recv_buffer_size(1).unwrap();
    let client = client_of(&server);
    let dropped = || super::super::drops::read_counter(&server);
    let start = std::time::Instant::now();
    while dropped() == Some(0) {
        assert!(start.elapsed() < DEADLINE, "nothing is dropped");
        client.send(&[b'x'; 1_000]).unwrap();
    }
    while receiver.receive(&server).is_ok() {}
    let known = dropped().map(u64::from);
    client.send(b"next").unwrap();
    receive!(receiver, &server, 1);
    assert_eq!(receiver.dropped_so_far(), known);
}

#[test]
fn drops_before_a_receiver_was_made_count_apart() {
    let server = socket(LOOPBACKS[0]);
    let small = SockRef::from(&server);
    small.set_recv_buffer_size(1).unwrap();
    let client = client_of(&server);
    let overflow = |goal| {
        let start = std::time::Instant::now();
        while super::super::drops::read_counter(&server) < Some(goal) {
            assert!(start.elapsed() < DEADLINE, "nothing is dropped");
            client.send(&[b'x'; 1_000]).unwrap();
        }
    };
    overflow(3);
    let mut batched = batched::Receiver::new(&server, Details::default()).unwrap();
    let mut portable = portable::Receiver::new(&server, Details::default()).unwrap();
    overflow(5);
    assert_eq!(
        (batched.dropped_before(), batched.dropped(&server)),
        (3, Some(2))
    );
    assert_eq!(
        (portable.dropped_before(), portable.dropped(&server)),
        (3, Some(2))
    );
}

#[test]
fn replies_leave_from_the_address_of_choice() {
    let table = [
        ("0.0.0.0:0", "127.0.0.1:0", "127.0.0.1", "127.0.0.2"),
        ("0.0.0.0:0", "127.0.0.1:0", "127.0.0.1", "127.0.0.3"),
        ("[::]:0", "[::1]:0", "::1", "::1"),
        (
            "[::]:0",
            "127.0.0.1:0",
            "::ffff:127.0.0.1",
            "::ffff:127.0.0.4",
        ),
    ];
    for (server, client, peer, source) in table {
        let (server, client) = (socket(server), socket(client));
        let port = client.local_addr().unwrap().port();
        let source: IpAddr = source.parse().unwrap();
        let transmit = Transmit {
            payload: b"hola",
            peer: (peer.parse::<IpAddr>().unwrap(), port).into(),
            source: Some(source),
            ttl: None,
            tos: None,
        };
        // Three go one by one, eight in one piece.
        assert_eq!(batched::send(&server, &[transmit; 3]).sent, 3);
        assert_eq!(batched::send(&server, &[transmit; 8]).sent, 8);
        let from = client.recv_from(&mut [0; 8]).unwrap().1;
        let port = server.local_addr().unwrap().port();
        assert_eq!(from, (source.to_canonical(), port).into());
    }
}

#[test]
fn replies_carry_the_header_fields_of_choice() {
    let table = [
        ("0.0.0.0:0", "127.0.0.1:0", "127.0.0.1", None),
        ("0.0.0.0:0", "127.0.0.1:0", "127.0.0.1", Some("127.0.0.2")),
        ("[::1]:0", "[::1]:0", "::1", None),
        ("[::]:0", "[::1]:0", "::1", Some("::1")),
        ("[::]:0", "127.0.0.1:0", "::ffff:127.0.0.1", None),
        (
            "[::]:0",
            "127.0.0.1:0",
            "::ffff:127.0.0.1",
            Some("::ffff:127.0.0.4"),
        ),
    ];
    for (server, client, peer, source) in table {
        let (server, client) = (socket(server), socket(client));
        let mut receiver = batched::Receiver::new(&client, EVERYTHING).unwrap();
        let port = client.local_addr().unwrap().port();
        let transmit = |ttl, tos| Transmit {
            payload: b"hola",
            peer: (peer.parse::<IpAddr>().unwrap(), port).into(),
            source: source.map(|source| source.parse().unwrap()),
            ttl,
            tos,
        };
        let fields = [
            (Some(9), Some(46 << 2)),
            (Some(8), None),
            (None, Some(4)),
            (Some(1), Some(0)),
        ];
        let mut transmits: Vec<_> = fields.map(|(ttl, tos)| transmit(ttl, tos)).into();
        // Some go one by one, others in one piece.
        transmits.extend([transmit(Some(7), Some(8)); 8]);
        assert_eq!(batched::send(&server, &transmits).sent, transmits.len());
        let received = receive!(receiver, &client, transmits.len());
        for ((meta, _), sent) in received.iter().zip(&transmits) {
            let expected = (sent.ttl.unwrap_or(64), sent.tos.unwrap_or(0));
            assert_eq!(
                (meta.ttl, meta.tos),
                (Some(expected.0), Some(expected.1)),
                "{peer} {source:?}"
            );
        }
    }
}
