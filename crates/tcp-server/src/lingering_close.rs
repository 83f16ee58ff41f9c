//! The lingering close of a connection, with which a client gets all of its echo.
//!
//! Closing a connection on which unread bytes lie, or still arrive, sends an RST, and that destroys
//! echo which is on its way (RFC 1122, 4.2.2.13; RFC 2525, 2.17). So the server reads no more, which
//! stops a client that goes on sending; delivers the echo; half-closes once the kernel has sent all
//! of it; discards what still comes; and closes at the client's FIN, or when its time is over.

use std::time::Instant;

use nix::errno::Errno;
use nix::sys::socket::{Shutdown, shutdown};

use crate::client::{Client, CloseReason, Outcome, READS};
use crate::send_queue;

/// A lingering close under way.
pub(crate) struct LingeringClose {
    /// How the connection ends, if the client has more to say.
    pub(crate) reason: CloseReason,
    /// When the server closes, whatever the client does; `None` leaves that to the end of the server.
    until: Option<Instant>,
    half_closed: bool,
}

impl LingeringClose {
    pub(crate) fn start(reason: CloseReason, until: Option<Instant>) -> Self {
        Self {
            reason,
            until,
            half_closed: false,
        }
    }

    pub(crate) fn is_overdue(&self, now: Instant) -> bool {
        self.until.is_some_and(|until| until <= now)
    }

    /// Goes on until the poller has to tell of a change.
    pub(crate) fn step(
        &mut self,
        client: &mut Client,
        buffer: &mut [u8],
    ) -> Result<Outcome, Errno> {
        if !self.half_closed {
            if !client.deliver()? || !send_queue::is_empty(&client.stream) {
                return Ok(Outcome::Waiting);
            }
            shutdown(client.descriptor(), Shutdown::Write)?;
            self.half_closed = true;
        }
        Ok(self.discard(client, buffer))
    }

    fn discard(&self, client: &mut Client, buffer: &mut [u8]) -> Outcome {
        for _ in 0..READS {
            match client.receive(buffer) {
                Ok(None) => return Outcome::Waiting,
                Ok(Some(0)) if client.discarded == 0 => {
                    return Outcome::Ended(CloseReason::Finished);
                }
                Ok(Some(0)) | Err(_) => return Outcome::Ended(self.reason),
                Ok(Some(count)) => client.discarded += count as u64,
            }
        }
        Outcome::Ready
    }
}
