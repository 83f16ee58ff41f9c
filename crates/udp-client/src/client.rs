//! Sending datagrams, and waiting for the replies.

use std::io;
use std::time::{Duration, Instant};

use netcommon::address::Target;
use netcommon::cli::OutputArgs;
use netcommon::output::{Output, Style};
use netcommon::socket::udp::Peer;
use netcommon::units::show_duration;
use netcommon::{Error, ErrorKind};

use crate::events::Reply;
use crate::source::Source;

/// Larger than any datagram.
const BUFFER: usize = 1 << 16;

/// The clock cannot count on for ever.
const LONGEST: Duration = Duration::from_secs(1 << 30);

/// One peer, or a group, and how long to wait for it.
pub struct Client {
    peer: Peer,
    /// The peer in messages: `localhost:1234 (127.0.0.1)`.
    name: String,
    timeout: Option<Duration>,
    output: Output,
    hex: bool,
    buffer: Vec<u8>,
}

impl Client {
    /// With a `timeout`, it waits so long for the reply to each datagram.
    pub fn new(
        peer: Peer,
        target: &Target,
        timeout: Option<Duration>,
        output: &OutputArgs,
    ) -> Self {
        Self {
            name: format!("{target} ({})", peer.address().ip()),
            peer,
            timeout,
            output: output.open(),
            hex: output.hex,
            buffer: vec![0; BUFFER],
        }
    }

    /// Sends every datagram of the source.
    ///
    /// # Errors
    ///
    /// What the source or the peer refuses; a time-out if any datagram remained without a reply.
    pub fn send_all(&mut self, mut source: Source) -> Result<(), Error> {
        let (mut sent, mut unanswered) = (0_u64, 0_u64);
        while let Some(payload) = source.next_payload()? {
            self.peer
                .send(payload)
                .map_err(|error| self.failed(error))?;
            sent += 1;
            if let Some(timeout) = self.timeout {
                unanswered += u64::from(!self.hear(timeout)?);
            }
        }
        log::info!("sent {sent} datagrams to {}", self.name);
        self.take_pending_error()?;
        match (unanswered, self.timeout) {
            (1.., Some(timeout)) => Err(self.no_reply(unanswered, sent, timeout)),
            _ => Ok(()),
        }
    }

    /// An ICMP error that is here already; without a time to wait, a distant one is not waited for.
    fn take_pending_error(&self) -> Result<(), Error> {
        match self.peer.socket().take_error() {
            Ok(None) => Ok(()),
            Ok(Some(error)) | Err(error) => Err(self.failed(error)),
        }
    }

    /// Shows the next reply, or from a group all that come in time; false if there is none.
    fn hear(&mut self, timeout: Duration) -> Result<bool, Error> {
        let deadline = Instant::now() + timeout.min(LONGEST);
        let mut heard = false;
        while !heard || self.peer.is_group() {
            if !self.hear_one(deadline)? {
                break;
            }
            heard = true;
        }
        Ok(heard)
    }

    fn hear_one(&mut self, deadline: Instant) -> Result<bool, Error> {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(false);
            }
            let socket = self.peer.socket();
            socket
                .set_read_timeout(Some(left))
                .map_err(|error| self.failed(error))?;
            match socket.recv_from(&mut self.buffer) {
                Ok((length, peer)) => return self.show(length, peer).map(|()| true),
                Err(error) if is_only_late(&error) => {}
                Err(error) => return Err(self.failed(error)),
            }
        }
    }

    fn show(&self, length: usize, peer: std::net::SocketAddr) -> Result<(), Error> {
        let payload = &self.buffer[..length];
        if self.output.style == Style::Raw {
            self.output.write_bytes(payload)?;
            return self.output.flush();
        }
        self.output.say(&Reply {
            peer,
            bytes: length,
            payload,
            name_peer: self.peer.is_group(),
            hex: self.hex,
        })
    }

    fn no_reply(&self, unanswered: u64, sent: u64, timeout: Duration) -> Error {
        let waited = show_duration(timeout);
        let which = match sent {
            1 => String::new(),
            _ => format!(" to {unanswered} of {sent} datagrams"),
        };
        let message = format!(
            "no reply from {}{which}: timed out after {waited}",
            self.name
        );
        Error::new(ErrorKind::TimedOut, message)
            .with_hint("perhaps nothing there answers, or a firewall drops packets")
    }

    fn failed(&self, error: io::Error) -> Error {
        let error = Error::io(format!("cannot send to {}", self.name), error);
        match error.kind() {
            ErrorKind::Refused => error.with_hint("is a server listening there?"),
            _ => error,
        }
    }
}

/// The time-out of the socket, or a signal: the clock decides.
fn is_only_late(error: &io::Error) -> bool {
    use io::ErrorKind as Io;
    matches!(
        error.kind(),
        Io::WouldBlock | Io::TimedOut | Io::Interrupted
    )
}
