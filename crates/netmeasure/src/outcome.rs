//! Results of a measurement's threads.

use std::time::Duration;

use netcommon::Error;
use netcommon::host::HostCount;
use netcommon::socket::held_up::{HeldUp, sum};
use netcommon::socket::sent_bytes::SentBytes;

use crate::counts::Counts;
use crate::statistics::{Buckets, Latencies};

/// A message of a measuring thread to the one that reports.
pub enum News {
    /// An interval is over.
    Interval(Box<Progress>),
    /// All its flows are done.
    Done(Box<Outcome>),
}

/// How far a thread's flows are at the end of an interval.
#[derive(Clone, Copy, Debug, Default)]
pub struct Progress {
    /// Everything that is decided since the start.
    pub counts: Counts,
    /// Bytes that TCP has sent since the start, where the kernel tells.
    pub bytes: Option<SentBytes>,
    /// Round trips of the interval alone.
    pub trips: Trips,
    /// Round trips since the start, where metrics are written.
    pub buckets: Buckets,
}

impl Progress {
    /// Adds that of another thread.
    pub fn merge(&mut self, other: Self) {
        self.counts += other.counts;
        self.bytes = sum(self.bytes, other.bytes);
        self.trips.merge(other.trips);
        self.buckets.merge(&other.buckets);
    }

    /// The difference to an earlier one.
    #[must_use]
    pub fn since(self, earlier: &Self) -> Self {
        let before = earlier.bytes.unwrap_or_default();
        Self {
            counts: self.counts - earlier.counts,
            bytes: self.bytes.map(|bytes| bytes - before),
            ..self
        }
    }
}

/// Round trips of an interval.
#[derive(Clone, Copy, Debug, Default)]
pub struct Trips {
    /// How many.
    pub count: u64,
    /// Their sum.
    pub sum: Duration,
    /// The longest.
    pub max: Duration,
}

impl Trips {
    /// Counts one.
    pub fn record(&mut self, round_trip: Duration) {
        self.count += 1;
        self.sum += round_trip;
        self.max = self.max.max(round_trip);
    }

    /// Adds those of another thread.
    pub fn merge(&mut self, other: Self) {
        self.count += other.count;
        self.sum += other.sum;
        self.max = self.max.max(other.max);
    }
}

/// A flow that ended before its time.
#[derive(Debug)]
pub struct Broken {
    /// Its number, from 0.
    pub flow: u16,
    /// Why.
    pub error: Error,
}

/// Results of the flows of a thread, or of all of them together.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Messages by state.
    pub counts: Counts,
    /// Round trips of the messages that were rightly answered, in time or late.
    pub latencies: Latencies,
    /// How long after they were due messages were sent; empty without a clock.
    pub lag: Latencies,
    /// How long replies waited in this machine between the kernel's time stamp and this program.
    pub waiting: Latencies,
    /// The round trips of `latencies` with that wait, as far as it is known.
    pub latencies_with_waiting: Latencies,
    /// Interarrival jitter of the replies (RFC 3550); of several flows the largest.
    pub jitter: Option<Duration>,
    /// From the start to the last message sent or received.
    pub last: Duration,
    /// The first reply that was not what had been sent, in words.
    pub corruption: Option<String>,
    /// The first error that cost messages and did not end a flow.
    pub passing: Option<Error>,
    /// Flows that ended before their time.
    pub broken: Vec<Broken>,
    /// Replies that the kernel dropped on this side, where it tells.
    pub dropped: Option<u64>,
    /// Whether the kernel joined replies: then one that it dropped may have been several.
    pub is_coalesced: bool,
    /// Tries to send for which the kernel had no room.
    pub refused: u64,
    /// Packets that this machine dropped outside the sockets meanwhile, at most; `None` where nothing
    /// is lost.
    pub host_drops: Option<HostCount>,
    /// Causes that held the sending up, over TCP where the kernel tells.
    pub held_up: Option<HeldUp>,
    /// Round trips since the last interval.
    pub interval_trips: Trips,
}

impl Outcome {
    /// How far flows are that are done; round trips are those since the last interval.
    pub fn progress(&self) -> Progress {
        Progress {
            counts: self.counts,
            bytes: self.held_up.and_then(|held_up| held_up.bytes()),
            trips: self.interval_trips,
            buckets: self.latencies.buckets(),
        }
    }

    /// Adds what another thread found.
    pub fn merge(&mut self, other: Self) {
        self.counts += other.counts;
        self.latencies.merge(&other.latencies);
        self.lag.merge(&other.lag);
        self.waiting.merge(&other.waiting);
        self.latencies_with_waiting
            .merge(&other.latencies_with_waiting);
        self.jitter = self.jitter.max(other.jitter);
        self.last = self.last.max(other.last);
        self.corruption = self.corruption.take().or(other.corruption);
        self.passing = self.passing.take().or(other.passing);
        self.broken.extend(other.broken);
        self.dropped = sum(self.dropped, other.dropped);
        self.is_coalesced |= other.is_coalesced;
        self.refused += other.refused;
        self.held_up = sum(self.held_up, other.held_up);
    }
}
