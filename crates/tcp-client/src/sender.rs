//! The sending thread: from the source to the socket, as fast as both allow.

use std::io::{self, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use netcommon::Error;

use crate::expectation::Expectation;
use crate::progress::Progress;
use crate::source::Source;

/// Bytes read from the source at once.
const PIECE: usize = 256 << 10;

/// How sending ended.
pub(crate) enum SendEnd {
    /// The source is exhausted and everything was handed to the kernel.
    Complete,
    /// The connection took no more.
    Refused(io::Error),
    /// The source could not be read.
    Unreadable(io::Error),
}

/// What the sending thread shows of itself.
#[derive(Default)]
pub(crate) struct SendState {
    sent: AtomicU64,
    reading: AtomicBool,
}

/// A sending thread. It is never joined: it may wait for a person to type.
pub(crate) struct Sender {
    state: Arc<SendState>,
    end: Receiver<SendEnd>,
}

/// What the sending thread works with.
pub(crate) struct Outgoing {
    pub(crate) stream: TcpStream,
    pub(crate) source: Source,
    pub(crate) expectation: Option<Arc<Expectation>>,
    pub(crate) half_close: bool,
    pub(crate) progress: Progress,
}

impl Sender {
    pub(crate) fn start(outgoing: Outgoing) -> Result<Self, Error> {
        let state = Arc::new(SendState::default());
        let (report, end) = mpsc::channel();
        let shared = Arc::clone(&state);
        let work = move || {
            // Nobody listens any more when the receiving side has ended the program.
            let _ = report.send(outgoing.send_all(&shared));
        };
        thread::Builder::new()
            .name("sender".to_owned())
            .spawn(work)
            .map_err(|error| Error::io("cannot start the sending thread", error))?;
        Ok(Self { state, end })
    }

    /// Bytes handed to the kernel so far.
    pub(crate) fn sent(&self) -> u64 {
        self.state.sent.load(Ordering::Relaxed)
    }

    /// How sending ended, once it has; waits for that at most `time`.
    pub(crate) fn end_within(&self, time: Duration) -> Option<SendEnd> {
        match self.end.recv_timeout(time) {
            Ok(end) => Some(end),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => {
                Some(SendEnd::Refused(io::ErrorKind::BrokenPipe.into()))
            }
        }
    }

    /// Whether it waits for its source.
    pub(crate) fn is_reading(&self) -> bool {
        self.state.reading.load(Ordering::Relaxed)
    }
}

impl Outgoing {
    fn send_all(mut self, state: &SendState) -> SendEnd {
        let mut piece = vec![0; PIECE];
        loop {
            state.reading.store(true, Ordering::Relaxed);
            let read = self.source.reader.read(&mut piece);
            state.reading.store(false, Ordering::Relaxed);
            match read {
                Ok(0) => return self.finish(),
                Ok(count) => {
                    if let Err(error) = self.send(&piece[..count], state) {
                        return SendEnd::Refused(error);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return self.give_up(error),
            }
        }
    }

    fn send(&mut self, piece: &[u8], state: &SendState) -> io::Result<()> {
        if let Some(expectation) = &self.expectation {
            expectation.push(piece);
        }
        let mut rest = piece;
        while !rest.is_empty() {
            match self.stream.write(rest) {
                Ok(count) => {
                    rest = &rest[count..];
                    let sent = state.sent.fetch_add(count as u64, Ordering::Relaxed);
                    self.progress.set(sent + count as u64);
                }
                // The receiving side decides when a wait has lasted too long.
                Err(error) if is_passing(&error) => {}
                Err(error) => {
                    log::info!("cannot send any more: {error}");
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    fn finish(self) -> SendEnd {
        let fulfilled = self
            .expectation
            .as_ref()
            .is_some_and(|expectation| expectation.complete());
        let closed = match (self.half_close, fulfilled) {
            (true, _) => self.stream.shutdown(Shutdown::Write),
            // The whole echo came before this thread knew that it was whole: the receiving side
            // waits for a byte that nobody will send.
            (false, true) => self.stream.shutdown(Shutdown::Read),
            (false, false) => Ok(()),
        };
        if let Err(error) = closed {
            log::debug!("cannot half-close: {error}");
        }
        SendEnd::Complete
    }

    /// Ends the receiving side's wait too: there is no exchange without a source.
    fn give_up(self, error: io::Error) -> SendEnd {
        if let Err(error) = self.stream.shutdown(Shutdown::Both) {
            log::debug!("cannot close: {error}");
        }
        SendEnd::Unreadable(error)
    }
}

fn is_passing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}
