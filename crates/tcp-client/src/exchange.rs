//! Both directions at once, and how an exchange ends.

use std::io;
use std::net::TcpStream;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use netcommon::Error;
use netcommon::buffer::Buffer;
use netcommon::explain;
use netcommon::language::Language;
use netcommon::openmetrics::Traffic;
use netcommon::socket::held_up::HeldUp;

use crate::banner;
pub use crate::connection::Totals;
use crate::connection::{Connection, Position};
use crate::expectation::Expectation;
use crate::failure::Failure;
use crate::idle::IdleTimer;
use crate::reply::Reply;
use crate::sender::{SendError, SendJob, Sender};
use crate::source::Source;

/// Bytes read from the socket at once.
const CHUNK: usize = 256 << 10;

/// After the server's last byte, the interval of checks whether sending still makes sense.
const CHECK_INTERVAL: Duration = Duration::from_millis(50);

/// After the server's last byte, the time in which a source has to give more to be waited for, and
/// in which the peer has to acknowledge more of what is left in the kernel.
const PATIENCE: Duration = Duration::from_secs(1);

/// In a lesson, the interval of checks whether the sending thread has done its part.
const LESSON_INTERVAL: Duration = Duration::from_millis(10);

/// How an exchange is to go.
#[derive(Clone, Copy, Debug)]
pub struct ExchangeOptions {
    /// Half-close the connection once everything is sent and answered (shutdown(2)).
    pub half_close: bool,
    /// Demand the same bytes back.
    pub expect_echo: bool,
    /// Demand some reply.
    pub expect_reply: bool,
    /// Time in which no byte comes and the peer acknowledges none, after which the exchange fails;
    /// `None` is for ever.
    pub timeout: Option<Duration>,
    /// Show a progress bar.
    pub show_progress: bool,
}

/// An exchange that went well.
#[derive(Clone, Copy, Debug)]
pub struct Ended {
    /// Bytes that have passed.
    pub totals: Totals,
    /// Causes that held the sending up, where the kernel tells.
    pub held_up: Option<HeldUp>,
}

/// One connection's exchange: the receiving side, and the handle of the sending one.
pub struct Exchange {
    connection: Arc<Connection>,
    server: String,
    options: ExchangeOptions,
    expectation: Option<Arc<Expectation>>,
    sender: Sender,
    /// A source that may idle has this long to give more after the server's last byte.
    source_patience: Option<Duration>,
    idle: Option<IdleTimer<Position>>,
}

impl Exchange {
    /// Starts to send all of `source`, and counts bytes in `traffic`; messages call the peer `server`.
    ///
    /// # Errors
    ///
    /// A local limit that leaves no room for another thread.
    pub fn start(
        stream: TcpStream,
        server: String,
        source: Source,
        options: ExchangeOptions,
        traffic: Traffic,
    ) -> Result<Self, Error> {
        let connection = Connection::new(stream, poll_timeout(options.timeout), traffic)
            .map_err(|error| Error::io("cannot set a time-out", error))?;
        let connection = Arc::new(connection);
        let expectation = options.expect_echo.then(Arc::default);
        let source_patience = patience_with(&source);
        let job = SendJob {
            connection: Arc::clone(&connection),
            source,
            expectation: expectation.clone(),
            half_close: options.half_close,
        };
        let idle = |timeout| IdleTimer::new(timeout, connection.position());
        Ok(Self {
            sender: Sender::start(job, options.show_progress)?,
            idle: options.timeout.map(idle),
            connection,
            server,
            options,
            expectation,
            source_patience,
        })
    }

    /// Receives until the server has closed its side or, without half-close, until the whole echo is
    /// back; then waits for the sending side, and for the peer to acknowledge what it sent. However it
    /// ends, the log has the causes that held the sending up.
    ///
    /// # Errors
    ///
    /// A difference or a missing reply ([`CheckFailed`](netcommon::ErrorKind::CheckFailed)), silence
    /// ([`TimedOut`](netcommon::ErrorKind::TimedOut)), a reset or an early end, an unreadable source,
    /// or a closed standard output.
    pub fn run(mut self, reply: &mut Reply<'_>) -> Result<Ended, Error> {
        let ended = self.finish(reply);
        let held_up = self.connection.held_up();
        if let Some(held_up) = held_up {
            let line = held_up.human(Language::English, "this program");
            log::info!("{}: {line}", self.server);
        }
        ended?;
        let totals = self.connection.totals();
        // A sending thread that waits for its source still has its part.
        if let Some(connection) = Arc::into_inner(self.connection) {
            connection.close();
        }
        Ok(Ended { totals, held_up })
    }

    fn finish(&mut self, reply: &mut Reply<'_>) -> Result<(), Error> {
        let received = self.receive(reply);
        self.sender.clear_progress();
        reply.finish()?;
        received?;
        match self.wait_for_sender()? {
            Some(result) => self.check(result)?,
            None => log::warn!("{} has closed the connection; no more is sent", self.server),
        }
        self.wait_for_delivery()
    }

    fn receive(&mut self, reply: &mut Reply<'_>) -> Result<(), Error> {
        let mut chunk = Buffer::new(CHUNK);
        loop {
            if explain::is_on() {
                self.let_sender_go_first();
            }
            let read = self.connection.read(&mut chunk);
            self.sender.wake();
            match read {
                Ok(0) => return Ok(()),
                Ok(length) => {
                    let chunk = &chunk[..length];
                    reply.show(chunk)?;
                    self.verify(chunk)?;
                    if self.options.expect_echo && !self.options.half_close && self.is_fulfilled() {
                        return Ok(());
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.check_idle()?,
                Err(error) => return Err(self.failure().lost(error)),
            }
        }
    }

    /// In a lesson nothing is received before something is outstanding, so that the calls of the two
    /// threads come in the order of a conversation.
    fn let_sender_go_first(&self) {
        let is_outstanding = || {
            let Totals { sent, received } = self.connection.totals();
            received < sent || self.connection.is_readable()
        };
        while !self.sender.has_ended() && !is_outstanding() {
            thread::park_timeout(LESSON_INTERVAL);
        }
    }

    fn verify(&self, chunk: &[u8]) -> Result<(), Error> {
        let Some(expectation) = &self.expectation else {
            return Ok(());
        };
        expectation.check(chunk).map_err(|difference| {
            let banner = (difference.offset == 0).then(|| self.banner(expectation, chunk));
            self.failure().differs(&difference, banner.flatten())
        })
    }

    /// The server's words before anything was sent or echoed, if it spoke first.
    fn banner(&self, expectation: &Expectation, chunk: &[u8]) -> Option<String> {
        let head = expectation.head(banner::HEAD);
        if head.is_empty() {
            let length = chunk.len();
            return Some(format!(
                "the server sent {length} bytes before anything was sent"
            ));
        }
        let length = banner::length(&self.connection, &head, chunk)?;
        Some(format!(
            "the server sent {length} bytes before anything was echoed"
        ))
    }

    /// Sending goes on after the server's last byte, unless outstanding echo can no longer come, or
    /// the source has no more to give: then there is no result.
    fn wait_for_sender(&mut self) -> Result<Option<Result<(), SendError>>, Error> {
        let sent = self.connection.totals().sent;
        let mut source = self.source_patience.map(|time| IdleTimer::new(time, sent));
        loop {
            if let Some(result) = self.sender.wait(CHECK_INTERVAL) {
                return Ok(Some(result));
            }
            let expectation = self.expectation.as_deref();
            if expectation.is_some_and(Expectation::is_outstanding) {
                return Err(self.failure().closed_early());
            }
            let sent = self.connection.totals().sent;
            let is_idle = source
                .as_mut()
                .is_some_and(|source| source.has_expired(sent));
            if is_idle && self.sender.is_reading() {
                return Ok(None);
            }
            self.check_idle()?;
        }
    }

    fn check(&self, result: Result<(), SendError>) -> Result<(), Error> {
        let Totals { sent, received } = self.connection.totals();
        let failure = self.failure();
        match result {
            Err(SendError::Source(error)) => Err(Error::io("cannot read the input", error)),
            Err(SendError::Connection(error)) if error.kind() == io::ErrorKind::ConnectionReset => {
                Err(failure.lost(error))
            }
            Err(SendError::Connection(_)) => Err(failure.closed_early()),
            Ok(()) if !self.is_fulfilled() => Err(failure.closed_early()),
            Ok(()) if received == 0 && sent > 0 && self.options.expect_reply => {
                Err(failure.no_reply())
            }
            Ok(()) => Ok(()),
        }
    }

    /// Bytes that the kernel still holds can get lost. They are waited for as long as the peer acknowledges;
    /// a peer that no longer does is left to the kernel, unless there is a time-out.
    fn wait_for_delivery(&mut self) -> Result<(), Error> {
        let mut idle = IdleTimer::new(PATIENCE, self.connection.position());
        while !self.connection.is_delivered() {
            let error = self.connection.take_error();
            error.map_err(|error| self.failure().lost(error))?;
            self.check_idle()?;
            if self.idle.is_none() && idle.has_expired(self.connection.position()) {
                break;
            }
            thread::park_timeout(CHECK_INTERVAL);
        }
        Ok(())
    }

    /// True where no echo is expected, too.
    fn is_fulfilled(&self) -> bool {
        let expectation = self.expectation.as_deref();
        expectation.is_none_or(Expectation::is_fulfilled)
    }

    fn check_idle(&mut self) -> Result<(), Error> {
        let position = self.connection.position();
        let idle = self.idle.as_mut();
        if idle.is_some_and(|idle| idle.has_expired(position)) {
            let timeout = self.options.timeout.unwrap_or_default();
            return Err(self.failure().timed_out(timeout));
        }
        Ok(())
    }

    fn failure(&self) -> Failure<'_> {
        Failure {
            server: &self.server,
            connection: &self.connection,
            expect_echo: self.options.expect_echo,
        }
    }
}

/// Calls return several times within the user's time-out, so that silence is noticed when it is due.
fn poll_timeout(timeout: Option<Duration>) -> Option<Duration> {
    timeout.map(|timeout| (timeout / 8).max(Duration::from_millis(1)))
}

/// A person sees that the server has ended; a file always gives more; anything else may yet.
fn patience_with(source: &Source) -> Option<Duration> {
    if source.is_interactive {
        Some(Duration::ZERO)
    } else {
        source.length.is_none().then_some(PATIENCE)
    }
}
