//! What became of the messages.

use std::ops::AddAssign;
use std::time::Duration;

use serde::Serialize;

use crate::statistics::Latencies;

/// What became of the messages. Each that was sent is in just one of `received`, `lost`, `late`,
/// `corrupted` and `in_flight`; duplicates come on top, and reordered ones are among the received
/// and the late.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Handed to the kernel.
    pub sent: u64,
    /// Answered in time with the bytes that were sent.
    pub received: u64,
    /// Not answered, though there was time.
    pub lost: u64,
    /// Answered, but after the time for it (`-w`).
    pub late: u64,
    /// Replies to messages that had been answered.
    pub duplicate: u64,
    /// Replies that came after the reply to a later message.
    pub reordered: u64,
    /// Answered with other bytes.
    pub corrupted: u64,
    /// Not answered when the user ended the wait.
    pub in_flight: u64,
    /// Due, but never sent: the path did not take them as fast as they were due.
    pub unsent: u64,
}

impl Counts {
    /// The share of the sent messages that are lost, in percent.
    pub fn loss_percent(&self) -> f64 {
        match self.sent {
            0 => 0.0,
            sent => self.lost as f64 * 100.0 / sent as f64,
        }
    }

    /// Sent messages without any reply so far.
    pub fn unanswered(&self) -> u64 {
        let answered = self.received + self.late + self.corrupted;
        self.sent.saturating_sub(answered)
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.sent += other.sent;
        self.received += other.received;
        self.lost += other.lost;
        self.late += other.late;
        self.duplicate += other.duplicate;
        self.reordered += other.reordered;
        self.corrupted += other.corrupted;
        self.in_flight += other.in_flight;
        self.unsent += other.unsent;
    }
}

/// What a flow, or all of them together, measured.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// What became of the messages.
    pub counts: Counts,
    /// Payload bytes sent.
    pub bytes_sent: u64,
    /// Payload bytes received.
    pub bytes_received: u64,
    /// The round trips of the received messages.
    pub latencies: Latencies,
    /// Interarrival jitter of the replies (RFC 3550); of several flows the largest.
    pub jitter: Option<Duration>,
    /// From the start to the last message sent or received.
    pub duration: Duration,
}

impl Tally {
    /// Adds another flow's.
    pub fn merge(&mut self, other: &Self) {
        self.counts += other.counts;
        self.bytes_sent += other.bytes_sent;
        self.bytes_received += other.bytes_received;
        self.latencies.merge(&other.latencies);
        self.jitter = self.jitter.max(other.jitter);
        self.duration = self.duration.max(other.duration);
    }
}
