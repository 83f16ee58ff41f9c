//! Both directions at once, and how an exchange can fail.

use std::io::{self, Read};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use netcommon::buffer::Buffer;
use netcommon::units::show_duration;
use netcommon::{Error, ErrorKind};

use crate::expectation::Expectation;
use crate::reply::Reply;
use crate::sender::{SendError, SendJob, Sender};
use crate::source::Source;

/// Bytes read from the socket at once.
const CHUNK: usize = 256 << 10;

/// After the server's last byte, the interval of checks whether sending still makes sense.
const CHECK_INTERVAL: Duration = Duration::from_millis(100);

/// How an exchange is to go.
#[derive(Clone, Copy, Debug)]
pub struct ExchangeOptions {
    /// Half-close the connection once everything is sent (shutdown(2)).
    pub half_close: bool,
    /// Demand the same bytes back.
    pub expect_echo: bool,
    /// Demand some reply.
    pub expect_reply: bool,
    /// Time without a byte in either direction after which the exchange fails; `None` is for ever.
    pub timeout: Option<Duration>,
    /// Show a progress bar.
    pub show_progress: bool,
}

/// Bytes that have passed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Handed to the kernel.
    pub sent: u64,
    /// Received.
    pub received: u64,
}

/// One connection's exchange: the receiving side, and the handle of the sending one.
pub struct Exchange {
    stream: TcpStream,
    server: String,
    options: ExchangeOptions,
    expectation: Option<Arc<Expectation>>,
    is_interactive: bool,
    sender: Sender,
    received: u64,
    idle: IdleTimer,
}

impl Exchange {
    /// Starts to send all of `source`; messages call the peer `server`.
    ///
    /// # Errors
    ///
    /// A local limit that leaves no room for another descriptor or thread.
    pub fn start(
        stream: TcpStream,
        server: String,
        source: Source,
        options: ExchangeOptions,
    ) -> Result<Self, Error> {
        set_poll_timeout(&stream, options.timeout)
            .map_err(|error| Error::io("cannot set a time-out", error))?;
        let expectation = options.expect_echo.then(Arc::default);
        let is_interactive = source.is_interactive;
        let job = SendJob {
            stream: stream
                .try_clone()
                .map_err(|error| Error::io("cannot duplicate the socket", error))?,
            source,
            expectation: expectation.clone(),
            half_close: options.half_close,
        };
        Ok(Self {
            sender: Sender::start(job, options.show_progress)?,
            idle: IdleTimer::new(options.timeout),
            stream,
            server,
            options,
            expectation,
            is_interactive,
            received: 0,
        })
    }

    /// Receives until the server has closed its side or, without half-close, until the whole echo is
    /// back; then waits for the sending side.
    ///
    /// # Errors
    ///
    /// A difference or a missing reply ([`ErrorKind::CheckFailed`]), silence ([`ErrorKind::TimedOut`]),
    /// a reset or an early end, an unreadable source, or a closed standard output.
    pub fn run(mut self, reply: &mut Reply<'_>) -> Result<Totals, Error> {
        let received = self.receive(reply);
        self.sender.clear_progress();
        reply.finish()?;
        received?;
        match self.wait_for_sender()? {
            Some(result) => self.check(result)?,
            None if self.is_fulfilled() => {}
            None => return Err(self.closed_early()),
        }
        Ok(self.totals())
    }

    fn receive(&mut self, reply: &mut Reply<'_>) -> Result<(), Error> {
        let mut chunk = Buffer::new(CHUNK);
        loop {
            match self.stream.read(&mut chunk) {
                Ok(0) => return Ok(()),
                Ok(length) => {
                    let chunk = &chunk[..length];
                    self.received += length as u64;
                    reply.show(chunk)?;
                    self.verify(chunk)?;
                    if self.options.expect_echo && !self.options.half_close && self.is_fulfilled() {
                        return Ok(());
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.check_idle()?,
                Err(error) => return Err(self.lost(error)),
            }
        }
    }

    fn verify(&self, chunk: &[u8]) -> Result<(), Error> {
        let Some(expectation) = &self.expectation else {
            return Ok(());
        };
        expectation.check(chunk).map_err(|difference| {
            let message = format!("check failed: {}: {difference}", self.server);
            Error::new(ErrorKind::CheckFailed, message)
        })
    }

    /// Sending goes on after the server's last byte, unless outstanding echo can no longer come, or
    /// the source is a person, who sees that the server has ended.
    fn wait_for_sender(&mut self) -> Result<Option<Result<(), SendError>>, Error> {
        loop {
            if let Some(result) = self.sender.wait(CHECK_INTERVAL) {
                return Ok(Some(result));
            }
            let expectation = self.expectation.as_deref();
            if expectation.is_some_and(Expectation::is_outstanding) {
                return Err(self.closed_early());
            }
            if self.is_interactive && self.sender.is_reading() {
                return Ok(None);
            }
            self.check_idle()?;
        }
    }

    fn check(&self, result: Result<(), SendError>) -> Result<(), Error> {
        let Totals { sent, received } = self.totals();
        match result {
            Err(SendError::Source(error)) => Err(Error::io("cannot read the input", error)),
            Err(SendError::Connection(error)) if error.kind() == io::ErrorKind::ConnectionReset => {
                Err(self.lost(error))
            }
            Err(SendError::Connection(_)) => Err(self.closed_early()),
            Ok(()) if !self.is_fulfilled() => Err(self.closed_early()),
            Ok(()) if received == 0 && sent > 0 && self.options.expect_reply => {
                let message = format!("check failed: {} sent no reply", self.server);
                Err(Error::new(ErrorKind::CheckFailed, message))
            }
            Ok(()) => Ok(()),
        }
    }

    /// True where no echo is expected, too.
    fn is_fulfilled(&self) -> bool {
        let expectation = self.expectation.as_deref();
        expectation.is_none_or(Expectation::is_fulfilled)
    }

    fn totals(&self) -> Totals {
        Totals {
            sent: self.sender.sent(),
            received: self.received,
        }
    }

    fn check_idle(&mut self) -> Result<(), Error> {
        let totals = self.totals();
        if !self.idle.has_expired(totals) {
            return Ok(());
        }
        let Totals { sent, received } = totals;
        let silence = show_duration(self.options.timeout.unwrap_or_default());
        let message = format!(
            "timed out: nothing from {} for {silence} ({sent} bytes sent, {received} received)",
            self.server
        );
        Err(Error::new(ErrorKind::TimedOut, message))
    }

    fn closed_early(&self) -> Error {
        let Totals { sent, received } = self.totals();
        let progress = if self.options.expect_echo {
            format!("{received} of {sent} bytes came back")
        } else {
            format!("it took {sent} bytes, but not all")
        };
        let message = format!("{} closed early: {progress}", self.server);
        Error::new(ErrorKind::ClosedEarly, message)
    }

    fn lost(&self, error: io::Error) -> Error {
        let Totals { sent, received } = self.totals();
        let server = &self.server;
        Error::io(
            format!("lost {server} after {sent} bytes sent and {received} received"),
            error,
        )
    }
}

/// Calls return several times within the user's time-out, so that silence is noticed when it is due.
fn set_poll_timeout(stream: &TcpStream, timeout: Option<Duration>) -> io::Result<()> {
    let poll_timeout = timeout.map(|timeout| (timeout / 8).max(Duration::from_millis(1)));
    stream.set_read_timeout(poll_timeout)?;
    stream.set_write_timeout(poll_timeout)
}

/// Expires when no byte has passed for the time-out.
struct IdleTimer {
    timeout: Option<Duration>,
    last: Totals,
    since: Instant,
}

impl IdleTimer {
    fn new(timeout: Option<Duration>) -> Self {
        Self {
            timeout,
            last: Totals::default(),
            since: Instant::now(),
        }
    }

    fn has_expired(&mut self, totals: Totals) -> bool {
        if self.last != totals {
            self.last = totals;
            self.since = Instant::now();
        }
        let timeout = self.timeout;
        timeout.is_some_and(|timeout| self.since.elapsed() >= timeout)
    }
}
