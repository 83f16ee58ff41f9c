//! One flow of probes: which of them have arrived.

use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime};

use netmeasure::probe::{Kind, Probe};
use netmeasure::statistics::{Jitter, Order, Sequence};

use crate::events::FlowSummary;

/// Sequence numbers of a flow that are remembered, one bit each.
const WINDOW: usize = 8192;

/// Silence after which a flow is reported.
const IDLE_TIMEOUT: Duration = Duration::from_secs(5);

/// The same for a flow that is over by all appearances.
const CLOSED_TIMEOUT: Duration = Duration::from_secs(1);

/// A flow: a sender, which a proxy or a NAT may share with others, the run and the flow within it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) peer: SocketAddr,
    pub(super) run: u32,
    pub(super) flow: u16,
}

/// Arrivals of a flow.
pub(super) struct Flow {
    sequence: Sequence,
    /// The lowest number that arrived, from which on losses are told.
    began_at: u64,
    /// How many probes there were, as closing probes say.
    total: Option<u64>,
    received: u64,
    damaged: u64,
    unreadable: u64,
    jitter: Jitter,
    last_seen: Instant,
    pub(super) is_reported: bool,
}

impl Flow {
    pub(super) fn new(first: u64) -> Self {
        Self {
            sequence: Sequence::remembering(WINDOW),
            began_at: first,
            total: None,
            received: 0,
            damaged: 0,
            unreadable: 0,
            jitter: Jitter::default(),
            last_seen: Instant::now(),
            is_reported: false,
        }
    }

    pub(super) fn record(&mut self, probe: &Probe, time: Option<SystemTime>, is_intact: bool) {
        if probe.kind == Kind::Closing {
            // The second one says the same: nothing new is to be reported.
            if self.total.replace(probe.sequence) != Some(probe.sequence) {
                self.touch();
            }
            return;
        }
        self.touch();
        let order = self.sequence.note(probe.sequence);
        if !matches!(order, Order::InOrder | Order::Reordered) {
            return;
        }
        self.began_at = self.began_at.min(probe.sequence);
        if is_intact {
            self.received += 1;
            let time = time.unwrap_or_else(SystemTime::now);
            self.jitter.note(transit_ns(time, probe.sent_ns));
        } else {
            self.damaged += 1;
        }
    }

    fn touch(&mut self) {
        self.last_seen = Instant::now();
        self.is_reported = false;
    }

    /// Counts a probe whose header says nothing.
    pub(super) fn record_unreadable(&mut self) {
        self.unreadable += 1;
        self.touch();
    }

    /// Whether more than one probe came: one alone says nothing about losses.
    pub(super) fn is_worth_telling(&self) -> bool {
        self.sequence.unique() > 1
    }

    /// Whether it has been silent for long enough to be reported, sooner if its sender `is_over` to
    /// another run.
    pub(super) fn is_idle(&self, is_over: bool) -> bool {
        let timeout = if is_over || self.total.is_some() {
            CLOSED_TIMEOUT
        } else {
            IDLE_TIMEOUT
        };
        self.last_seen.elapsed() >= timeout
    }

    /// Losses are told from the first number that arrived to the last, or to the number of probes
    /// that there were. A number that came too late to tell is not missing.
    pub(super) fn summary(&self, key: Key) -> FlowSummary {
        let sequence = &self.sequence;
        let last = sequence.highest().max(self.total.unwrap_or_default());
        let expected = last.saturating_add(1).saturating_sub(self.began_at);
        FlowSummary {
            peer: key.peer.into(),
            run: format!("{:08x}", key.run),
            flow: key.flow,
            began_at: self.began_at,
            received: self.received,
            lost: expected.saturating_sub(sequence.unique() + sequence.forgotten()),
            corrupted: self.damaged,
            duplicate: sequence.duplicates(),
            reordered: sequence.reordered(),
            unmatched: self.unreadable + sequence.forgotten(),
            jitter_s: self.jitter.estimate().map(|jitter| jitter.as_secs_f64()),
        }
    }
}

/// The time of arrival by this machine's clock less the time of sending by the sender's: only its
/// variation means anything.
fn transit_ns(arrived: SystemTime, sent_ns: u64) -> i128 {
    let arrived = arrived.duration_since(SystemTime::UNIX_EPOCH);
    let arrived = arrived.unwrap_or_default().as_nanos();
    i128::try_from(arrived).unwrap_or(i128::MAX) - i128::from(sent_ns)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(sequence: u64) -> Probe {
        Probe {
            kind: Kind::Message,
            run: 7,
            flow: 0,
            sequence,
            due_ns: 0,
            sent_ns: sequence * 1_000,
        }
    }

    fn closing(total: u64) -> Probe {
        Probe {
            kind: Kind::Closing,
            ..message(total)
        }
    }

    fn counts(probes: &[Probe]) -> [u64; 5] {
        let mut flow = Flow::new(probes[0].sequence);
        probes
            .iter()
            .for_each(|probe| flow.record(probe, None, true));
        let summary = flow.summary(Key {
            peer: "127.0.0.1:9".parse().unwrap(),
            run: 7,
            flow: 0,
        });
        [
            summary.began_at,
            summary.received,
            summary.lost,
            summary.reordered,
            summary.unmatched,
        ]
    }

    #[test]
    fn a_lost_tail_is_known_from_the_closing_probe() {
        assert_eq!(counts(&[message(1), message(3)]), [1, 2, 1, 0, 0]);
        assert_eq!(
            counts(&[message(1), message(3), closing(10)]),
            [1, 2, 8, 0, 0]
        );
    }

    #[test]
    fn what_came_before_the_server_is_not_lost() {
        assert_eq!(counts(&[message(250), message(252)]), [250, 2, 1, 0, 0]);
        assert_eq!(
            counts(&[message(2), message(1), message(3)]),
            [1, 3, 0, 1, 0]
        );
    }

    #[test]
    fn a_number_too_old_to_tell_is_unmatched_and_not_lost() {
        let far = WINDOW as u64 + 100;
        assert_eq!(
            counts(&[message(1), message(far), message(2)]),
            [1, 2, far - 3, 0, 1]
        );
    }
}
