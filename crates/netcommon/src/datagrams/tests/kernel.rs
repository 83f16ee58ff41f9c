//! What only the kernel of Linux can tell, and its limits.

use std::net::{IpAddr, Ipv4Addr};

use super::*;
use crate::datagrams::batched;

const EVERYTHING: Details = Details {
    destination: true,
    header: true,
    timestamps: true,
};

/// Sends one datagram with the given header fields to `to` on a server bound to `place`.
fn meta_of(place: &str, to: &str, ttl: u32, tos: u32) -> RecvMeta {
    let server = socket(place);
    let mut receiver = batched::Receiver::new(&server, EVERYTHING).unwrap();
    let to: IpAddr = to.parse().unwrap();
    let client = socket(if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" });
    client.set_broadcast(true).unwrap();
    let options = socket2::SockRef::from(&client);
    if to.is_ipv4() {
        options.set_ttl_v4(ttl).unwrap();
        options.set_tos_v4(tos).unwrap();
    } else {
        options.set_unicast_hops_v6(ttl).unwrap();
        options.set_tclass_v6(tos).unwrap();
    }
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
    for (place, to, destination) in table {
        let meta = meta_of(place, to, 9, 46 << 2);
        assert_eq!(meta.destination, Some(destination.parse().unwrap()));
        assert_eq!((meta.ttl, meta.tos), (Some(9), Some(46 << 2)), "{to}");
        assert!(!meta.to_group);
    }
}

#[test]
fn a_broadcast_is_told_from_a_datagram_for_this_host() {
    let meta = meta_of("0.0.0.0:0", "127.255.255.255", 1, 0);
    assert!(meta.to_group);
    assert_eq!(
        meta.destination,
        Some(Ipv4Addr::new(127, 255, 255, 255).into())
    );
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
    for place in LOOPBACKS {
        let server = socket(place);
        socket2::SockRef::from(&server)
            .set_recv_buffer_size(20_000)
            .unwrap();
        let mut receiver = batched::Receiver::new(&server, Details::default()).unwrap();
        let client = client_of(&server);
        for _ in 0..500 {
            client.send(&[b'x'; 64]).unwrap();
        }
        let (mut received, mut dropped) = (0, 0);
        let start = std::time::Instant::now();
        while received + dropped < 500 {
            assert!(
                start.elapsed() < DEADLINE,
                "{received} and {dropped} dropped"
            );
            received += receiver
                .receive(&server)
                .map_or(0, |batch| batch.datagrams().count() as u64);
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
    let small = socket2::SockRef::from(&server);
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
fn replies_leave_from_the_address_of_choice() {
    let table = [
        ("0.0.0.0:0", "127.0.0.2", "127.0.0.2"),
        ("0.0.0.0:0", "127.0.0.3", "127.0.0.3"),
        ("[::]:0", "::1", "::1"),
        ("[::]:0", "127.0.0.4", "::ffff:127.0.0.4"),
    ];
    for (place, asked, source) in table {
        let server = socket(place);
        let asked: IpAddr = asked.parse().unwrap();
        let client = socket(if asked.is_ipv4() {
            "127.0.0.1:0"
        } else {
            "[::1]:0"
        });
        let local = client.local_addr().unwrap();
        let peer = match (source.parse().unwrap(), local.ip()) {
            (IpAddr::V6(_), IpAddr::V4(v4)) => (v4.to_ipv6_mapped(), local.port()).into(),
            _ => local,
        };
        let source = Some(source.parse().unwrap());
        let reply = Transmit {
            payload: b"hola",
            peer,
            source,
        };
        assert_eq!(batched::send(&server, &[reply; 3]), 3);
        let from = client.recv_from(&mut [0; 8]).unwrap().1;
        assert_eq!(from, (asked, server.local_addr().unwrap().port()).into());
    }
}
