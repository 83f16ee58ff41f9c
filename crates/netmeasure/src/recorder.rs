//! The one place that counts: what became of each message of a flow.
//!
//! A message is known by its number, from 1, and by when it was due and when it was sent. Messages
//! that left in one call share an entry, a bit each, so that ten million a second can be remembered
//! for as long as their replies may take.

use std::collections::VecDeque;
use std::time::Duration;

use crate::counts::Counts;
use crate::plan::Plan;
use crate::schedule::FlowSchedule;
use crate::statistics::Jitter;

/// Messages of one entry at most: a bit each.
pub const MAX_BATCH: usize = 64;

/// Entries of one flow at most, in some 170 MB: a flow that has as many messages under way waits.
const MAX_BATCHES: usize = 1 << 22;

/// How much longer than `-w` a datagram's reply is recognised, at least; else twice `-w`.
const LATENESS: Duration = Duration::from_secs(1);

/// Verdict on a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// In time, with the bytes that were sent.
    Received,
    /// After the time for it, with the bytes that were sent.
    Late,
    /// Not the first to its message.
    Duplicate,
    /// With other bytes.
    Corrupted,
    /// To no message of this run.
    Unmatched,
}

/// A reply, judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The number of its message, where there is one.
    pub number: Option<u64>,
    /// Its length.
    pub bytes: usize,
    /// The verdict on it.
    pub verdict: Verdict,
    /// From when the message was due, or else sent, to when the reply arrived.
    pub round_trip: Option<Duration>,
}

/// When a message was due and when it was sent, from the start of the measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// By the schedule; without a clock, when it was sent.
    pub due: Duration,
    /// Handed to the kernel.
    pub sent: Duration,
}

/// The messages of one flow.
pub struct Recorder {
    wait: Duration,
    /// How long after sending a message is remembered; `None` until it is answered.
    memory: Option<Duration>,
    schedule: Option<FlowSchedule>,
    batches: VecDeque<Batch>,
    next: u64,
    highest_answered: u64,
    counts: Counts,
    jitter: Jitter,
}

/// Messages that were sent by one call, at places in the schedule one behind the other.
#[derive(Clone, Copy, Debug)]
struct Batch {
    first: u64,
    place: u64,
    count: u64,
    sent: Duration,
    /// A bit for each message that is undecided.
    open: u64,
}

impl Recorder {
    /// For a flow (from 0) of the plan. Over a path that `loses` messages, one that stays
    /// unanswered is given up in the middle of a run too, and forgotten.
    pub fn new(plan: &Plan, flow: u16, loses: bool) -> Self {
        Self {
            wait: plan.wait,
            memory: loses.then(|| plan.wait.saturating_add(plan.wait.max(LATENESS))),
            schedule: plan.schedule(flow),
            batches: VecDeque::new(),
            next: 1,
            highest_answered: 0,
            counts: Counts::default(),
            jitter: Jitter::default(),
        }
    }

    /// The number of the next message.
    pub fn next_number(&self) -> u64 {
        self.next
    }

    /// When the message at `place` of the schedule is due; without a clock, when it is sent.
    pub fn due(&self, place: u64, sent: Duration) -> Duration {
        self.schedule.map_or(sent, |schedule| schedule.due(place))
    }

    /// Counts messages, at most [`MAX_BATCH`], that were sent at `sent`, the first of them at
    /// `place` of the schedule.
    pub fn sent(&mut self, place: u64, count: usize, sent: Duration) {
        let count = count as u64;
        if count == 0 {
            return;
        }
        self.batches.push_back(Batch {
            first: self.next,
            place,
            count,
            sent,
            open: u64::MAX >> (MAX_BATCH as u64 - count),
        });
        self.next += count;
        self.counts.sent += count;
    }

    /// Counts payload bytes handed to the kernel.
    pub fn bytes_sent(&mut self, bytes: usize) {
        self.counts.bytes_sent += bytes as u64;
    }

    /// Counts payload bytes that came.
    pub fn bytes_received(&mut self, bytes: usize) {
        self.counts.bytes_received += bytes as u64;
    }

    /// Counts messages that were due and will not be sent.
    pub fn unsent(&mut self, count: u64) {
        self.counts.unsent += count;
    }

    /// When a message was due and sent; `None` of one that was not sent, or is forgotten.
    pub fn times(&self, number: u64) -> Option<Times> {
        let batch = &self.batches[self.position(number)?];
        Some(self.times_in(batch, number))
    }

    fn times_in(&self, batch: &Batch, number: u64) -> Times {
        let place = batch.place + (number - batch.first);
        Times {
            due: self.due(place, batch.sent),
            sent: batch.sent,
        }
    }

    fn position(&self, number: u64) -> Option<usize> {
        let behind = self.batches.partition_point(|batch| batch.first <= number);
        let position = behind.checked_sub(1)?;
        let batch = &self.batches[position];
        (number - batch.first < batch.count).then_some(position)
    }

    /// Judges the reply of `bytes` to message `number` that arrived at `arrived`; `is_right` says
    /// whether it holds what was sent. The first reply decides what became of the message.
    pub fn reply(&mut self, number: u64, arrived: Duration, bytes: usize, is_right: bool) -> Reply {
        let Some(position) = self.position(number) else {
            return self.unmatched(bytes);
        };
        let times = self.times_in(&self.batches[position], number);
        let round_trip = arrived.saturating_sub(times.due);
        let batch = &mut self.batches[position];
        let bit = 1 << (number - batch.first);
        let is_first = batch.open & bit != 0;
        batch.open &= !bit;
        let verdict = if !is_first {
            Verdict::Duplicate
        } else if !is_right {
            Verdict::Corrupted
        } else {
            self.answered(number, round_trip)
        };
        self.count(verdict);
        self.forget_decided();
        Reply {
            number: Some(number),
            bytes,
            verdict,
            round_trip: Some(round_trip),
        }
    }

    fn answered(&mut self, number: u64, round_trip: Duration) -> Verdict {
        self.jitter.note(round_trip.as_nanos() as i128);
        if number < self.highest_answered {
            self.counts.reordered += 1;
        }
        self.highest_answered = self.highest_answered.max(number);
        if round_trip <= self.wait {
            Verdict::Received
        } else {
            Verdict::Late
        }
    }

    /// Counts a reply to no message of this run.
    pub fn unmatched(&mut self, bytes: usize) -> Reply {
        self.count(Verdict::Unmatched);
        Reply {
            number: None,
            bytes,
            verdict: Verdict::Unmatched,
            round_trip: None,
        }
    }

    fn count(&mut self, verdict: Verdict) {
        let counts = &mut self.counts;
        let count = match verdict {
            Verdict::Received => &mut counts.received,
            Verdict::Late => &mut counts.late,
            Verdict::Duplicate => &mut counts.duplicate,
            Verdict::Corrupted => &mut counts.corrupted,
            Verdict::Unmatched => &mut counts.unmatched,
        };
        *count += 1;
    }

    /// Where nothing is lost, nothing comes twice either.
    fn forget_decided(&mut self) {
        while self.memory.is_none() && self.batches.front().is_some_and(|batch| batch.open == 0) {
            self.batches.pop_front();
        }
    }

    /// Gives up, and forgets, the messages that are too old at `now` for a reply to be recognised.
    pub fn expire(&mut self, now: Duration) {
        let Some(memory) = self.memory else {
            return;
        };
        let is_old = |batch: &Batch| now.saturating_sub(batch.sent) > memory;
        while let Some(batch) = self.batches.front().filter(|batch| is_old(batch)) {
            self.counts.lost += u64::from(batch.open.count_ones());
            self.batches.pop_front();
        }
    }

    /// Whether no further messages can be remembered.
    pub fn is_full(&self) -> bool {
        self.batches.len() >= MAX_BATCHES
    }

    /// Messages of which it is not known yet what becomes of them.
    pub fn undecided(&self) -> u64 {
        self.counts.sent - self.counts.decided()
    }

    /// Until when a closed loop waits for the reply to the last message; `None` once it is there.
    pub fn waits_until(&self) -> Option<Duration> {
        let last = self.batches.back()?;
        let bit = 1 << (last.count - 1);
        (last.open & bit != 0).then(|| self.deadline(last))
    }

    /// When every message that was sent has had its time.
    pub fn settles_at(&self) -> Duration {
        let last = self.batches.back();
        last.map_or(Duration::ZERO, |last| self.deadline(last))
    }

    fn deadline(&self, batch: &Batch) -> Duration {
        let last = self.times_in(batch, batch.first + batch.count - 1);
        last.due.saturating_add(self.wait)
    }

    /// The messages decided so far: `sent` counts those alone.
    pub fn snapshot(&self) -> Counts {
        Counts {
            sent: self.counts.decided(),
            ..self.counts
        }
    }

    /// Decides the rest at the end of the run. After an interrupt at `interrupted`, messages that
    /// were younger than `-w` then are in flight; all others are given up.
    pub fn finish(&mut self, interrupted: Option<Duration>) -> Counts {
        let young = |recorder: &Self, batch: &Batch, number| {
            let due = recorder.times_in(batch, number).due;
            interrupted.is_some_and(|at| at < due.saturating_add(recorder.wait))
        };
        for batch in std::mem::take(&mut self.batches) {
            let open = (0..batch.count).filter(|bit| batch.open & (1 << bit) != 0);
            for number in open.map(|bit| batch.first + bit) {
                let is_young = young(self, &batch, number);
                self.counts.in_flight += u64::from(is_young);
                self.counts.lost += u64::from(!is_young);
            }
        }
        self.counts
    }

    /// The counts as they are; `sent` includes the undecided.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Interarrival jitter of the right replies (RFC 3550).
    pub fn jitter(&self) -> Option<Duration> {
        self.jitter.estimate()
    }
}

#[cfg(test)]
mod tests;
