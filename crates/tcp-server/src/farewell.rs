//! How a server that ends takes leave of a client, so that the client gets all of its echo.
//!
//! Closing a connection on which unread bytes lie, or still arrive, sends an RST, and that destroys
//! echo which is on its way (RFC 1122, 4.2.2.13; RFC 2525, 2.17). So the server reads no more, which
//! stops a client that goes on sending; half-closes when all echo has been sent; throws away what
//! still comes; and closes when the client has closed its side, or has not done so for long.

use std::net::Shutdown;
use std::time::Instant;

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recv};

use crate::client::{Client, End};
use crate::owed;

/// What is known of a client that is not served any more.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Farewell {
    /// When the server closes, whatever the client does.
    pub(crate) until: Instant,
    /// How the connection ends, if the client had more to say.
    pub(crate) end: End,
    pub(crate) half_closed: bool,
    interrupted: bool,
}

impl Client {
    /// Serves it no more; everything that was read has to be with the kernel.
    pub(crate) fn take_leave(&mut self, end: End, until: Instant) {
        debug_assert!(self.unsent.is_empty(), "it is owed more");
        self.farewell = Some(Farewell {
            until,
            end,
            half_closed: false,
            interrupted: false,
        });
    }

    /// Does the next step of the farewell. Returns how the connection ended, if it has.
    pub(crate) fn see_off(&mut self, buffer: &mut [u8]) -> Option<End> {
        let descriptor = self.descriptor();
        let farewell = self.farewell.as_mut()?;
        if farewell.half_closed {
            return farewell.discard(recv(descriptor, buffer, MsgFlags::MSG_DONTWAIT));
        }
        if owed::is_nothing(&self.stream) {
            farewell.half_closed = true;
            let half_closed = self.stream.shutdown(Shutdown::Write);
            return half_closed.is_err().then_some(End::Reset);
        }
        None
    }
}

impl Farewell {
    /// What came is thrown away.
    fn discard(&mut self, received: nix::Result<usize>) -> Option<End> {
        match received {
            Ok(0) if !self.interrupted => Some(End::Finished),
            Ok(0) => Some(self.end),
            Ok(_) => {
                self.interrupted = true;
                None
            }
            Err(Errno::EAGAIN | Errno::EINTR) => None,
            Err(_) => Some(self.end),
        }
    }
}
