//! Datagrams one by one, over the standard library alone: for systems without `recvmmsg(2)`.

use std::io;
use std::net::UdpSocket;

use super::{BATCH, Batch, Details, RecvMeta, SLOT, SendReport, Transmit, send_each};
use crate::error::Error;

/// Buffers for the batches of one socket, about 4 MiB of address space, used as far as needed.
pub struct Receiver {
    buffer: Box<[u8]>,
    metas: Vec<RecvMeta>,
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
        for slot in self.buffer.chunks_exact_mut(SLOT) {
            match socket.recv_from(slot) {
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

    /// Messages that the kernel dropped for this socket: unknown here.
    pub fn dropped(&mut self, _: &UdpSocket) -> Option<u64> {
        None
    }

    /// The same as far as the datagrams received so far tell.
    pub fn dropped_so_far(&self) -> Option<u64> {
        None
    }
}

/// Sends datagrams, as many as the kernel takes. Source address and header fields are the kernel's choice.
pub fn send(socket: &UdpSocket, transmits: &[Transmit<'_>]) -> SendReport {
    send_each(socket, transmits, |socket, transmits| {
        let Transmit { payload, peer, .. } = transmits[0];
        socket.send_to(payload, peer).map(|_| 1)
    })
}
