//! Datagrams one by one, over the standard library alone: for systems without `recvmmsg(2)`, and for
//! the lesson, whose scripts do the same.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::{AsFd, AsRawFd};

#[cfg(target_os = "linux")]
use super::drops::read_counter;
use super::{BATCH, Batch, Details, RecvMeta, SLOT, SendReport, Transmit, send_each};
use crate::error::Error;
use crate::explain::{self, Call};

/// Buffers for the batches of one socket, about 4 MiB of address space, used as far as needed.
pub struct Receiver {
    buffer: Box<[u8]>,
    metas: Vec<RecvMeta>,
    /// Datagrams of a batch, at most: one in the lesson, which tells of each before the next.
    batch: usize,
    /// The kernel's counter of drops when this receiver was made.
    dropped_before: u32,
}

impl Receiver {
    /// Prepares a socket. Nothing but the sender of a datagram is known here, whatever is asked for.
    ///
    /// # Errors
    ///
    /// The option that the kernel refused.
    pub fn new(socket: &UdpSocket, _: Details) -> Result<Self, Error> {
        socket
            .set_nonblocking(true)
            .map_err(|error| Error::io("cannot make the socket non-blocking", error))?;
        Ok(Self {
            buffer: vec![0; BATCH * SLOT].into(),
            metas: Vec::with_capacity(BATCH),
            batch: if explain::is_on() { 1 } else { BATCH },
            dropped_before: read_counter(socket).unwrap_or_default(),
        })
    }

    /// Receives what is there.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when nothing is there, else the socket's pending error, which a peer may have
    /// caused (udp(7)).
    pub fn receive(&mut self, socket: &UdpSocket) -> io::Result<Batch<'_>> {
        self.metas.clear();
        for slot in self.buffer.chunks_exact_mut(SLOT).take(self.batch) {
            match receive_one(socket, slot) {
                Ok((length, peer)) => self.metas.push(RecvMeta::new(peer, length)),
                Err(error) if self.metas.is_empty() => return Err(error),
                Err(_) => break,
            }
        }
        Ok(Batch {
            buffer: &self.buffer,
            metas: &self.metas,
        })
    }

    /// Messages that the kernel dropped for this socket since this receiver was made, where it tells.
    pub fn dropped(&mut self, socket: &UdpSocket) -> Option<u64> {
        let now = read_counter(socket)?;
        Some(now.wrapping_sub(self.dropped_before).into())
    }

    /// The same as far as the datagrams received so far tell.
    pub fn dropped_so_far(&self) -> Option<u64> {
        None
    }

    /// Those before this receiver was made, since the socket was opened.
    pub fn dropped_before(&self) -> u32 {
        self.dropped_before
    }
}

fn receive_one(socket: &UdpSocket, slot: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
    let call = Call::ReceiveDatagram(socket.as_fd(), slot.len());
    if explain::would_wait(&call) {
        return Err(io::ErrorKind::WouldBlock.into());
    }
    explain::call(call, || socket.recv_from(slot))
}

#[cfg(not(target_os = "linux"))]
fn read_counter(_: &UdpSocket) -> Option<u32> {
    None
}

/// Sends datagrams, as many as the kernel takes. Source address and header fields are the kernel's choice.
pub fn send(socket: &UdpSocket, transmits: &[Transmit<'_>]) -> SendReport {
    send_each(socket, transmits, |socket, transmits| {
        let Transmit { payload, peer, .. } = transmits[0];
        let call = Call::SendDatagram(socket.as_raw_fd(), payload, Some(peer));
        explain::call(call, || socket.send_to(payload, peer)).map(|_| 1)
    })
}
