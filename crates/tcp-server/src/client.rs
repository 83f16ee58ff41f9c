//! One connection, and one turn of service: read and echo, until there is a reason to stop.

use std::net::TcpStream;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use mio::Token;
use netcommon::address::Endpoint;
use netcommon::socket::info::tcp_info;
use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recv, send};

use crate::arrivals::Arrivals;
use crate::inspect::{Chunk, Inspector};
use crate::memory::Memory;
use crate::places::Place;
use crate::send_queue;
use crate::unsent::Unsent;

/// Reads in one turn of a client that sends without pause, before others have theirs.
pub(crate) const READS: usize = 4;

/// Dropping it closes the connection and frees its place.
pub(crate) struct Client {
    pub(crate) stream: TcpStream,
    pub(crate) peer: Endpoint,
    pub(crate) since: Instant,
    /// The end of the last turn in which a byte came or went.
    pub(crate) last_active: Instant,
    /// Bytes read.
    pub(crate) received: u64,
    /// Bytes echoed: handed to the kernel.
    pub(crate) echoed: u64,
    /// Bytes read for nothing, while the connection was closed.
    pub(crate) discarded: u64,
    /// Bytes that the client had acknowledged when that was last looked at.
    acknowledged: u64,
    /// Bytes read that could not be echoed yet, at most one buffer.
    unsent: Unsent,
    /// There was no room for the echo of bytes that lie unread.
    is_blocked: bool,
    /// A short read does not show that all was read: the poller said that nothing follows, and will
    /// not say so again, or that there is urgent data, in front of which a read stops (tcp(7)).
    pub(crate) reads_to_end: bool,
    memory: Arc<Memory>,
    pub(crate) arrivals: Arc<Arrivals>,
    pub(crate) place: Place,
}

/// The next step for a client.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// Nothing to read, or no room for the echo: the poller will tell of a change.
    Waiting,
    /// A further turn is due, after those of the others.
    Ready,
    /// The connection is over.
    Ended(CloseReason),
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CloseReason {
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

impl CloseReason {
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

    /// Of a connection on which a system call failed.
    pub(crate) fn of(error: Errno, peer: Endpoint) -> Self {
        match error {
            Errno::ECONNRESET | Errno::ENOTCONN | Errno::EPIPE | Errno::ETIMEDOUT => Self::Reset,
            other => {
                log::warn!("the connection of {peer} failed: {}", other.desc());
                Self::Failed
            }
        }
    }
}

impl Client {
    pub(crate) fn new(
        stream: TcpStream,
        peer: Endpoint,
        place: Place,
        memory: Arc<Memory>,
        arrivals: Arc<Arrivals>,
    ) -> Self {
        let now = Instant::now();
        Self {
            stream,
            peer,
            since: now,
            last_active: now,
            received: 0,
            echoed: 0,
            discarded: 0,
            acknowledged: 0,
            unsent: Unsent::NOTHING,
            is_blocked: false,
            reads_to_end: false,
            memory,
            arrivals,
            place,
        }
    }

    pub(crate) fn descriptor(&self) -> RawFd {
        self.stream.as_raw_fd()
    }

    /// Its name in a poller: descriptors are small numbers, each of one open connection.
    pub(crate) fn token(&self) -> Token {
        Token(usize::try_from(self.descriptor()).unwrap_or(usize::MAX))
    }

    pub(crate) fn is_silent_for(&self, time: Duration, now: Instant) -> bool {
        now.saturating_duration_since(self.last_active) >= time
    }

    /// An acknowledgement since the last look is activity, too: one that reads slowly
    /// takes from the kernel what was handed over long ago.
    pub(crate) fn look_at_progress(&mut self, now: Instant) {
        if self.acknowledged >= self.echoed {
            return;
        }
        if let Some(info) = tcp_info(&self.stream)
            && info.bytes_acknowledged > self.acknowledged
        {
            self.acknowledged = info.bytes_acknowledged;
            self.last_active = now;
        }
    }

    /// Bytes read and echoed so far.
    pub(crate) fn totals(&self) -> (u64, u64) {
        (self.received, self.echoed)
    }

    /// Whether it waits for room for its echo, and not for bytes to read.
    pub(crate) fn awaits_room(&self) -> bool {
        self.is_blocked || !self.unsent.is_empty()
    }

    /// Whether everything that came from it is on its way back.
    pub(crate) fn has_its_echo(&self) -> bool {
        self.unsent.is_empty() && send_queue::is_settled(&self.stream)
    }

    /// Serves the client until there is a reason to stop. Whatever was read is echoed or kept in `unsent`.
    pub(crate) fn serve(
        &mut self,
        buffer: &mut [u8],
        inspector: Option<&Inspector>,
    ) -> Result<Outcome, Errno> {
        let before = self.totals();
        let outcome = self.take_turn(buffer, inspector);
        if before != self.totals() {
            self.last_active = Instant::now();
        }
        outcome
    }

    fn take_turn(
        &mut self,
        buffer: &mut [u8],
        inspector: Option<&Inspector>,
    ) -> Result<Outcome, Errno> {
        self.is_blocked = false;
        for _ in 0..READS {
            if !self.deliver()? {
                return Ok(Outcome::Waiting);
            }
            if self.memory.is_used_up() {
                return self.echo_unread(buffer, inspector);
            }
            let Some(count) = self.receive(buffer)? else {
                return Ok(Outcome::Waiting);
            };
            if count == 0 {
                return Ok(Outcome::Ended(CloseReason::Finished));
            }
            self.received += count as u64;
            self.show(&buffer[..count], inspector);
            if !self.echo(&buffer[..count])? {
                return Ok(Outcome::Waiting);
            }
            // A short read took all there was (epoll(7)), and saves one that would say so.
            if count < buffer.len() && !self.reads_to_end {
                return Ok(Outcome::Waiting);
            }
        }
        Ok(Outcome::Ready)
    }

    /// Echoes without memory: bytes stay unread in the kernel until they are sent. Where there is no
    /// room for them, that stops a client that goes on sending.
    fn echo_unread(
        &mut self,
        buffer: &mut [u8],
        inspector: Option<&Inspector>,
    ) -> Result<Outcome, Errno> {
        for _ in 0..READS {
            let Some(count) = self.receive_with(buffer, MsgFlags::MSG_PEEK)? else {
                return Ok(Outcome::Waiting);
            };
            if count == 0 {
                return Ok(Outcome::Ended(CloseReason::Finished));
            }
            let sent = self.send(&buffer[..count])?;
            self.echoed += sent as u64;
            self.take_off(&mut buffer[..sent])?;
            self.show(&buffer[..sent], inspector);
            self.is_blocked = sent < count;
            if self.is_blocked {
                return Ok(Outcome::Waiting);
            }
        }
        Ok(Outcome::Ready)
    }

    /// Reads bytes that are known to be there.
    fn take_off(&mut self, mut bytes: &mut [u8]) -> Result<(), Errno> {
        while !bytes.is_empty() {
            let count = self.receive(bytes)?.unwrap_or(0);
            if count == 0 {
                return Err(Errno::ENOTCONN);
            }
            self.received += count as u64;
            bytes = &mut bytes[count..];
        }
        Ok(())
    }

    /// Reads bytes that are there; `None` when there are none, 0 at the end.
    pub(crate) fn receive(&self, buffer: &mut [u8]) -> Result<Option<usize>, Errno> {
        self.receive_with(buffer, MsgFlags::empty())
    }

    fn receive_with(&self, buffer: &mut [u8], flags: MsgFlags) -> Result<Option<usize>, Errno> {
        match recv(self.descriptor(), buffer, flags | MsgFlags::MSG_DONTWAIT) {
            Ok(count) => Ok(Some(count)),
            Err(Errno::EAGAIN) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn show(&self, bytes: &[u8], inspector: Option<&Inspector>) {
        let offset = self.received - bytes.len() as u64;
        if offset == 0 {
            self.arrivals.hear(self.peer);
        }
        if let Some(inspect) = inspector {
            let peer = self.peer;
            inspect(Chunk {
                peer,
                offset,
                bytes,
            });
        }
    }

    /// True when everything was sent; the rest is kept.
    fn echo(&mut self, bytes: &[u8]) -> Result<bool, Errno> {
        let sent = self.send(bytes)?;
        self.echoed += sent as u64;
        self.unsent = Unsent::of(&bytes[sent..], &self.memory)?;
        Ok(self.unsent.is_empty())
    }

    /// Sends the bytes that were kept. True when there are none left.
    pub(crate) fn deliver(&mut self) -> Result<bool, Errno> {
        if !self.unsent.is_empty() {
            let sent = self.send(self.unsent.bytes())?;
            self.echoed += sent as u64;
            self.unsent.advance(sent);
        }
        Ok(self.unsent.is_empty())
    }

    /// As many bytes as there is room for.
    fn send(&self, bytes: &[u8]) -> Result<usize, Errno> {
        // Rust's runtime ignores SIGPIPE: MSG_NOSIGNAL, which macOS lacks, is not needed.
        let flags = MsgFlags::MSG_DONTWAIT;
        match send(self.descriptor(), bytes, flags) {
            Err(Errno::EAGAIN) => Ok(0),
            result => result,
        }
    }
}
