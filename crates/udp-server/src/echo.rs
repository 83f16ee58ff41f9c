//! Replies with `--echo`, and the datagrams that never get one, so that no two machines answer each
//! other for ever.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::Duration;

use netcommon::datagrams::{Datagram, RecvMeta, Transmit, send};
use netcommon::error::reason;
use netcommon::warning::RateLimitedWarning;

/// The DSCP of replies: one for local use (RFC 2474 section 6, pool 2) in the class of ordinary
/// traffic. A datagram that carries it is the reply of such a server.
pub(crate) const REPLY_DSCP: u8 = 3;

/// The services that answer any datagram (RFC 862, 867, 865, 864, 868): echo, daytime, quote of the
/// day, chargen, time.
const ANSWERING_SERVICES: [u16; 5] = [7, 13, 17, 19, 37];

/// The kernel refuses a reply: no route, a firewall, or no room for too long.
static REFUSED: RateLimitedWarning = RateLimitedWarning::new(Duration::from_secs(60));

/// Answers datagrams with their own bytes.
pub(crate) struct Echo {
    port: u16,
    answered: u64,
}

impl Echo {
    /// For a socket on `port` whose replies carry [`REPLY_DSCP`].
    pub(crate) fn new(port: u16) -> Self {
        Self { port, answered: 0 }
    }

    /// Replies sent so far.
    pub(crate) fn answered(&self) -> u64 {
        self.answered
    }

    /// Answers all datagrams that may be answered, each from the address that it was sent to.
    pub(crate) fn answer<'a>(
        &mut self,
        socket: &UdpSocket,
        datagrams: impl Iterator<Item = Datagram<'a>>,
    ) {
        let mut replies: Vec<Transmit<'_>> = datagrams
            .filter(|datagram| self.may_answer(datagram.meta))
            .map(|datagram| Transmit {
                payload: datagram.payload,
                peer: datagram.meta.peer,
                source: datagram.meta.destination,
            })
            .collect();
        // The kernel takes replies to one peer in one piece. Each peer has its replies in order, as
        // the sort is stable.
        replies.sort_by_key(|reply| (reply.source, reply.peer));
        let report = send(socket, &replies);
        self.answered += report.sent as u64;
        if let Some(error) = report.refused {
            REFUSED.warn(format_args!(
                "a reply was not sent, and perhaps others: {}",
                reason(&error)
            ));
        }
    }

    fn may_answer(&self, meta: &RecvMeta) -> bool {
        let objection = self.objection(meta);
        if let Some(objection) = objection {
            log::debug!("{} is not answered: {objection}", meta.peer);
        }
        objection.is_none()
    }

    fn objection(&self, meta: &RecvMeta) -> Option<&'static str> {
        let peer = meta.peer;
        let port = peer.port();
        if meta.to_group {
            Some("it was sent to a group")
        } else if port == 0 || !is_host(peer.ip()) {
            Some("nothing can be sent there")
        } else if ANSWERING_SERVICES.contains(&port) {
            Some("a service on that port would answer the reply")
        } else if meta.tos.is_some_and(|tos| tos >> 2 == REPLY_DSCP) {
            Some("it is the reply of such a server itself")
        } else if port == self.port && is_own_address(peer) {
            Some("that is this server itself")
        } else {
            None
        }
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
mod tests {
    use super::*;
    use netcommon::datagrams::{Details, Receiver};

    /// A datagram from this machine, but for its peer, type of service, and kind of destination.
    fn meta(peer: &str, tos: u8, to_group: bool) -> RecvMeta {
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
        meta.tos = Some(tos);
        meta.to_group = to_group;
        meta
    }

    fn is_answered(peer: &str) -> bool {
        Echo::new(5_000).may_answer(&meta(peer, 0, false))
    }

    #[test]
    fn ordinary_peers_are_answered() {
        let peers =
            "127.0.0.1:40404 [::1]:40404 192.0.2.1:1234 192.0.2.1:5000 [::ffff:127.0.0.1]:8";
        for peer in peers.split(' ') {
            assert!(is_answered(peer), "{peer}");
        }
    }

    #[test]
    fn addresses_that_are_no_host_s_are_not_answered() {
        let peers = "127.0.0.1:0 255.255.255.255:9 224.0.0.1:9 0.0.0.0:9 [ff02::1]:9 [::]:9";
        for peer in peers.split(' ') {
            assert!(!is_answered(peer), "{peer}");
        }
    }

    #[test]
    fn services_that_would_answer_the_reply_are_not_answered() {
        for port in ANSWERING_SERVICES {
            assert!(!is_answered(&format!("192.0.2.1:{port}")), "{port}");
        }
    }

    #[test]
    fn a_server_does_not_answer_itself_on_any_of_its_addresses() {
        let peers = "127.0.0.1:5000 127.9.9.9:5000 [::1]:5000 [::ffff:127.0.0.1]:5000";
        for peer in peers.split(' ') {
            assert!(!is_answered(peer), "{peer}");
        }
    }

    #[test]
    fn neither_a_reply_nor_a_datagram_to_a_group_is_answered() {
        let echo = Echo::new(5_000);
        for ecn in 0..4 {
            let reply = meta("192.0.2.1:9", REPLY_DSCP << 2 | ecn, false);
            assert!(!echo.may_answer(&reply));
        }
        assert!(!echo.may_answer(&meta("192.0.2.1:9", 0, true)));
    }
}
