//! The sweep over the clients of a worker, which closes them for their silence, or for the end of the server.

use std::time::{Duration, Instant};

use crate::client::{CloseReason, Outcome};
use crate::clients::Entry;
use crate::lingering_close::LingeringClose;
use crate::shared::Phase;

/// A client silent for this long when the server is asked to finish is idle.
const IDLE: Duration = Duration::from_secs(2);

/// A client silent for this long while the server drains has fallen idle: longer than a busy machine
/// holds up a transfer.
const QUIET: Duration = Duration::from_millis(500);

/// How long a client that fell idle may take to close its side after the server has closed its own.
const LINGER: Duration = Duration::from_millis(500);

/// Between sweeps while the server ends.
const DRAIN_INTERVAL: Duration = Duration::from_millis(20);

/// Between sweeps for an idle time-out.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(10);
const LONGEST_INTERVAL: Duration = Duration::from_secs(1);

/// Time from one sweep to the next; `None` when no client has to be looked at.
pub(crate) fn interval(phase: Phase, idle_timeout: Option<Duration>) -> Option<Duration> {
    match phase {
        Phase::Running => {
            idle_timeout.map(|timeout| (timeout / 8).clamp(SHORTEST_INTERVAL, LONGEST_INTERVAL))
        }
        _ => Some(DRAIN_INTERVAL),
    }
}

/// One look at every client of a worker.
pub(crate) struct Sweep {
    pub(crate) phase: Phase,
    pub(crate) phase_since: Instant,
    /// `None` as well while the kernel holds further events, of clients that look silent.
    pub(crate) idle_timeout: Option<Duration>,
    pub(crate) now: Instant,
}

impl Sweep {
    /// Whether a client is left waiting, gets a turn with its lingering close, or is closed.
    pub(crate) fn judge(&self, entry: &mut Entry) -> Outcome {
        match &entry.lingering {
            Some(close) if self.phase == Phase::Cut || close.is_overdue(self.now) => {
                Outcome::Ended(close.reason)
            }
            Some(_) => Outcome::Waiting,
            None => self.judge_served(entry),
        }
    }

    fn judge_served(&self, entry: &mut Entry) -> Outcome {
        if self.idle_timeout.is_some() {
            entry.client.look_at_progress(self.now);
        }
        let is_silent = |time| !entry.is_ready && entry.client.is_silent_for(time, self.now);
        match self.phase {
            Phase::Running if self.idle_timeout.is_some_and(is_silent) => {
                Outcome::Ended(CloseReason::Idle)
            }
            Phase::Draining if is_silent(self.quiet()) && entry.client.has_its_echo() => {
                linger(entry, CloseReason::Drained, Some(self.now + LINGER))
            }
            Phase::Delivering => linger(entry, CloseReason::Cut, None),
            Phase::Cut => Outcome::Ended(CloseReason::Cut),
            _ => Outcome::Waiting,
        }
    }

    fn quiet(&self) -> Duration {
        if self.now < self.phase_since + QUIET {
            IDLE
        } else {
            QUIET
        }
    }
}

fn linger(entry: &mut Entry, reason: CloseReason, until: Option<Instant>) -> Outcome {
    entry.lingering = Some(LingeringClose::start(reason, until));
    Outcome::Ready
}
