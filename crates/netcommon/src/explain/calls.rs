//! The calls of the lesson as C programmers write them, and the reason that fits their results.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};

use nix::errno::Errno;
use serde::Serialize;
use socket2::{Domain, Socket, Type};

use crate::address::Endpoint;

/// Bytes that the lesson's scripts receive at once.
pub const LESSON_BUFFER: usize = 1024;

/// A call, before it is made.
#[derive(Clone, Copy, Debug)]
pub enum Call<'a> {
    /// getaddrinfo(3).
    Resolve(&'a str),
    /// socket(2).
    Socket(Domain, Type),
    /// setsockopt(2), by the kernel's name of the option.
    SetOption(RawFd, &'a str),
    /// bind(2).
    Bind(RawFd, SocketAddr),
    /// listen(2), with the length of the queue.
    Listen(RawFd, u32),
    /// accept(2).
    Accept(BorrowedFd<'a>),
    /// connect(2) over TCP.
    Connect(BorrowedFd<'a>, SocketAddr),
    /// connect(2) over UDP.
    Fix(BorrowedFd<'a>, SocketAddr),
    /// A thread for the client with this number.
    Thread(usize),
    /// send(2) over TCP.
    Send(RawFd, usize),
    /// recv(2) over TCP, into a buffer of this size.
    Receive(BorrowedFd<'a>, usize),
    /// send(2) or sendto(2) over UDP.
    SendDatagram(RawFd, &'a [u8], Option<SocketAddr>),
    /// recvfrom(2) over UDP, into a buffer of this size.
    ReceiveDatagram(BorrowedFd<'a>, usize),
    /// shutdown(2) of one side of a connection, or of both.
    ShutDown(RawFd, Shutdown),
    /// shutdown(2) of a listener, which ends a blocked accept.
    WakeListener(RawFd),
    /// close(2) of a TCP connection.
    Close(RawFd),
    /// close(2) of a listener.
    CloseListener(RawFd),
    /// close(2) of a UDP socket.
    CloseDatagrams(RawFd),
}

/// Which way bytes or news went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Way {
    /// Nothing left this machine.
    None,
    /// Something was sent.
    Out,
    /// Something came.
    In,
    /// The call waits.
    Wait,
}

impl Way {
    pub(super) fn mark(self) -> char {
        match self {
            Self::None => '·',
            Self::Out => '→',
            Self::In => '←',
            Self::Wait => '…',
        }
    }
}

impl Call<'_> {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Resolve(_) => "getaddrinfo",
            Self::Socket(..) => "socket",
            Self::SetOption(..) => "setsockopt",
            Self::Bind(..) => "bind",
            Self::Listen(..) => "listen",
            Self::Accept(_) => "accept",
            Self::Connect(..) | Self::Fix(..) => "connect",
            Self::Thread(_) => "thread",
            Self::Send(..) => "send",
            Self::Receive(..) => "recv",
            Self::SendDatagram(_, _, None) => "send",
            Self::SendDatagram(..) => "sendto",
            Self::ReceiveDatagram(..) => "recvfrom",
            Self::ShutDown(..) | Self::WakeListener(_) => "shutdown",
            Self::Close(_) | Self::CloseListener(_) | Self::CloseDatagrams(_) => "close",
        }
    }

    pub(super) fn arguments(&self) -> String {
        match *self {
            Self::Resolve(host) => format!("\"{}\"", host.escape_default()),
            Self::Socket(domain, kind) => format!("{}, {}", family(domain), type_name(kind)),
            Self::SetOption(fd, option) => format!("{fd}, {option}"),
            Self::Bind(fd, address) => format!("{fd}, {}", Endpoint::from(address)),
            Self::Connect(fd, address) | Self::Fix(fd, address) => {
                format!("{}, {}", fd.as_raw_fd(), Endpoint::from(address))
            }
            Self::Listen(fd, backlog) => format!("{fd}, {backlog}"),
            Self::Thread(number) => number.to_string(),
            Self::Send(fd, length) => format!("{fd}, {length} bytes"),
            Self::SendDatagram(fd, payload, None) => format!("{fd}, {} bytes", payload.len()),
            Self::SendDatagram(fd, payload, Some(peer)) => {
                let peer = Endpoint::from(peer);
                format!("{fd}, {} bytes, {peer}", payload.len())
            }
            Self::Receive(fd, room) | Self::ReceiveDatagram(fd, room) => {
                format!("{}, {room}", fd.as_raw_fd())
            }
            Self::ShutDown(fd, Shutdown::Write) => format!("{fd}, SHUT_WR"),
            Self::ShutDown(fd, Shutdown::Read) => format!("{fd}, SHUT_RD"),
            Self::ShutDown(fd, Shutdown::Both) | Self::WakeListener(fd) => {
                format!("{fd}, SHUT_RDWR")
            }
            Self::Accept(fd) => fd.as_raw_fd().to_string(),
            Self::Close(fd) | Self::CloseListener(fd) | Self::CloseDatagrams(fd) => fd.to_string(),
        }
    }

    /// The socket that has to become readable before the call returns.
    pub(super) fn waits_for(&self) -> Option<BorrowedFd<'_>> {
        match *self {
            Self::Accept(fd) | Self::Receive(fd, _) | Self::ReceiveDatagram(fd, _) => Some(fd),
            _ => None,
        }
    }

    /// Whether the call can wait for a peer.
    pub(super) fn may_wait(&self) -> bool {
        self.waits_for().is_some() || self.connects().is_some()
    }

    /// The connected socket, if the call connects one.
    pub(super) fn connects(&self) -> Option<BorrowedFd<'_>> {
        match *self {
            Self::Connect(fd, _) | Self::Fix(fd, _) => Some(fd),
            _ => None,
        }
    }

    /// The reason for waiting.
    pub(super) fn waiting_key(&self) -> &'static str {
        if matches!(self, Self::Accept(_)) {
            "accept_wait"
        } else {
            "recv_wait"
        }
    }

    /// The way and the reason of a call that worked; `peer_ended` is whether the peer ended its side
    /// of the connection first.
    pub(super) fn success(&self, number: i64, peer_ended: Option<bool>) -> (Way, &'static str) {
        let length = usize::try_from(number).unwrap_or(0);
        match *self {
            Self::Resolve(_) => (Way::None, "getaddrinfo"),
            Self::Socket(_, Type::DGRAM) => (Way::None, "socket_udp"),
            Self::Socket(..) => (Way::None, "socket_tcp"),
            Self::SetOption(_, "SO_REUSEADDR") => (Way::None, "reuseaddr"),
            Self::SetOption(_, "SO_RCVTIMEO") => (Way::None, "rcvtimeo"),
            Self::SetOption(..) => (Way::None, "setsockopt"),
            Self::Bind(..) => (Way::None, "bind"),
            Self::Listen(..) => (Way::None, "listen"),
            Self::Accept(_) => (Way::In, "accept"),
            Self::Connect(..) => (Way::Out, "connect"),
            Self::Fix(..) => (Way::None, "connect_udp"),
            Self::Thread(_) => (Way::None, "thread"),
            Self::Send(_, asked) if length < asked => (Way::Out, "send_partial"),
            Self::Send(..) => (Way::Out, "send"),
            Self::Receive(..) if length == 0 => (Way::In, "recv_end"),
            Self::Receive(..) => (Way::In, "recv"),
            Self::SendDatagram(_, payload, _) if letters(payload) < payload.len() => {
                (Way::Out, "send_text_datagram")
            }
            Self::SendDatagram(..) => (Way::Out, "send_datagram"),
            Self::ReceiveDatagram(..) => (Way::In, received_datagram(length)),
            Self::ShutDown(_, Shutdown::Read) => (Way::None, "shutdown_read"),
            Self::ShutDown(..) => (Way::Out, "shutdown"),
            Self::WakeListener(_) => (Way::None, "shutdown_listener"),
            Self::Close(_) => closed(peer_ended),
            Self::CloseListener(_) => (Way::None, "close_listener"),
            Self::CloseDatagrams(_) => (Way::None, "close_udp"),
        }
    }

    /// The way and the reason of a call that failed.
    pub(super) fn failure(&self, errno: Errno) -> (Way, &'static str) {
        match (self, errno) {
            (Self::Bind(..), Errno::EADDRINUSE) => (Way::None, "bind_in_use"),
            (Self::Accept(_), Errno::EINVAL) => (Way::None, "accept_woken"),
            (Self::Connect(..), Errno::ECONNREFUSED) => (Way::In, "connect_refused"),
            (Self::Connect(..), Errno::ETIMEDOUT) => (Way::Out, "connect_timed_out"),
            (Self::Send(..), Errno::EAGAIN) => (Way::Wait, "send_full"),
            (Self::Send(..), Errno::EPIPE | Errno::ECONNRESET) => (Way::None, "send_gone"),
            (Self::Receive(..), Errno::ECONNRESET) => (Way::In, "recv_reset"),
            (Self::SendDatagram(..), Errno::ECONNREFUSED) => (Way::In, "send_refused"),
            (Self::ReceiveDatagram(..), Errno::ECONNREFUSED) => (Way::In, "recv_refused"),
            (Self::ReceiveDatagram(..) | Self::Receive(..), Errno::EAGAIN) => {
                (Way::None, "recv_timed_out")
            }
            _ => (Way::None, "failed"),
        }
    }

    /// The number that its reason speaks of, where that is not its result.
    pub(super) fn figure(&self, result: i64) -> i64 {
        match *self {
            Self::Listen(_, backlog) => i64::from(backlog.min(longest_queue())) + 1,
            Self::Thread(number) => i64::try_from(number).unwrap_or(0),
            _ => result,
        }
    }

    /// Letters of a datagram's text.
    pub(super) fn letters(&self) -> usize {
        match self {
            Self::SendDatagram(_, payload, _) => letters(payload),
            _ => 0,
        }
    }
}

/// A connection that was never there leaves nothing behind; of the others, the side whose FIN left
/// first stays in TIME-WAIT (RFC 9293 section 3.6).
fn closed(peer_ended: Option<bool>) -> (Way, &'static str) {
    match peer_ended {
        Some(true) => (Way::Out, "close_after_peer"),
        Some(false) => (Way::Out, "close_before_peer"),
        None => (Way::None, "close_unconnected"),
    }
}

fn received_datagram(length: usize) -> &'static str {
    match length {
        0 => "recv_empty_datagram",
        1..=LESSON_BUFFER => "recv_datagram",
        _ => "recv_long_datagram",
    }
}

/// As many as bytes where the payload is no text.
fn letters(payload: &[u8]) -> usize {
    str::from_utf8(payload).map_or(payload.len(), |text| text.chars().count())
}

/// Linux lets one more connection wait than was asked for (`sk_acceptq_is_full` compares with "more
/// than"), and cuts what is asked for to this (listen(2)).
fn longest_queue() -> u32 {
    let limit = std::fs::read_to_string("/proc/sys/net/core/somaxconn");
    let limit = limit.ok().and_then(|limit| limit.trim().parse().ok());
    limit.unwrap_or(u32::MAX)
}

fn family(domain: Domain) -> &'static str {
    if domain == Domain::IPV6 {
        "AF_INET6"
    } else {
        "AF_INET"
    }
}

fn type_name(kind: Type) -> &'static str {
    if kind == Type::DGRAM {
        "SOCK_DGRAM"
    } else {
        "SOCK_STREAM"
    }
}

/// The result of a call, as C programmers read it, and what else it returned.
pub trait Outcome {
    /// The number that the call returned: 0, a descriptor, or bytes.
    fn number(&self) -> i64 {
        0
    }

    /// Addresses that came with it.
    fn detail(&self) -> String {
        String::new()
    }
}

impl Outcome for () {}

impl Outcome for usize {
    fn number(&self) -> i64 {
        i64::try_from(*self).unwrap_or(i64::MAX)
    }
}

impl Outcome for Socket {
    fn number(&self) -> i64 {
        self.as_raw_fd().into()
    }
}

impl Outcome for (TcpStream, SocketAddr) {
    fn number(&self) -> i64 {
        self.0.as_raw_fd().into()
    }

    fn detail(&self) -> String {
        Endpoint::from(self.1).to_string()
    }
}

impl Outcome for (usize, SocketAddr) {
    fn number(&self) -> i64 {
        self.0.number()
    }

    fn detail(&self) -> String {
        Endpoint::from(self.1).to_string()
    }
}

impl Outcome for Vec<SocketAddr> {
    fn detail(&self) -> String {
        let addresses = self
            .iter()
            .map(|address| Endpoint::from(*address).host().to_string());
        addresses.collect::<Vec<_>>().join(", ")
    }
}

/// The errno of a failed call; a time-out that the standard library makes has none.
pub(super) fn errno(error: &io::Error) -> Errno {
    let number = error.raw_os_error();
    number.map_or(Errno::ETIMEDOUT, Errno::from_raw)
}

#[cfg(test)]
mod tests {
    use super::super::texts::text;
    use super::*;
    use std::os::fd::AsFd;

    use crate::language::Language;

    #[test]
    fn no_reason_contradicts_its_result() {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let fd = socket.as_fd();
        let table = [
            (Call::Receive(fd, 9), 0, "recv_end"),
            (Call::Receive(fd, 9), 4, "recv"),
            (Call::ReceiveDatagram(fd, 9), 0, "recv_empty_datagram"),
            (Call::ReceiveDatagram(fd, 9), 4, "recv_datagram"),
            (
                Call::ReceiveDatagram(fd, 9_000),
                2_000,
                "recv_long_datagram",
            ),
            (Call::Send(3, 4), 4, "send"),
            (Call::Send(3, 4), 1, "send_partial"),
            (
                Call::SendDatagram(3, "ñ".as_bytes(), None),
                2,
                "send_text_datagram",
            ),
            (Call::SendDatagram(3, b"\xff", None), 1, "send_datagram"),
        ];
        for (call, result, expected) in table {
            let (_, key) = call.success(result, None);
            assert_eq!(key, expected, "{call:?} = {result}");
            for language in [Language::Spanish, Language::English] {
                for is_first in [true, false] {
                    let wording = text(key).wording(language, is_first);
                    let speaks_of_bytes = wording.contains("{n}");
                    assert!(result > 0 || !speaks_of_bytes, "{wording}");
                }
            }
        }
    }

    #[test]
    fn the_side_that_ended_first_keeps_time_wait() {
        let close = |peer_ended| Call::Close(3).success(0, peer_ended).1;
        assert_eq!(close(Some(true)), "close_after_peer");
        assert_eq!(close(Some(false)), "close_before_peer");
        assert_eq!(close(None), "close_unconnected");
    }

    #[test]
    fn a_refusal_that_came_is_told_from_one_of_this_machine() {
        let peer = "127.0.0.1:9".parse().unwrap();
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let connect = Call::Connect(socket.as_fd(), peer);
        assert_eq!(
            connect.failure(Errno::ECONNREFUSED),
            (Way::In, "connect_refused")
        );
        assert_eq!(connect.failure(Errno::EADDRNOTAVAIL), (Way::None, "failed"));
        let bind = Call::Bind(3, peer);
        assert_eq!(bind.failure(Errno::EADDRINUSE), (Way::None, "bind_in_use"));
    }
}
