//! Replies with `--echo`, which end every loop between two echoes.
//!
//! # Layout
//!
//! - `objection`: the datagrams that get no reply
//! - `repetition`: the loop with an echo that gives its replies a full hop limit

mod objection;
mod repetition;

use std::net::UdpSocket;
use std::time::Duration;

use netcommon::address::Endpoint;
use netcommon::datagrams::{Datagram, RecvMeta, Transmit, send};
use netcommon::error::reason;
use netcommon::warning::RateLimitedWarning;

use objection::{Objection, objection};
use repetition::Repetitions;

/// Time between two warnings of one kind.
const WARNING_INTERVAL: Duration = Duration::from_secs(60);

/// The kernel refuses a reply: no route, a firewall, or no room for too long.
static REFUSED: RateLimitedWarning = RateLimitedWarning::new(WARNING_INTERVAL);

/// A hop limit is used up.
static LAST_HOP: RateLimitedWarning = RateLimitedWarning::new(WARNING_INTERVAL);

/// A peer repeats the same datagram.
static REPEATED: RateLimitedWarning = RateLimitedWarning::new(WARNING_INTERVAL);

/// Header fields that the user chose for replies.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReplyHeader {
    /// The DSCP, which the socket has; `None` gives each reply that of its datagram.
    pub dscp: Option<u8>,
    /// The highest hop limit.
    pub ttl: Option<u8>,
}

impl ReplyHeader {
    /// A reply from the address that was asked. As a forwarded packet would (RFC 1812, section
    /// 5.3.1), it has the hop limit that came less one. Its ECN bits are nought: the reply is not
    /// congestion-controlled (RFC 8085, section 3.1.7).
    fn reply<'a>(self, Datagram { payload, meta }: Datagram<'a>) -> Transmit<'a> {
        let left = meta.ttl.map(|ttl| ttl.saturating_sub(1));
        let reflected = meta.tos.map(|tos| tos & !0b11);
        Transmit {
            payload,
            peer: meta.peer,
            source: meta.destination,
            ttl: left.map(|left| left.min(self.ttl.unwrap_or(u8::MAX))),
            tos: reflected.filter(|_| self.dscp.is_none()),
        }
    }
}

/// Answers datagrams with their own bytes.
pub(crate) struct Echo {
    port: u16,
    header: ReplyHeader,
    repetitions: Repetitions,
    answered: u64,
}

impl Echo {
    /// For a socket on `port`.
    pub(crate) fn new(port: u16, header: ReplyHeader) -> Self {
        Self {
            port,
            header,
            repetitions: Repetitions::default(),
            answered: 0,
        }
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
        let port = self.port;
        let mut answerable = datagrams.filter(|datagram| is_answered(datagram.meta, port));
        // One datagram of a batch is enough: a loop alone has no more, and amid others it lasts.
        let first = answerable.next().filter(|first| !self.ends_loop(first));
        let answerable = first.into_iter().chain(answerable);
        let header = self.header;
        let mut replies: Vec<Transmit<'_>> =
            answerable.map(|datagram| header.reply(datagram)).collect();
        // The kernel takes replies to one peer in one piece, and those with one header in one call.
        // The sort is stable: what a peer sent with one header is answered in order.
        replies.sort_by_key(|reply| (reply.source, reply.ttl, reply.tos, reply.peer));
        self.send(socket, &replies);
    }

    fn ends_loop(&mut self, datagram: &Datagram<'_>) -> bool {
        let is_due = self
            .repetitions
            .is_due(datagram.meta.peer, datagram.payload);
        if is_due {
            REPEATED.warn(format_args!(
                "{} sends the same bytes again and again, each time at once after the reply, as an \
                 echo does; one datagram in {} of these is not answered, which ends a loop",
                Endpoint::from(datagram.meta.peer),
                repetition::LIMIT
            ));
        }
        is_due
    }

    fn send(&mut self, socket: &UdpSocket, replies: &[Transmit<'_>]) {
        let report = send(socket, replies);
        self.answered += report.sent as u64;
        if let Some(error) = report.refused {
            REFUSED.warn(format_args!(
                "a reply was not sent, and perhaps others: {}",
                reason(&error)
            ));
        }
    }
}

fn is_answered(meta: &RecvMeta, port: u16) -> bool {
    let Some(objection) = objection(meta, port) else {
        return true;
    };
    let peer = Endpoint::from(meta.peer);
    log::debug!("{peer} is not answered: {objection}");
    if objection == Objection::LastHop {
        LAST_HOP.warn(format_args!(
            "a datagram from {peer} is not answered: {objection}, as in a loop between two echo servers"
        ));
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::echo::objection::tests::meta;

    fn reply(header: ReplyHeader, ttl: u8, tos: u8) -> (Option<u8>, Option<u8>) {
        let mut meta = meta("192.0.2.1:9");
        (meta.ttl, meta.tos) = (Some(ttl), Some(tos));
        let payload = b"";
        let reply = header.reply(Datagram {
            payload,
            meta: &meta,
        });
        (reply.ttl, reply.tos)
    }

    #[test]
    fn a_reply_has_a_hop_less_and_the_dscp_without_ecn() {
        let header = ReplyHeader::default();
        assert_eq!(reply(header, 64, 46 << 2 | 1), (Some(63), Some(46 << 2)));
        assert_eq!(reply(header, 2, 0b11), (Some(1), Some(0)));
    }

    #[test]
    fn what_the_user_chose_rules_but_for_hops_that_are_used_up() {
        let header = ReplyHeader {
            dscp: Some(10),
            ttl: Some(5),
        };
        assert_eq!(reply(header, 64, 46 << 2), (Some(5), None));
        assert_eq!(reply(header, 4, 46 << 2), (Some(3), None));
    }
}
