//! The kernel's send queue of a connection: echo that was handed over but is not sent yet, because
//! the client does not read.
//!
//! `TCP_NOTSENT_LOWAT` (socket(7), tcp(7)) makes a connection writable only while fewer bytes than
//! that are not sent, and ends a `send` that would leave more.

use std::io;
use std::os::fd::AsFd;
use std::os::unix::io::BorrowedFd;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// As much as a worker's buffer, and far less than the kernel's own bound of some megabytes: a client
/// that does not read costs little, and a server that ends has little left to deliver.
const LIMIT: u32 = 256 << 10;

/// Bounds the send queues of a listener's connections, which inherit this.
pub(crate) fn bound(listener: &impl AsFd) -> io::Result<()> {
    set_limit(listener.as_fd(), LIMIT)
}

/// Whether the kernel has sent everything.
pub(crate) fn is_empty(stream: &impl AsFd) -> bool {
    // An error on the connection is writable, too: there is nothing to deliver any more.
    readiness(stream).contains(PollFlags::POLLOUT)
}

/// Whether the kernel has sent everything, and nothing has come since.
pub(crate) fn is_settled(stream: &impl AsFd) -> bool {
    let readiness = readiness(stream);
    readiness.contains(PollFlags::POLLOUT) && !readiness.contains(PollFlags::POLLIN)
}

/// A connection that cannot be asked is writable: writing will tell what it has.
fn readiness(stream: &impl AsFd) -> PollFlags {
    let stream = stream.as_fd();
    let mut fds = [PollFd::new(stream, PollFlags::POLLIN | PollFlags::POLLOUT)];
    let asked = set_limit(stream, 1).is_ok() && poll(&mut fds, PollTimeout::ZERO).is_ok();
    match fds[0].revents() {
        Some(readiness) if asked => readiness,
        _ => PollFlags::POLLOUT,
    }
}

#[cfg(target_os = "linux")]
fn set_limit(socket: BorrowedFd<'_>, bytes: u32) -> io::Result<()> {
    socket2::SockRef::from(&socket).set_tcp_notsent_lowat(bytes)
}

/// Elsewhere the size of the send buffer is the bound.
#[cfg(not(target_os = "linux"))]
fn set_limit(_: BorrowedFd<'_>, _: u32) -> io::Result<()> {
    Ok(())
}
