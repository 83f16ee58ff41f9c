//! One connection, and one turn of service: read and echo, until there is a reason to stop.

use std::io;
use std::mem;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsRawFd, RawFd};
use std::time::{Duration, Instant};

use mio::Interest;
use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recv, send};

use crate::farewell::Farewell;
use crate::leftover::Leftover;
use crate::owed;
use crate::pace::Pace;
use crate::slots::Slot;
use crate::tap::Piece;

/// How long a worker waits for the next byte, or for room to send, before it gives the client away.
const PATIENCE: Duration = Duration::from_millis(50);

/// How long a client is served without pause while others wait for a worker.
const TURN: Duration = Duration::from_millis(10);

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
    /// Set when the server has begun to end the connection: nothing more is echoed.
    pub(crate) farewell: Option<Farewell>,
    _slot: Slot,
}

/// Why a turn is over.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// Nothing to read, or no time to: wait for the client in the poller.
    Silent,
    /// The client does not read its echo: wait in the poller until it does.
    Stalled,
    /// Others wait for a worker: go to the end of the queue.
    Preempted,
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
    /// Bounds every wait on the connection by [`PATIENCE`] (`SO_RCVTIMEO`, `SO_SNDTIMEO`, socket(7)).
    pub(crate) fn new(stream: TcpStream, peer: SocketAddr, slot: Slot) -> io::Result<Self> {
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let now = Instant::now();
        Ok(Self {
            stream,
            peer,
            since: now,
            last_active: now,
            received: 0,
            echoed: 0,
            unsent: Leftover::NOTHING,
            farewell: None,
            _slot: slot,
        })
    }

    pub(crate) fn descriptor(&self) -> RawFd {
        self.stream.as_raw_fd()
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
        let start = Instant::now();
        if !self.send_rest(pace)? {
            return Ok(Outcome::Stalled);
        }
        while pace.reads() {
            let Some(count) = self.receive(buffer, pace)? else {
                return Ok(Outcome::Silent);
            };
            if count == 0 {
                return Ok(Outcome::Ended(End::Finished));
            }
            self.show(&buffer[..count], pace);
            if !self.echo(&buffer[..count], pace)? {
                return Ok(Outcome::Stalled);
            }
            if pace.is_cut() {
                return Ok(Outcome::Ended(End::Cut));
            }
            if pace.others_wait() && start.elapsed() >= TURN {
                return Ok(Outcome::Preempted);
            }
        }
        Ok(Outcome::Silent)
    }

    /// Reads what is there, or waits for it as long as the pace allows; `None` is silence.
    fn receive(&mut self, buffer: &mut [u8], pace: &Pace) -> Result<Option<usize>, Errno> {
        loop {
            match recv(self.descriptor(), buffer, pace.patience()) {
                Ok(count) => {
                    self.received += count as u64;
                    return Ok(Some(count));
                }
                Err(Errno::EAGAIN) => return Ok(None),
                // A wait with a time-out is not restarted after a signal (signal(7)).
                Err(Errno::EINTR) => {}
                Err(error) => return Err(error),
            }
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
    fn echo(&mut self, bytes: &[u8], pace: &Pace) -> Result<bool, Errno> {
        let sent = self.send(bytes, pace)?;
        self.unsent = Leftover::of(&bytes[sent..]);
        Ok(self.unsent.is_empty())
    }

    fn send_rest(&mut self, pace: &Pace) -> Result<bool, Errno> {
        if self.unsent.is_empty() {
            return Ok(true);
        }
        let rest = mem::replace(&mut self.unsent, Leftover::NOTHING);
        let sent = self.send(&rest, pace)?;
        self.unsent = rest.after(sent);
        Ok(self.unsent.is_empty())
    }

    /// One call is a bounded wait: the kernel counts `SO_SNDTIMEO` over all of it, also while bytes leave.
    fn send(&mut self, bytes: &[u8], pace: &Pace) -> Result<usize, Errno> {
        let sent = match send(
            self.descriptor(),
            bytes,
            pace.patience() | MsgFlags::MSG_NOSIGNAL,
        ) {
            Err(Errno::EAGAIN | Errno::EINTR) => 0,
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
