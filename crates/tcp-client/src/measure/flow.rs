//! One connection, what all of them share, and when to stop waiting.

use std::io::{self, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Barrier, OnceLock};
use std::time::{Duration, Instant};

use netcommon::measurement::{Event, Live, Plan, Reply, Tally, Verdict};
use netcommon::output::Output;
use netcommon::shutdown::Shutdown;
use netcommon::{Error, ErrorKind};

use crate::expectation::Difference;

/// How often who waits looks whether it still should.
pub(super) const TICK: Duration = Duration::from_millis(100);

/// After Ctrl-C, how long replies that are under way may take.
const AFTER_INTERRUPT: Duration = Duration::from_secs(1);

/// What all connections share.
pub(super) struct Run {
    pub(super) plan: Plan,
    pub(super) output: Output,
    pub(super) live: Box<[Live]>,
    pub(super) shutdown: Shutdown,
    pub(super) server: String,
    ready: Barrier,
    start: OnceLock<Instant>,
}

impl Run {
    /// `threads` are to work, beside the one that watches them.
    pub(super) fn new(
        plan: Plan,
        output: Output,
        shutdown: Shutdown,
        server: String,
        threads: usize,
    ) -> Self {
        Self {
            live: Live::of_flows(plan.flows),
            plan,
            output,
            shutdown,
            server,
            ready: Barrier::new(threads + 1),
            start: OnceLock::new(),
        }
    }

    /// Waits until every thread is there; the start is the same for all.
    pub(super) fn begin(&self) -> Instant {
        self.ready.wait();
        *self.start.get_or_init(Instant::now)
    }
}

/// How a wait for replies ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum WaitEnd {
    /// They had their time.
    Overdue,
    /// The user did not want to wait.
    Interrupted,
}

/// What a connection leaves behind.
pub(super) struct Outcome {
    pub(super) tally: Tally,
    /// The first reply that differs, by the number of its message.
    pub(super) difference: Option<(u64, Difference)>,
    pub(super) error: Option<Error>,
}

/// One connection.
pub(super) struct Flow {
    pub(super) run: Arc<Run>,
    pub(super) index: u16,
    pub(super) stream: TcpStream,
    pub(super) tally: Tally,
    peer: SocketAddr,
    difference: Option<(u64, Difference)>,
    interrupted: Option<Instant>,
}

impl Flow {
    /// Waits on the connection end several times within the user's patience.
    pub(super) fn new(
        run: Arc<Run>,
        index: u16,
        stream: TcpStream,
        peer: SocketAddr,
    ) -> io::Result<Self> {
        let tick = (run.plan.patience() / 8).clamp(Duration::from_millis(1), TICK);
        stream.set_read_timeout(Some(tick))?;
        stream.set_write_timeout(Some(tick))?;
        Ok(Self {
            run,
            index,
            stream,
            tally: Tally::default(),
            peer,
            difference: None,
            interrupted: None,
        })
    }

    pub(super) fn live(&self) -> &Live {
        &self.run.live[usize::from(self.index)]
    }

    /// Whether to stop waiting for the replies to messages of which the last was sent at `since`;
    /// `None` waits for ever.
    pub(super) fn ends_wait(&mut self, since: Option<Instant>) -> Option<WaitEnd> {
        let (now, patience) = (Instant::now(), self.run.plan.patience());
        if self.run.shutdown.is_requested() {
            let since = *self.interrupted.get_or_insert(now);
            let over = now.duration_since(since) >= patience.min(AFTER_INTERRUPT);
            return over.then_some(WaitEnd::Interrupted);
        }
        since
            .is_some_and(|since| now.duration_since(since) >= patience)
            .then_some(WaitEnd::Overdue)
    }

    /// Counts the reply to message `number`, and shows it where that is wanted.
    pub(super) fn count_reply(
        &mut self,
        number: u64,
        latency: Option<Duration>,
        is_intact: bool,
    ) -> Result<(), Error> {
        let in_time = |latency| self.run.plan.wait.is_none_or(|wait| latency <= wait);
        let verdict = match is_intact {
            false => Verdict::Corrupted,
            true if latency.is_none_or(in_time) => Verdict::Received,
            true => Verdict::Late,
        };
        match verdict {
            Verdict::Corrupted => self.tally.counts.corrupted += 1,
            Verdict::Late => self.tally.counts.late += 1,
            _ => {
                self.tally.counts.received += 1;
                self.live().count_reply(latency);
                latency
                    .iter()
                    .for_each(|&latency| self.tally.latencies.record(latency));
            }
        }
        match self.run.plan.shows_replies {
            true => self.show_reply(number, latency.unwrap_or_default(), verdict),
            false => Ok(()),
        }
    }

    fn show_reply(&self, sequence: u64, latency: Duration, verdict: Verdict) -> Result<(), Error> {
        let reply = Reply {
            peer: self.peer,
            flow: self.index,
            sequence,
            bytes: self.run.plan.length,
            verdict,
            rtt_s: latency.as_secs_f64(),
        };
        let said = self.run.output.say(&Event::Reply(reply));
        // Without a reader, no connection has anything to measure for.
        said.inspect_err(|_| self.run.shutdown.request())
    }

    /// Keeps the first difference between a message and its reply; both begin at `offset` in it.
    pub(super) fn note_difference(&mut self, number: u64, offset: usize, sent: &[u8], came: &[u8]) {
        if self.difference.is_none() {
            let difference = Difference::between(offset as u64, sent, came);
            self.difference = difference.map(|difference| (number, difference));
        }
    }

    /// The connection ended before every reply was there.
    pub(super) fn closed_early(&self) -> Error {
        let (server, sent) = (&self.run.server, self.live().sent());
        let came = self.tally.counts.received;
        let message = format!("{server} closed early: {came} of {sent} replies came back");
        Error::new(ErrorKind::ClosedEarly, message)
    }

    pub(super) fn broken(&self, error: io::Error) -> Error {
        let (server, came) = (&self.run.server, self.tally.counts.received);
        Error::io(format!("lost {server} after {came} replies"), error)
    }

    /// Sums up: what is unanswered is lost, unless nobody waited for it.
    pub(super) fn finish(mut self, last: Duration, end: Result<Option<WaitEnd>, Error>) -> Outcome {
        let live = &self.run.live[usize::from(self.index)];
        let tally = &mut self.tally;
        tally.counts.sent = live.sent();
        (tally.bytes_sent, tally.bytes_received) = (live.bytes_sent(), live.bytes_received());
        tally.duration = last;
        let unanswered = tally.counts.unanswered();
        match end {
            Ok(Some(WaitEnd::Interrupted)) => tally.counts.in_flight = unanswered,
            _ => tally.counts.lost = unanswered,
        }
        Outcome {
            tally: self.tally,
            difference: self.difference,
            error: end.err(),
        }
    }
}

/// Writes `bytes` until they are written or nobody wants to go on; returns how many were.
pub(super) fn write_while(
    mut stream: &TcpStream,
    bytes: &[u8],
    go_on: impl Fn() -> bool,
) -> io::Result<usize> {
    let mut written = 0;
    while written < bytes.len() {
        match stream.write(&bytes[written..]) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => written += count,
            Err(error) if is_passing(&error) => {
                if !go_on() {
                    break;
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(written)
}

/// Whether a read or write only has to be tried again: a tick is over, or a signal came.
pub(super) fn is_passing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}
