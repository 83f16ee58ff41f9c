//! One flow: its counts, its replies, and when to stop waiting for more.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::{Event, Live, Reply, Run, Tally, Verdict};
use netcommon::error::Error;

/// After Ctrl-C, how long replies that are under way may take.
const AFTER_INTERRUPT: Duration = Duration::from_secs(1);

/// How a wait for replies ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitEnd {
    /// They had their time.
    Overdue,
    /// The user did not want to wait.
    Interrupted,
}

/// What a flow leaves behind.
pub struct Outcome {
    /// What it measured.
    pub tally: Tally,
    /// The first reply that was not what had been sent, in words.
    pub corruption: Option<String>,
    /// What ended it early.
    pub error: Option<Error>,
}

/// One flow, as its receiving side sees it.
pub struct Flow {
    /// What it shares with the others.
    pub run: Arc<Run>,
    /// Its number, from 0.
    pub index: u16,
    /// What it has measured so far, but for what [`Live`] counts.
    pub tally: Tally,
    /// The first reply that was not what had been sent, in words.
    pub corruption: Option<String>,
    peer: SocketAddr,
    interrupted: Option<Instant>,
}

impl Flow {
    /// A flow to `peer` that has measured nothing.
    pub fn new(run: Arc<Run>, index: u16, peer: SocketAddr) -> Self {
        Self {
            run,
            index,
            tally: Tally::default(),
            corruption: None,
            peer,
            interrupted: None,
        }
    }

    /// Its running counts.
    pub fn live(&self) -> &Live {
        &self.run.live[usize::from(self.index)]
    }

    /// Whether to stop waiting for the replies to messages of which the last was sent at `since`;
    /// `None` waits for ever.
    pub fn ends_wait(&mut self, since: Option<Instant>) -> Option<WaitEnd> {
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

    /// Counts the reply of `bytes` to message `number`, and shows it where that is wanted.
    ///
    /// # Errors
    ///
    /// A standard output that takes no more; the whole measurement is then asked to end.
    pub fn count_reply(
        &mut self,
        number: u64,
        bytes: usize,
        latency: Option<Duration>,
        verdict: Verdict,
    ) -> Result<(), Error> {
        let counts = &mut self.tally.counts;
        match verdict {
            Verdict::Corrupted => counts.corrupted += 1,
            Verdict::Late => counts.late += 1,
            Verdict::Duplicate => counts.duplicate += 1,
            Verdict::Received => {
                counts.received += 1;
                if let Some(latency) = latency {
                    self.tally.latencies.record(latency);
                }
                self.live().count_reply(latency);
            }
        }
        match self.run.plan.shows_replies {
            true => self.show_reply(number, bytes, latency.unwrap_or_default(), verdict),
            false => Ok(()),
        }
    }

    fn show_reply(
        &self,
        sequence: u64,
        bytes: usize,
        latency: Duration,
        verdict: Verdict,
    ) -> Result<(), Error> {
        let reply = Reply {
            peer: self.peer,
            flow: self.index,
            sequence,
            bytes,
            verdict,
            rtt_s: latency.as_secs_f64(),
        };
        let said = self.run.output.say(&Event::Reply(reply));
        // Without a reader, no flow has anything to measure for.
        said.inspect_err(|_| self.run.shutdown.request())
    }

    /// Sums up: what is unanswered is lost, unless nobody waited for it.
    pub fn finish(mut self, last: Duration, end: Result<Option<WaitEnd>, Error>) -> Outcome {
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
        live.set_lost(tally.counts.lost);
        Outcome {
            tally: self.tally,
            corruption: self.corruption,
            error: end.err(),
        }
    }
}
