//! Datagrams that get no reply, so that no two machines answer each other for ever.

use std::fmt;
use std::net::{IpAddr, SocketAddr, UdpSocket};

use netcommon::datagrams::RecvMeta;

/// The services that answer any datagram (RFC 862, 867, 865, 864, 868): echo, daytime, quote of the
/// day, chargen, time.
const ANSWERING_SERVICES: [u16; 5] = [7, 13, 17, 19, 37];

/// A reason why a datagram gets no reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Objection {
    /// It was sent to several hosts.
    Group,
    /// Its source is no address of a host.
    Nowhere,
    /// Its source is the port of a service that answers everything.
    AnsweringService,
    /// Its hop limit is used up.
    LastHop,
    /// Its source is this server.
    Itself,
}

impl fmt::Display for Objection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Group => "it was sent to a group",
            Self::Nowhere => "nothing can be sent there",
            Self::AnsweringService => "a service on that port would answer the reply",
            Self::LastHop => "its hop limit (TTL) is used up",
            Self::Itself => "that is this server itself",
        })
    }
}

/// The objection to answering a datagram that came to `port`.
pub(super) fn objection(meta: &RecvMeta, port: u16) -> Option<Objection> {
    let peer = meta.peer;
    if meta.to_group {
        Some(Objection::Group)
    } else if peer.port() == 0 || !is_host(peer.ip()) {
        Some(Objection::Nowhere)
    } else if ANSWERING_SERVICES.contains(&peer.port()) {
        Some(Objection::AnsweringService)
    } else if meta.ttl.is_some_and(|ttl| ttl <= 1) {
        Some(Objection::LastHop)
    } else if peer.port() == port && is_own_address(peer) {
        Some(Objection::Itself)
    } else {
        None
    }
}

fn is_host(address: IpAddr) -> bool {
    let address = address.to_canonical();
    let is_broadcast = matches!(address, IpAddr::V4(v4) if v4.is_broadcast());
    !(is_broadcast || address.is_multicast() || address.is_unspecified())
}

/// Only an address of this machine can be bound.
fn is_own_address(mut peer: SocketAddr) -> bool {
    peer.set_port(0);
    UdpSocket::bind(peer).is_ok()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use netcommon::datagrams::{Details, Receiver};

    /// A datagram from this machine, but for its peer.
    pub(in crate::echo) fn meta(peer: &str) -> RecvMeta {
        let server = UdpSocket::bind("127.0.0.1:0").unwrap();
        let mut receiver = Receiver::new(&server, Details::default()).unwrap();
        let client = UdpSocket::bind("127.0.0.1:0").unwrap();
        client.send_to(b"", server.local_addr().unwrap()).unwrap();
        let mut meta = loop {
            if let Ok(batch) = receiver.receive(&server) {
                break *batch.datagrams().next().unwrap().meta;
            }
        };
        meta.peer = peer.parse().unwrap();
        meta
    }

    #[track_caller]
    fn assert_objection(expected: Option<Objection>, peers: &str) {
        for peer in peers.split(' ') {
            assert_eq!(objection(&meta(peer), 5_000), expected, "{peer}");
        }
    }

    #[test]
    fn ordinary_peers_are_answered() {
        let peers =
            "127.0.0.1:40404 [::1]:40404 192.0.2.1:1234 192.0.2.1:5000 [::ffff:127.0.0.1]:8";
        assert_objection(None, peers);
    }

    #[test]
    fn addresses_that_are_no_host_s_are_not_answered() {
        let peers = "127.0.0.1:0 255.255.255.255:9 224.0.0.1:9 0.0.0.0:9 [ff02::1]:9 [::]:9";
        assert_objection(Some(Objection::Nowhere), peers);
    }

    #[test]
    fn services_that_would_answer_the_reply_are_not_answered() {
        let peers = ANSWERING_SERVICES.map(|port| format!("192.0.2.1:{port}"));
        assert_objection(Some(Objection::AnsweringService), &peers.join(" "));
    }

    #[test]
    fn a_server_does_not_answer_itself_on_any_of_its_addresses() {
        let peers = "127.0.0.1:5000 127.9.9.9:5000 [::1]:5000 [::ffff:127.0.0.1]:5000";
        assert_objection(Some(Objection::Itself), peers);
    }

    #[test]
    fn neither_a_datagram_to_a_group_nor_one_without_a_hop_left_is_answered() {
        let mut group = meta("192.0.2.1:9");
        group.to_group = true;
        assert_eq!(objection(&group, 5_000), Some(Objection::Group));
        let mut last = meta("192.0.2.1:9");
        for (ttl, expected) in [(0, true), (1, true), (2, false), (64, false)] {
            last.ttl = Some(ttl);
            let found = objection(&last, 5_000);
            assert_eq!(found == Some(Objection::LastHop), expected, "{ttl}");
        }
    }
}
