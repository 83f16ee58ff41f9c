//! Both directions at once, and how an exchange can fail.

use std::io::{self, Read};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use netcommon::units::show_duration;
use netcommon::{Error, ErrorKind};

use crate::expectation::Expectation;
use crate::progress::Progress;
use crate::reply::Reply;
use crate::sender::{Outgoing, SendEnd, Sender};
use crate::source::Source;

/// Bytes taken from the socket at once.
const PIECE: usize = 256 << 10;

/// After the server's last byte, how often it is looked whether sending still makes sense.
const TICK: Duration = Duration::from_millis(100);

/// How an exchange is to go.
#[derive(Clone, Copy, Debug)]
pub struct ExchangeOptions {
    /// Tell the server that nothing more comes, once everything is sent (shutdown(2)).
    pub half_close: bool,
    /// Demand the same bytes back.
    pub expect_echo: bool,
    /// Demand some reply.
    pub expect_reply: bool,
    /// Give up when nothing has passed, either way, for so long.
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

/// One connection's exchange.
pub struct Exchange {
    stream: TcpStream,
    server: String,
    options: ExchangeOptions,
    expectation: Option<Arc<Expectation>>,
    received: u64,
}

/// Notices when nothing passes.
struct Stall {
    timeout: Option<Duration>,
    seen: Totals,
    since: Instant,
}

impl Stall {
    fn is_over(&mut self, totals: Totals) -> bool {
        if self.seen != totals {
            self.seen = totals;
            self.since = Instant::now();
        }
        self.timeout
            .is_some_and(|timeout| self.since.elapsed() >= timeout)
    }
}

impl Exchange {
    /// `server` is its name in messages.
    pub fn new(stream: TcpStream, server: String, options: ExchangeOptions) -> Self {
        let expectation = options.expect_echo.then(Arc::default);
        Self {
            stream,
            server,
            options,
            expectation,
            received: 0,
        }
    }

    /// Sends all of `source` while it receives, until the server has closed its side or, without
    /// half-close, until the whole echo is back.
    ///
    /// # Errors
    ///
    /// A difference or a missing reply ([`ErrorKind::CheckFailed`]), silence ([`ErrorKind::TimedOut`]),
    /// a reset or an early end, an unreadable source, or a closed standard output.
    pub fn run(mut self, source: Source, reply: &mut Reply<'_>) -> Result<Totals, Error> {
        self.bound_waits()
            .map_err(|error| Error::io("cannot set a time-out", error))?;
        let is_typed = source.is_typed;
        let progress = Progress::new(self.options.show_progress, source.length);
        let sender = Sender::start(self.outgoing(source, progress.clone())?)?;
        let mut stall = Stall {
            timeout: self.options.timeout,
            seen: Totals::default(),
            since: Instant::now(),
        };
        let received = self.receive(&sender, &mut stall, reply);
        progress.clear();
        reply.finish()?;
        received?;
        let end = self.await_sender(&sender, &mut stall, is_typed)?;
        let totals = self.totals(&sender);
        self.judge(end, totals).map(|()| totals)
    }

    fn outgoing(&self, source: Source, progress: Progress) -> Result<Outgoing, Error> {
        let stream = self
            .stream
            .try_clone()
            .map_err(|error| Error::io("cannot duplicate the socket", error))?;
        let expectation = self.expectation.clone();
        Ok(Outgoing {
            stream,
            source,
            expectation,
            half_close: self.options.half_close,
            progress,
        })
    }

    /// Waits end several times within the time-out, so that silence is noticed when it is due.
    fn bound_waits(&self) -> io::Result<()> {
        let tick = self
            .options
            .timeout
            .map(|timeout| (timeout / 8).max(Duration::from_millis(1)));
        self.stream.set_read_timeout(tick)?;
        self.stream.set_write_timeout(tick)
    }

    fn totals(&self, sender: &Sender) -> Totals {
        Totals {
            sent: sender.sent(),
            received: self.received,
        }
    }

    fn receive(
        &mut self,
        sender: &Sender,
        stall: &mut Stall,
        reply: &mut Reply<'_>,
    ) -> Result<(), Error> {
        let mut piece = vec![0; PIECE];
        loop {
            match self.stream.read(&mut piece) {
                Ok(0) => return Ok(()),
                Ok(count) => {
                    self.received += count as u64;
                    reply.show(&piece[..count])?;
                    if self.verify(&piece[..count])? && !self.options.half_close {
                        return Ok(());
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if stall.is_over(self.totals(sender)) {
                        return Err(self.stalled(sender));
                    }
                }
                Err(error) => return Err(self.broken(error, self.totals(sender))),
            }
        }
    }

    /// True when the whole echo is back.
    fn verify(&self, piece: &[u8]) -> Result<bool, Error> {
        let Some(expectation) = &self.expectation else {
            return Ok(false);
        };
        match expectation.check(piece) {
            Ok(()) => Ok(expectation.is_fulfilled()),
            Err(difference) => Err(Error::new(
                ErrorKind::CheckFailed,
                format!("check failed: {}: {difference}", self.server),
            )),
        }
    }

    /// Sending goes on after the server's last byte, unless a byte of it still had to come back, or
    /// a person types, who sees that the server has said its last word.
    fn await_sender(
        &self,
        sender: &Sender,
        stall: &mut Stall,
        is_typed: bool,
    ) -> Result<Option<SendEnd>, Error> {
        loop {
            if let Some(end) = sender.end_within(TICK) {
                return Ok(Some(end));
            }
            if self
                .expectation
                .as_ref()
                .is_some_and(|expectation| expectation.is_due())
            {
                return Err(self.closed_early(self.totals(sender)));
            }
            if is_typed && sender.is_reading() {
                return Ok(None);
            }
            if stall.is_over(self.totals(sender)) {
                return Err(self.stalled(sender));
            }
        }
    }

    fn judge(&self, end: Option<SendEnd>, totals: Totals) -> Result<(), Error> {
        let fulfilled = self
            .expectation
            .as_ref()
            .is_none_or(|expectation| expectation.is_fulfilled());
        match end {
            Some(SendEnd::Unreadable(error)) => Err(Error::io("cannot read the input", error)),
            Some(SendEnd::Complete) if !fulfilled => Err(self.closed_early(totals)),
            Some(SendEnd::Complete)
                if totals.received == 0 && totals.sent > 0 && self.options.expect_reply =>
            {
                Err(Error::new(
                    ErrorKind::CheckFailed,
                    format!("check failed: {} sent no reply", self.server),
                ))
            }
            Some(SendEnd::Complete) => Ok(()),
            Some(SendEnd::Refused(error)) if error.kind() == io::ErrorKind::ConnectionReset => {
                Err(self.broken(error, totals))
            }
            Some(SendEnd::Refused(_)) => Err(self.closed_early(totals)),
            None if fulfilled => Ok(()),
            None => Err(self.closed_early(totals)),
        }
    }

    fn closed_early(&self, totals: Totals) -> Error {
        let Totals { sent, received } = totals;
        let message = match self.expectation {
            Some(_) => format!(
                "{} closed early: {received} of {sent} bytes came back",
                self.server
            ),
            None => format!(
                "{} closed early: it took {sent} bytes, but not all",
                self.server
            ),
        };
        Error::new(ErrorKind::ClosedEarly, message)
    }

    fn stalled(&self, sender: &Sender) -> Error {
        let Totals { sent, received } = self.totals(sender);
        let silence = show_duration(self.options.timeout.unwrap_or_default());
        let message = format!(
            "timed out: nothing from {} for {silence} ({sent} bytes sent, {received} received)",
            self.server
        );
        Error::new(ErrorKind::TimedOut, message)
    }

    fn broken(&self, error: io::Error, totals: Totals) -> Error {
        let Totals { sent, received } = totals;
        let server = &self.server;
        Error::io(
            format!("lost {server} after {sent} bytes sent and {received} received"),
            error,
        )
    }
}
