//! Messages by state.

use std::ops::{Add, AddAssign, Sub};

use serde::Serialize;

/// The messages by state, of a run, of one flow, or of an interval.
///
/// Each message that was sent is in exactly one of `received`, `late`, `lost`, `corrupted` and
/// `in_flight`: `sent` is their sum. Apart from the messages stand `unsent`, and the replies that
/// decide nothing: `duplicate`, `reordered` (among the received and the late) and `unmatched`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Handed to the kernel.
    pub sent: u64,
    /// Answered with the bytes that were sent, within `-w`.
    pub received: u64,
    /// Answered with the bytes that were sent, after `-w`.
    pub late: u64,
    /// Given up: older than `-w`, without a reply.
    pub lost: u64,
    /// Answered with other bytes.
    pub corrupted: u64,
    /// Younger than `-w`, without a reply, when the run was interrupted.
    pub in_flight: u64,
    /// Due and never sent.
    pub unsent: u64,
    /// Further replies to messages that had one.
    pub duplicate: u64,
    /// Replies that came behind the reply to a later message.
    pub reordered: u64,
    /// Datagrams or bytes of the peer that answer no message of this run: unreadable, foreign, or
    /// too old to tell.
    pub unmatched: u64,
    /// Payload bytes sent.
    pub bytes_sent: u64,
    /// Payload bytes received, in replies of whatever worth.
    pub bytes_received: u64,
}

impl Counts {
    /// Messages of which it is known what became of them.
    pub fn decided(&self) -> u64 {
        self.received + self.late + self.lost + self.corrupted
    }

    /// Messages that were due and had their time: those in flight did not.
    pub fn due(&self) -> u64 {
        (self.sent + self.unsent).saturating_sub(self.in_flight)
    }

    /// Those that are due and were not answered rightly and in time.
    pub fn missed(&self) -> u64 {
        self.due().saturating_sub(self.received)
    }

    /// `received` of those due, in percent; 0 of nothing.
    pub fn in_time_percent(&self) -> f64 {
        percent(self.received, self.due())
    }

    /// `lost` of those sent that had their time, in percent.
    pub fn loss_percent(&self) -> f64 {
        percent(self.lost, self.sent.saturating_sub(self.in_flight))
    }
}

/// A part of a whole, in percent; 0 of nothing.
pub fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        return 0.0;
    }
    part as f64 * 100.0 / whole as f64
}

impl Counts {
    fn zip(self, other: Self, op: impl Fn(u64, u64) -> u64) -> Self {
        Self {
            sent: op(self.sent, other.sent),
            received: op(self.received, other.received),
            late: op(self.late, other.late),
            lost: op(self.lost, other.lost),
            corrupted: op(self.corrupted, other.corrupted),
            in_flight: op(self.in_flight, other.in_flight),
            unsent: op(self.unsent, other.unsent),
            duplicate: op(self.duplicate, other.duplicate),
            reordered: op(self.reordered, other.reordered),
            unmatched: op(self.unmatched, other.unmatched),
            bytes_sent: op(self.bytes_sent, other.bytes_sent),
            bytes_received: op(self.bytes_received, other.bytes_received),
        }
    }
}

impl Add for Counts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        self.zip(other, u64::wrapping_add)
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Counts {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self.zip(other, u64::wrapping_sub)
    }
}
