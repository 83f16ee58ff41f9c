//! Datagrams over the standard library alone.

use std::io;
use std::net::UdpSocket;

use super::{IcmpError, Message};
use crate::error::Error;

/// Makes a socket non-blocking.
///
/// # Errors
///
/// The system's reason.
pub fn prepare(socket: &UdpSocket) -> Result<(), Error> {
    let prepared = socket.set_nonblocking(true);
    prepared.map_err(|error| Error::io("cannot set up the socket", error))
}

/// Receives the next datagram into `buffer`, of [`MAX_MESSAGE`](super::MAX_MESSAGE) bytes.
///
/// # Errors
///
/// `WouldBlock` where there is none, else the pending error of the socket.
pub fn receive<'a>(socket: &UdpSocket, buffer: &'a mut [u8]) -> io::Result<Message<'a>> {
    let length = socket.recv(buffer)?;
    Ok(Message {
        bytes: &buffer[..length],
        segment: None,
        waited: None,
    })
}

/// Unknown here.
pub fn icmp_error(_: &UdpSocket) -> Option<IcmpError> {
    None
}

/// Unknown here.
pub fn dropped(_: &UdpSocket) -> Option<u64> {
    None
}
