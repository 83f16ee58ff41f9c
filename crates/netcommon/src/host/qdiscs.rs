//! Drops of the queueing disciplines, asked of the kernel by rtnetlink(7).

use std::io;
use std::os::fd::AsRawFd;

use nix::libc::{NLM_F_DUMP, NLM_F_REQUEST, NLMSG_DONE, NLMSG_ERROR, RTM_GETQDISC, TCA_STATS2};
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, recv, sendto, socket,
};

/// Bytes of a message's header (`struct nlmsghdr`) and of what follows it (`struct tcmsg`).
const HEADER: usize = 16;
const QDISC: usize = 20;

/// `TC_H_ROOT` (linux/pkt_sched.h): what sits on the interface itself, and has the drops of what sits on it.
const ROOT: u32 = u32::MAX;

/// `TCA_STATS_QUEUE` (linux/gen_stats.h): a queue's length, backlog, drops, …
const QUEUE: u16 = 3;

/// Bytes of an answer, at most: the kernel fills no larger ones unasked.
const ANSWER: usize = 32 << 10;

/// A queueing discipline of an interface of this network namespace.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Qdisc {
    /// The index of the interface.
    pub(super) interface: u32,
    /// The number of the discipline on it.
    pub(super) handle: u32,
    /// Packets that it dropped, those that it refused included.
    pub(super) dropped: u32,
}

/// The root discipline of each interface that has one.
///
/// # Errors
///
/// A kernel, or a sandbox, without rtnetlink, or an answer of another form.
pub(super) fn read() -> io::Result<Vec<Qdisc>> {
    let route = SockProtocol::NetlinkRoute;
    let flags = SockFlag::SOCK_CLOEXEC;
    let socket = socket(AddressFamily::Netlink, SockType::Raw, flags, route)?;
    let kernel = NetlinkAddr::new(0, 0);
    sendto(socket.as_raw_fd(), &request(), &kernel, MsgFlags::empty())?;
    let (mut qdiscs, mut answer) = (Vec::new(), vec![0; ANSWER]);
    let mut is_last = false;
    while !is_last {
        // The kernel answers within the call that asks.
        let length = recv(socket.as_raw_fd(), &mut answer, MsgFlags::MSG_DONTWAIT)?;
        is_last = parse(&answer[..length], &mut qdiscs).ok_or(io::ErrorKind::InvalidData)?;
    }
    Ok(qdiscs)
}

fn request() -> [u8; HEADER + QDISC] {
    let mut request = [0; HEADER + QDISC];
    let length = request.len() as u32;
    let flags = (NLM_F_REQUEST | NLM_F_DUMP) as u16;
    request[..4].copy_from_slice(&length.to_ne_bytes());
    request[4..6].copy_from_slice(&RTM_GETQDISC.to_ne_bytes());
    request[6..8].copy_from_slice(&flags.to_ne_bytes());
    request
}

/// Takes an answer apart; true when it is the last, `None` when it makes no sense.
fn parse(mut answer: &[u8], qdiscs: &mut Vec<Qdisc>) -> Option<bool> {
    while !answer.is_empty() {
        let message = answer.get(..word(answer, 0)? as usize)?;
        match i32::from(half(message, 4)?) {
            NLMSG_DONE => return Some(true),
            NLMSG_ERROR => return None,
            _ => qdiscs.extend(qdisc(message.get(HEADER..)?)),
        }
        answer = answer.get(message.len().next_multiple_of(4)..)?;
    }
    Some(false)
}

fn qdisc(message: &[u8]) -> Option<Qdisc> {
    let statistics = attribute(message.get(QDISC..)?, TCA_STATS2)?;
    let is_root = word(message, 12)? == ROOT;
    is_root.then_some(Qdisc {
        interface: word(message, 4)?,
        handle: word(message, 8)?,
        dropped: word(attribute(statistics, QUEUE)?, 8)?,
    })
}

/// The attribute of a kind (`struct rtattr`: length, kind, value).
fn attribute(mut attributes: &[u8], kind: u16) -> Option<&[u8]> {
    loop {
        let length = usize::from(half(attributes, 0)?);
        let value = attributes.get(4..length)?;
        if half(attributes, 2)? == kind {
            return Some(value);
        }
        attributes = attributes.get(length.next_multiple_of(4)..)?;
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let word = bytes.get(at..at + 4)?;
    word.try_into().ok().map(u32::from_ne_bytes)
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    let half = bytes.get(at..at + 2)?;
    half.try_into().ok().map(u16::from_ne_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn attribute_of(kind: u16, value: &[u8]) -> Vec<u8> {
        let length = 4 + value.len() as u16;
        [&length.to_ne_bytes(), &kind.to_ne_bytes(), value].concat()
    }

    fn message(kind: u16, body: &[u8]) -> Vec<u8> {
        let length = (HEADER + body.len()) as u32;
        let rest = [0; HEADER - 6];
        [&length.to_ne_bytes()[..], &kind.to_ne_bytes(), &rest, body].concat()
    }

    fn qdisc_under(parent: u32, dropped: u32) -> Vec<u8> {
        let words = [0, 7, 0x8001_0000, parent, 2]
            .map(u32::to_ne_bytes)
            .concat();
        let queue = [1, 2, dropped, 4, 5].map(u32::to_ne_bytes).concat();
        let statistics = [attribute_of(1, &[0; 16]), attribute_of(QUEUE, &queue)].concat();
        let name = attribute_of(1, b"tbf\0");
        message(
            36,
            &[words, name, attribute_of(TCA_STATS2, &statistics)].concat(),
        )
    }

    #[test]
    fn the_drops_of_root_disciplines_are_found() {
        let answer = [qdisc_under(ROOT, 42), qdisc_under(0x10_000, 9)].concat();
        let mut qdiscs = Vec::new();
        assert_eq!(parse(&answer, &mut qdiscs), Some(false));
        let expected = Qdisc {
            interface: 7,
            handle: 0x8001_0000,
            dropped: 42,
        };
        assert_eq!(qdiscs, [expected]);
        let done = message(NLMSG_DONE as u16, &[0; 4]);
        assert_eq!(parse(&done, &mut qdiscs), Some(true));
        let refused = message(NLMSG_ERROR as u16, &[0; 20]);
        assert_eq!(parse(&refused, &mut qdiscs), None);
    }

    #[test]
    fn the_kernel_answers() {
        assert!(read().is_ok());
    }

    proptest! {
        #[test]
        fn no_answer_panics_or_is_read_for_ever(mut answer: Vec<u8>, length in 0_u32..40) {
            parse(&answer, &mut Vec::new());
            answer.splice(..answer.len().min(4), length.to_ne_bytes());
            parse(&answer, &mut Vec::new());
        }
    }
}
