//! One connection, and one turn of service: read and echo, until there is a reason to stop.

use std::mem;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsRawFd, RawFd};
use std::time::{Duration, Instant};

use mio::{Interest, Token};
use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recv, send};

use crate::farewell::Farewell;
use crate::leftover::Leftover;
use crate::owed;
use crate::pace::Pace;
use crate::slots::Slot;
use crate::tap::Piece;

/// Reads in one turn of a client that sends without pause, before others have theirs.
const READS: usize = 4;

/// A client, wherever it is: parked, queued or with a worker. Dropping it closes the connection.
pub(crate) struct Client {
    pub(crate) stream: TcpStream,
    pub(crate) peer: SocketAddr,
    pub(crate) since: Instant,
    /// The end of the last turn in which a byte came or went.
    pub(crate) last_active: Instant,
    /// Bytes read.
    pub(crate) received: u64,
    /// Bytes echoed.
    pub(crate) echoed: u64,
    /// Bytes read that could not be echoed yet, at most one buffer.
    pub(crate) unsent: Leftover,
    /// The poller said that nothing follows on what is there: it will not say so again.
    pub(crate) hung_up: bool,
    /// Set when the server has begun to end the connection: nothing more is echoed.
    pub(crate) farewell: Option<Farewell>,
    _slot: Slot,
}

/// Why a turn is over.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// Nothing more to read: the poller will tell when there is.
    Silent,
    /// No more room for its echo: the poller will tell when there is.
    Stalled,
    /// It goes on; the others have their turns first.
    Preempted,
    /// The server reads no more.
    Released,
    /// The connection is over.
    Ended(End),
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The client said it was done, and everything was echoed.
    Finished,
    /// The client aborted the connection.
    Reset,
    /// Silent, or not reading, for as long as `--idle-timeout` allows.
    Idle,
    /// Silent when the server was asked to finish.
    Drained,
    /// Still talking when `--drain-timeout` was over.
    Cut,
    /// The server's own fault: it could not be served any further.
    Failed,
}

impl End {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::Reset => "reset",
            Self::Idle => "idle",
            Self::Drained => "drained",
            Self::Cut => "cut",
            Self::Failed => "failed",
        }
    }
}

impl Client {
    pub(crate) fn new(stream: TcpStream, peer: SocketAddr, slot: Slot) -> Self {
        let now = Instant::now();
        Self {
            stream,
            peer,
            since: now,
            last_active: now,
            received: 0,
            echoed: 0,
            unsent: Leftover::NOTHING,
            hung_up: false,
            farewell: None,
            _slot: slot,
        }
    }

    pub(crate) fn descriptor(&self) -> RawFd {
        self.stream.as_raw_fd()
    }

    /// Its name in a poller: descriptors are small numbers, each of one open connection.
    pub(crate) fn token(&self) -> Token {
        Token(usize::try_from(self.descriptor()).unwrap_or(usize::MAX))
    }

    pub(crate) fn is_silent_for(&self, time: Duration) -> bool {
        self.last_active.elapsed() >= time
    }

    /// What to wait for in the poller: its next bytes, or room for those that it is owed.
    pub(crate) fn interest(&self) -> Interest {
        let owed = match self.farewell {
            Some(farewell) => !farewell.half_closed,
            None => !self.unsent.is_empty(),
        };
        match owed {
            true => Interest::WRITABLE,
            false => Interest::READABLE,
        }
    }

    /// Whether everything that came from it is on its way back.
    pub(crate) fn has_its_echo(&self) -> bool {
        self.unsent.is_empty() && owed::is_settled(&self.stream)
    }

    /// Serves the client until there is a reason to stop. Whatever was read is echoed or kept in `unsent`.
    pub(crate) fn serve(&mut self, buffer: &mut [u8], pace: &Pace) -> Outcome {
        let before = (self.received, self.echoed);
        let served = self.take_turn(buffer, pace);
        if before != (self.received, self.echoed) {
            self.last_active = Instant::now();
        }
        served.unwrap_or_else(|error| Outcome::Ended(end_of(error, self.peer)))
    }

    fn take_turn(&mut self, buffer: &mut [u8], pace: &Pace) -> Result<Outcome, Errno> {
        for _ in 0..READS {
            if !self.send_rest()? {
                return Ok(Outcome::Stalled);
            }
            if !pace.reads() {
                return Ok(Outcome::Released);
            }
            let Some(count) = self.receive(buffer)? else {
                return Ok(Outcome::Silent);
            };
            if count == 0 {
                return Ok(Outcome::Ended(End::Finished));
            }
            self.show(&buffer[..count], pace);
            if !self.echo(&buffer[..count])? {
                return Ok(Outcome::Stalled);
            }
            // A short read took all there was (epoll(7)), and saves one that would say so.
            if count < buffer.len() && !self.hung_up {
                return Ok(Outcome::Silent);
            }
        }
        Ok(Outcome::Preempted)
    }

    /// Reads what is there; `None` is nothing.
    fn receive(&mut self, buffer: &mut [u8]) -> Result<Option<usize>, Errno> {
        match recv(self.descriptor(), buffer, MsgFlags::MSG_DONTWAIT) {
            Ok(count) => {
                self.received += count as u64;
                Ok(Some(count))
            }
            Err(Errno::EAGAIN) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn show(&self, bytes: &[u8], pace: &Pace) {
        if let Some(tap) = &pace.tap {
            tap(Piece {
                peer: self.peer,
                offset: self.received - bytes.len() as u64,
                bytes,
            });
        }
    }

    /// True when everything left; what did not is kept.
    fn echo(&mut self, bytes: &[u8]) -> Result<bool, Errno> {
        let sent = self.send(bytes)?;
        self.unsent = Leftover::of(&bytes[sent..]);
        Ok(self.unsent.is_empty())
    }

    fn send_rest(&mut self) -> Result<bool, Errno> {
        if self.unsent.is_empty() {
            return Ok(true);
        }
        let rest = mem::replace(&mut self.unsent, Leftover::NOTHING);
        let sent = self.send(&rest)?;
        self.unsent = rest.after(sent);
        Ok(self.unsent.is_empty())
    }

    /// What there is room for.
    fn send(&mut self, bytes: &[u8]) -> Result<usize, Errno> {
        // Rust's runtime ignores SIGPIPE: MSG_NOSIGNAL, which macOS lacks, is not needed.
        let flags = MsgFlags::MSG_DONTWAIT;
        let sent = match send(self.descriptor(), bytes, flags) {
            Err(Errno::EAGAIN) => 0,
            result => result?,
        };
        self.echoed += sent as u64;
        Ok(sent)
    }
}

fn end_of(error: Errno, peer: SocketAddr) -> End {
    match error {
        Errno::ECONNRESET | Errno::EPIPE | Errno::ETIMEDOUT => End::Reset,
        other => {
            log::warn!("the connection of {peer} failed: {}", other.desc());
            End::Failed
        }
    }
}
