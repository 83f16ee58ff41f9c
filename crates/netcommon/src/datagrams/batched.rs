//! Datagrams by the batch, with `recvmmsg(2)` and `sendmmsg(2)`.

use std::io::{self, IoSlice, IoSliceMut};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;

use nix::errno::Errno;
use nix::sys::socket::{
    ControlMessage, MsgFlags, MultiHeaders, SockaddrStorage, recvmmsg, sendmmsg, sendmsg,
};

use super::control::{self, Outgoing};
use super::drops::{DropCounter, read_counter};
use super::gso::is_refused;
use super::{
    BATCH, Batch, Details, GsoSender, RecvMeta, SLOT, SendReport, Transmit, send_each, wildcard,
};
use crate::error::Error;

/// Buffers for the batches of one socket, about 4 MiB of address space, used as far as needed.
pub struct Receiver {
    buffer: Box<[u8]>,
    metas: Vec<RecvMeta>,
    drops: DropCounter,
}

impl Receiver {
    /// Prepares a socket, and lets the kernel tell about each datagram what `details` asks for.
    ///
    /// # Errors
    ///
    /// The option that the kernel refused.
    pub fn new(socket: &UdpSocket, details: Details) -> Result<Self, Error> {
        socket
            .set_nonblocking(true)
            .map_err(|error| Error::io("cannot make the socket non-blocking", error))?;
        control::enable(socket, details)?;
        Ok(Self {
            buffer: vec![0; BATCH * SLOT].into(),
            metas: Vec::with_capacity(BATCH),
            drops: DropCounter::since(read_counter(socket).unwrap_or_default()),
        })
    }

    /// Receives what is there.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when nothing is there, else the socket's pending error, which a peer may have
    /// caused (udp(7)).
    pub fn receive(&mut self, socket: &UdpSocket) -> io::Result<Batch<'_>> {
        // Headers serve one call: the kernel writes into them how much control data there was, and
        // a later message with more of it would be cut to that.
        let mut headers = MultiHeaders::preallocate(BATCH, Some(control::space()));
        let mut slots: Vec<[IoSliceMut<'_>; 1]> = self
            .buffer
            .chunks_exact_mut(SLOT)
            .map(|slot| [IoSliceMut::new(slot)])
            .collect();
        let flags = MsgFlags::MSG_DONTWAIT;
        let descriptor = socket.as_raw_fd();
        let messages = recvmmsg(descriptor, &mut headers, slots.iter_mut(), flags, None)?;
        self.metas.clear();
        for message in messages {
            let peer = message.address.as_ref().and_then(standard);
            let mut meta = RecvMeta::new(peer.unwrap_or_else(wildcard), message.bytes);
            if let Some(dropped) = control::decode(&message, &mut meta) {
                self.drops.observe(dropped);
            }
            self.metas.push(meta);
        }
        Ok(Batch {
            buffer: &self.buffer,
            metas: &self.metas,
        })
    }

    /// Messages that the kernel dropped for this socket since this receiver was made, for want of buffer
    /// space above all. Exact as of now: `SO_RXQ_OVFL` comes only with the next datagram, so
    /// `SO_MEMINFO` is read as well.
    pub fn dropped(&mut self, socket: &UdpSocket) -> Option<u64> {
        if let Some(reading) = read_counter(socket) {
            self.drops.observe(reading);
        }
        Some(self.drops.total())
    }

    /// The same as far as the datagrams received so far tell.
    pub fn dropped_so_far(&self) -> Option<u64> {
        Some(self.drops.total())
    }

    /// Those before this receiver was made, since the socket was opened.
    pub fn dropped_before(&self) -> u32 {
        self.drops.base()
    }
}

fn standard(address: &SockaddrStorage) -> Option<SocketAddr> {
    let v4 = address.as_sockaddr_in().map(|&v4| v4.into());
    v4.or_else(|| address.as_sockaddr_in6().map(|&v6| v6.into()))
}

/// Sends datagrams, as many as the kernel takes.
pub fn send(socket: &UdpSocket, transmits: &[Transmit<'_>]) -> SendReport {
    send_each(socket, transmits, send_run)
}

/// Fewer datagrams of one size to one peer are sent one by one.
const MIN_TRAIN: usize = 4;

/// One system call for the datagrams at the front: a train in one piece, as it came (`UDP_SEGMENT`,
/// udp(7)), else those up to the next train that leave with the same header, as nix gives all
/// messages of a call the same control data.
fn send_run(socket: &UdpSocket, transmits: &[Transmit<'_>]) -> io::Result<usize> {
    let train = train_length(transmits);
    if train >= MIN_TRAIN {
        match send_train(socket, &transmits[..train]) {
            Err(error) if is_refused(error) => {
                log::debug!("datagrams are sent one by one: {error}");
            }
            result => return Ok(result.map(|()| train)?),
        }
        return send_singly(socket, &transmits[..train]);
    }
    let header = transmits[0].header();
    let is_single = |at: &usize| {
        transmits[*at].header() == header && train_length(&transmits[*at..]) < MIN_TRAIN
    };
    let run = (1..transmits.len().min(BATCH))
        .take_while(is_single)
        .count();
    send_singly(socket, &transmits[..=run])
}

/// Datagrams at the front that go the same way and have one size, as far as one call takes them.
fn train_length(transmits: &[Transmit<'_>]) -> usize {
    let first = &transmits[0];
    let (size, header) = (first.payload.len(), first.header());
    let fits = |transmit: &&Transmit<'_>| {
        let is_alike = transmit.peer == first.peer && transmit.payload.len() == size;
        is_alike && transmit.header() == header
    };
    let most = GsoSender::max_segments(size);
    if size == 0 {
        return 1;
    }
    transmits.iter().take(most).take_while(fits).count()
}

fn send_train(socket: &UdpSocket, train: &[Transmit<'_>]) -> Result<(), Errno> {
    let size = u16::try_from(train[0].payload.len()).map_err(|_| Errno::EINVAL)?;
    let slices: Vec<IoSlice<'_>> = train
        .iter()
        .map(|transmit| IoSlice::new(transmit.payload))
        .collect();
    let peer = SockaddrStorage::from(train[0].peer);
    let header = Outgoing::of(&train[0]);
    let mut control = header.messages();
    control.push(ControlMessage::UdpGsoSegments(&size));
    let flags = MsgFlags::empty();
    sendmsg(socket.as_raw_fd(), &slices, &control, flags, Some(&peer)).map(drop)
}

fn send_singly(socket: &UdpSocket, transmits: &[Transmit<'_>]) -> io::Result<usize> {
    let (payloads, peers): (Vec<_>, Vec<_>) = transmits
        .iter()
        .map(|transmit| {
            let peer = SockaddrStorage::from(transmit.peer);
            ([IoSlice::new(transmit.payload)], Some(peer))
        })
        .unzip();
    let header = Outgoing::of(&transmits[0]);
    let control = header.messages();
    let mut headers = MultiHeaders::preallocate(payloads.len(), header.space());
    let descriptor = socket.as_raw_fd();
    let flags = MsgFlags::empty();
    let sent = sendmmsg(descriptor, &mut headers, &payloads, peers, control, flags)?;
    Ok(sent.count())
}
