//! Datagrams with everything that Linux tells (socket(7), ip(7), udp(7)).

use std::io::{self, IoSliceMut};
use std::net::UdpSocket;
use std::os::fd::AsRawFd;
use std::time::{Duration, SystemTime};

use nix::cmsg_space;
use nix::libc::{self, sock_extended_err, sockaddr_in6, timespec};
use nix::sys::socket::{
    ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt, sockopt,
};

use super::{IcmpError, Message};
use crate::datagrams::drops::read_counter;
use crate::error::Error;

/// Makes a socket non-blocking, and lets the kernel join datagrams, stamp them with the time, and
/// report every ICMP error (`IP_RECVERR`, ip(7)).
///
/// # Errors
///
/// The option that the kernel refused.
pub fn prepare(socket: &UdpSocket) -> Result<(), Error> {
    let failed = |error| Error::io("cannot set up the socket", error);
    socket.set_nonblocking(true).map_err(failed)?;
    if let Err(error) = setsockopt(socket, sockopt::UdpGroSegment, &true) {
        log::debug!("no UDP_GRO on this kernel: {error}");
    }
    let is_v6 = socket.local_addr().map_err(failed)?.is_ipv6();
    let reports = if is_v6 {
        setsockopt(socket, sockopt::Ipv6RecvErr, &true)
    } else {
        setsockopt(socket, sockopt::Ipv4RecvErr, &true)
    };
    reports
        .and_then(|()| setsockopt(socket, sockopt::ReceiveTimestampns, &true))
        .map_err(|error| failed(error.into()))
}

/// Receives the next message into `buffer`, of [`MAX_MESSAGE`](super::MAX_MESSAGE) bytes.
///
/// # Errors
///
/// `WouldBlock` where there is none, else the pending error of the socket; [`icmp_error`] tells
/// more about it.
pub fn receive<'a>(socket: &UdpSocket, buffer: &'a mut [u8]) -> io::Result<Message<'a>> {
    let mut control = cmsg_space!(timespec, i32);
    let mut slices = [IoSliceMut::new(buffer)];
    let flags = MsgFlags::MSG_DONTWAIT;
    let message = recvmsg::<()>(socket.as_raw_fd(), &mut slices, Some(&mut control), flags)?;
    let (mut segment, mut waited) = (None, None);
    for control in message.cmsgs().into_iter().flatten() {
        match control {
            ControlMessageOwned::UdpGroSegments(size) => segment = usize::try_from(size).ok(),
            ControlMessageOwned::ScmTimestampns(time) => {
                let stamp = SystemTime::UNIX_EPOCH.checked_add(Duration::from(time));
                waited = stamp.and_then(time_since);
            }
            _ => {}
        }
    }
    let length = message.bytes;
    Ok(Message {
        bytes: &buffer[..length],
        segment,
        waited,
    })
}

/// Empties the error queue of a socket, and returns the first ICMP error in it.
pub fn icmp_error(socket: &UdpSocket) -> Option<IcmpError> {
    let mut first = None;
    while let Ok(error) = next_error(socket) {
        first = first.or(error);
    }
    first
}

/// `None` is an error of this machine's own.
fn next_error(socket: &UdpSocket) -> io::Result<Option<IcmpError>> {
    let mut control = cmsg_space!(sock_extended_err, sockaddr_in6, timespec);
    let mut returned = [0; 64];
    let mut slices = [IoSliceMut::new(&mut returned)];
    let flags = MsgFlags::MSG_ERRQUEUE | MsgFlags::MSG_DONTWAIT;
    let descriptor = socket.as_raw_fd();
    let message = recvmsg::<SockaddrStorage>(descriptor, &mut slices, Some(&mut control), flags)?;
    let errors = message.cmsgs().into_iter().flatten();
    Ok(errors.filter_map(|control| meaning(&control)).next())
}

fn meaning(control: &ControlMessageOwned) -> Option<IcmpError> {
    let (is_v6, error) = match control {
        ControlMessageOwned::Ipv4RecvErr(error, _) => (false, error),
        ControlMessageOwned::Ipv6RecvErr(error, _) => (true, error),
        _ => return None,
    };
    let is_icmp = matches!(
        error.ee_origin,
        libc::SO_EE_ORIGIN_ICMP | libc::SO_EE_ORIGIN_ICMP6
    );
    is_icmp.then(|| IcmpError::of(is_v6, error.ee_type, error.ee_code))
}

/// Messages that the kernel dropped for a socket, for want of room in its receive buffer above all.
pub fn dropped(socket: &UdpSocket) -> Option<u64> {
    read_counter(socket).map(u64::from)
}

/// The time from `stamp`, by the system's clock, to now. Both are read within the wait, so that a step
/// of the clock at any other time spoils nothing; a step within it is told from its sign or size.
fn time_since(stamp: SystemTime) -> Option<Duration> {
    const BEYOND_BELIEF: Duration = Duration::from_secs(60);
    let waited = SystemTime::now().duration_since(stamp).ok()?;
    (waited < BEYOND_BELIEF).then_some(waited)
}
