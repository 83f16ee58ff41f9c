//! Datagrams received and sent in batches, with what the kernel knows about each.
//!
//! A [`Receiver`] reads a batch at a time and never blocks; [`send`] answers in batches, each datagram
//! from an address of choice and with header fields of choice. On Linux one system call moves a whole batch
//! (`recvmmsg(2)`, `sendmmsg(2)`), and the kernel tells where a datagram was sent to, its header
//! fields, when it arrived, and how many it dropped. [`portable`] has the same interface over
//! nothing but the standard library, and knows less.
//!
//! ```
//! use std::net::UdpSocket;
//!
//! use netcommon::datagrams::{Details, Receiver, Transmit, send};
//!
//! let server = UdpSocket::bind("127.0.0.1:0")?;
//! let client = UdpSocket::bind("127.0.0.1:0")?;
//! client.connect(server.local_addr()?)?;
//!
//! client.send(b"hola")?;
//! // Waits for the first one; a program has a poller for that.
//! server.peek(&mut [0])?;
//! let mut receiver = Receiver::new(&server, Details::default())?;
//! let batch = receiver.receive(&server)?;
//! let replies: Vec<Transmit> = batch
//!     .datagrams()
//!     .map(|datagram| Transmit {
//!         payload: datagram.payload,
//!         peer: datagram.meta.peer,
//!         source: datagram.meta.destination,
//!         ttl: None,
//!         tos: None,
//!     })
//!     .collect();
//! assert_eq!(send(&server, &replies).sent, 1);
//! let mut echo = [0; 16];
//! assert_eq!(client.recv(&mut echo)?, 4);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Layout
//!
//! - [`batched`] on Linux
//! - [`portable`] on anything else, and in the lesson
//! - [`GsoSender`] for datagrams of one size that go out together
//! - [`connected`] for a program that measures
//! - `control` for the ancillary data of Linux
//! - `drops` for what the kernel dropped

#[cfg(target_os = "linux")]
pub mod batched;
pub mod connected;
#[cfg(target_os = "linux")]
mod control;
#[cfg(target_os = "linux")]
mod drops;
mod gso;
pub mod portable;
#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests;

pub use gso::GsoSender;

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, SystemTime};

use crate::address::Endpoint;
use crate::error::Error;
use crate::explain;

/// Messages of a batch, at most.
pub const BATCH: usize = 64;

/// Bytes of buffer for each message: the largest that IP carries is 65,535. No power of two, so that
/// the beginnings of the messages do not all fall into one set of the processor's cache.
const SLOT: usize = 65_536 + 64;

/// Time for which a datagram waits for room in the send buffer before it is dropped.
const SEND_TIMEOUT: Duration = Duration::from_secs(1);

/// Details to ask of the kernel for each datagram. Each costs a little.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Details {
    /// The address that it was sent to (`IP_PKTINFO`, `IPV6_RECVPKTINFO`).
    pub destination: bool,
    /// Time to live and type of service (`IP_RECVTTL`, `IP_RECVTOS` and their IPv6 kin).
    pub header: bool,
    /// When it arrived (`SO_TIMESTAMPNS`).
    pub timestamps: bool,
}

/// The kernel's facts about a datagram; `None` where it was not asked, or cannot tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecvMeta {
    /// The sender, as the socket needs it to answer: a peer over IPv4 on an IPv6 socket is mapped
    /// (`::ffff:127.0.0.1`, RFC 4291).
    pub peer: SocketAddr,
    /// The address that it was sent to, of the same form.
    pub destination: Option<IpAddr>,
    /// The index of the interface that it came in by: the zone of that address, where it has one.
    pub interface: Option<u32>,
    /// Whether that is a broadcast or multicast address.
    pub to_group: bool,
    /// Time to live, or hop limit, as it arrived.
    pub ttl: Option<u8>,
    /// Type of service, or traffic class: DSCP in the upper six bits (RFC 2474), ECN in the lower two (RFC 3168).
    pub tos: Option<u8>,
    /// The time at which the kernel received it.
    pub time: Option<SystemTime>,
    length: usize,
    /// The size of the datagrams that the kernel joined into this message; the last may be shorter.
    stride: Option<usize>,
}

impl RecvMeta {
    fn new(peer: SocketAddr, length: usize) -> Self {
        Self {
            peer,
            destination: None,
            interface: None,
            to_group: false,
            ttl: None,
            tos: None,
            time: None,
            length,
            stride: None,
        }
    }
}

/// Receives by the batch where the system can, and one by one elsewhere and in the lesson.
pub enum Receiver {
    /// By the batch.
    #[cfg(target_os = "linux")]
    Batched(batched::Receiver),
    /// One by one.
    Portable(portable::Receiver),
}

impl Receiver {
    /// Prepares a socket, and lets the kernel tell about each datagram what `details` asks for, if it can.
    ///
    /// # Errors
    ///
    /// The option that the kernel refused.
    pub fn new(socket: &UdpSocket, details: Details) -> Result<Self, Error> {
        #[cfg(target_os = "linux")]
        if !explain::is_on() {
            return batched::Receiver::new(socket, details).map(Self::Batched);
        }
        portable::Receiver::new(socket, details).map(Self::Portable)
    }

    /// Receives what is there.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when nothing is there, else the socket's pending error, which a peer may have
    /// caused (udp(7)).
    pub fn receive(&mut self, socket: &UdpSocket) -> io::Result<Batch<'_>> {
        match self {
            #[cfg(target_os = "linux")]
            Self::Batched(receiver) => receiver.receive(socket),
            Self::Portable(receiver) => receiver.receive(socket),
        }
    }

    /// Messages that the kernel dropped for this socket since this receiver was made, where it tells.
    pub fn dropped(&mut self, socket: &UdpSocket) -> Option<u64> {
        match self {
            #[cfg(target_os = "linux")]
            Self::Batched(receiver) => receiver.dropped(socket),
            Self::Portable(receiver) => receiver.dropped(socket),
        }
    }

    /// The same as far as the datagrams received so far tell.
    pub fn dropped_so_far(&self) -> Option<u64> {
        match self {
            #[cfg(target_os = "linux")]
            Self::Batched(receiver) => receiver.dropped_so_far(),
            Self::Portable(receiver) => receiver.dropped_so_far(),
        }
    }

    /// Those before this receiver was made: a service manager opened the socket, perhaps.
    pub fn dropped_before(&self) -> u32 {
        match self {
            #[cfg(target_os = "linux")]
            Self::Batched(receiver) => receiver.dropped_before(),
            Self::Portable(receiver) => receiver.dropped_before(),
        }
    }
}

/// Sends datagrams, as many as the kernel takes.
pub fn send(socket: &UdpSocket, transmits: &[Transmit<'_>]) -> SendReport {
    #[cfg(target_os = "linux")]
    if !explain::is_on() {
        return batched::send(socket, transmits);
    }
    portable::send(socket, transmits)
}

/// One datagram of a batch.
#[derive(Clone, Copy, Debug)]
pub struct Datagram<'a> {
    /// Its bytes, all of them; there may be none.
    pub payload: &'a [u8],
    /// Its sender, and more.
    pub meta: &'a RecvMeta,
}

/// The messages of one call: one message or more.
#[derive(Debug)]
pub struct Batch<'a> {
    buffer: &'a [u8],
    metas: &'a [RecvMeta],
}

impl<'a> Batch<'a> {
    /// The datagrams, in the order of their arrival; those that the kernel joined (`UDP_GRO`) apart again.
    pub fn datagrams(&self) -> impl Iterator<Item = Datagram<'a>> + use<'a> {
        let slots = self.buffer.chunks(SLOT);
        self.metas.iter().zip(slots).flat_map(|(meta, slot)| {
            segments(&slot[..meta.length], meta.stride)
                .map(move |payload| Datagram { payload, meta })
        })
    }

    /// How many messages it has: datagrams, or runs of them that the kernel joined.
    pub fn messages(&self) -> usize {
        self.metas.len()
    }

    /// Whether a message holds several datagrams: then a message that the kernel drops may have, too.
    pub fn is_coalesced(&self) -> bool {
        let joined = |meta: &RecvMeta| meta.stride.is_some_and(|size| size < meta.length);
        self.metas.iter().any(joined)
    }
}

/// An empty message is a datagram as well.
fn segments(payload: &[u8], size: Option<usize>) -> impl Iterator<Item = &[u8]> {
    let size = size.unwrap_or(payload.len()).max(1);
    let empty = payload.is_empty().then_some(payload);
    empty.into_iter().chain(payload.chunks(size))
}

/// One datagram to send.
#[derive(Clone, Copy, Debug)]
pub struct Transmit<'a> {
    /// Its bytes.
    pub payload: &'a [u8],
    /// The address to send to.
    pub peer: SocketAddr,
    /// The address to send from; `None` leaves it to the kernel's routes.
    pub source: Option<IpAddr>,
    /// Time to live, or hop limit, from 1; `None` is the socket's.
    pub ttl: Option<u8>,
    /// Type of service, or traffic class; `None` is the socket's.
    pub tos: Option<u8>,
}

impl Transmit<'_> {
    /// The facts in the control data, which datagrams of one system call have in common; the family is
    /// that of the packet, whatever that of the socket.
    fn header(&self) -> (bool, Option<IpAddr>, Option<u8>, Option<u8>) {
        let is_v4 = self.peer.ip().to_canonical().is_ipv4();
        (is_v4, self.source, self.ttl, self.tos)
    }
}

/// Result of a call that sends datagrams.
#[derive(Debug, Default)]
pub struct SendReport {
    /// Datagrams that the kernel took.
    pub sent: usize,
    /// The reason why it did not take another one.
    pub refused: Option<io::Error>,
}

/// Sends everything that can be sent, run by run. A datagram that the kernel refuses (no route, a
/// firewall) is skipped; for want of buffer space it waits a while.
fn send_each(
    socket: &UdpSocket,
    mut transmits: &[Transmit<'_>],
    send_run: impl Fn(&UdpSocket, &[Transmit<'_>]) -> io::Result<usize>,
) -> SendReport {
    let mut report = SendReport::default();
    while let Some(first) = transmits.first() {
        let result = match send_run(socket, transmits) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                send_blocking(socket, || send_run(socket, transmits))
            }
            result => result,
        };
        let done = result.unwrap_or_else(|error| {
            log::debug!("cannot send to {}: {error}", Endpoint::from(first.peer));
            report.refused.get_or_insert(error);
            0
        });
        report.sent += done;
        transmits = &transmits[done.max(1)..];
    }
    report
}

fn send_blocking(socket: &UdpSocket, send: impl Fn() -> io::Result<usize>) -> io::Result<usize> {
    socket.set_write_timeout(Some(SEND_TIMEOUT))?;
    socket.set_nonblocking(false)?;
    let sent = send();
    socket.set_nonblocking(true)?;
    sent
}

fn wildcard() -> SocketAddr {
    (Ipv4Addr::UNSPECIFIED, 0).into()
}
