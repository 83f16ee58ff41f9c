//! Probe datagrams of measuring clients: what of each flow has arrived.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant, SystemTime};

use lru::LruCache;
use netcommon::address::to_canonical;
use netcommon::datagrams::{Datagram, RecvMeta};
use netmeasure::probe::{Kind, Probe, Reading};
use netmeasure::statistics::{Jitter, Order, Sequence};

use crate::events::FlowSummary;

/// Flows that are remembered; a further one takes the place of the one that has been silent longest.
pub(crate) const MAX_FLOWS: NonZeroUsize = NonZeroUsize::new(4096).unwrap();

/// Sequence numbers of a flow that are remembered, one bit each.
const WINDOW: usize = 8192;

/// Silence after which a flow is reported.
const IDLE_TIMEOUT: Duration = Duration::from_secs(5);

/// The same for a flow that has said how many probes there were.
const CLOSED_TIMEOUT: Duration = Duration::from_secs(1);

/// Interval at which idle flows are searched for.
const SWEEP_INTERVAL: Duration = Duration::from_millis(500);

/// A flow: a sender, which a proxy or a NAT may share with others, the run and the flow within it.
type Key = (SocketAddr, u32, u16);

/// The flows of measuring clients. Each takes about 1 KB, whatever numbers its probes claim.
pub(crate) struct Probes {
    flows: LruCache<Key, Flow>,
    /// The flow that each sender was heard of last.
    latest: HashMap<SocketAddr, Key>,
    reports: Vec<FlowSummary>,
    forgotten: u64,
    last_sweep: Option<Instant>,
}

/// What has arrived of a flow.
struct Flow {
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
    is_reported: bool,
}

impl Default for Probes {
    fn default() -> Self {
        Self {
            flows: LruCache::new(MAX_FLOWS),
            latest: HashMap::new(),
            reports: Vec::new(),
            forgotten: 0,
            last_sweep: None,
        }
    }
}

impl Probes {
    /// Counts a datagram if it is a probe; false if it is not.
    pub(crate) fn record(&mut self, datagram: Datagram<'_>) -> bool {
        match Probe::decode(datagram.payload) {
            Reading::Foreign => false,
            Reading::Unreadable => self.record_unreadable(datagram.meta.peer),
            Reading::Probe(probe) => self.record_probe(datagram.meta, &probe, true),
            Reading::Damaged(probe) => self.record_probe(datagram.meta, &probe, false),
        }
    }

    /// Only from the sender of a known flow is it taken for a probe.
    fn record_unreadable(&mut self, peer: SocketAddr) -> bool {
        let flow = self.latest.get(&peer).copied();
        let Some(flow) = flow.and_then(|key| self.flows.get_mut(&key)) else {
            return false;
        };
        flow.unreadable += 1;
        flow.touch();
        true
    }

    fn record_probe(&mut self, meta: &RecvMeta, probe: &Probe, is_intact: bool) -> bool {
        let key = (meta.peer, probe.run, probe.flow);
        let is_known = self.flows.contains(&key);
        if !is_known && probe.kind == Kind::Closing {
            return true;
        }
        self.report_former_run(key);
        if !is_known {
            self.add(key, Flow::new(probe.sequence));
        }
        if let Some(flow) = self.flows.get_mut(&key) {
            flow.record(probe, meta.time, is_intact);
        }
        true
    }

    /// A sender that begins another run has ended the one before.
    fn report_former_run(&mut self, key: Key) {
        let Some(former) = self.latest.insert(key.0, key) else {
            return;
        };
        let is_over = former.1 != key.1;
        if let Some(flow) = self
            .flows
            .peek_mut(&former)
            .filter(|flow| is_over && !flow.is_reported)
        {
            flow.is_reported = true;
            self.reports.push(flow.summary(former));
        }
    }

    /// Of a flood of forged senders, no more than a count is kept.
    fn add(&mut self, key: Key, flow: Flow) {
        let Some((evicted, flow)) = self.flows.push(key, flow) else {
            return;
        };
        if self.latest.get(&evicted.0) == Some(&evicted) {
            self.latest.remove(&evicted.0);
        }
        if !flow.is_reported {
            self.forgotten += 1;
            if flow.sequence.unique() > 1 {
                self.reports.push(flow.summary(evicted));
            }
        }
    }

    /// Whether a summary is due sooner or later.
    pub(crate) fn are_unreported(&self) -> bool {
        self.flows.iter().any(|(_, flow)| !flow.is_reported)
    }

    /// The flows that ended, made room for others, or have fallen idle since their last summary.
    pub(crate) fn take_reports(&mut self) -> Vec<FlowSummary> {
        let last = self.last_sweep;
        if !self.flows.is_empty() && last.is_none_or(|last| last.elapsed() >= SWEEP_INTERVAL) {
            self.last_sweep = Some(Instant::now());
            self.report(Flow::is_idle);
        }
        std::mem::take(&mut self.reports)
    }

    /// All flows with probes since their last summary.
    pub(crate) fn take_rest(&mut self) -> Vec<FlowSummary> {
        self.report(|_| true);
        std::mem::take(&mut self.reports)
    }

    fn report(&mut self, is_due: impl Fn(&Flow) -> bool) {
        let flows = self.flows.iter_mut();
        let due = flows.filter(|(_, flow)| !flow.is_reported && is_due(flow));
        let mut summaries: Vec<FlowSummary> = due
            .map(|(key, flow)| {
                flow.is_reported = true;
                flow.summary(*key)
            })
            .collect();
        summaries.sort_by_key(|summary| (summary.peer, summary.flow));
        self.reports.append(&mut summaries);
    }

    /// Flows that made room for others before they were reported as ended.
    pub(crate) fn forgotten(&self) -> u64 {
        self.forgotten
    }
}

impl Flow {
    fn new(first: u64) -> Self {
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

    fn record(&mut self, probe: &Probe, time: Option<SystemTime>, is_intact: bool) {
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

    fn is_idle(&self) -> bool {
        let timeout = if self.total.is_some() {
            CLOSED_TIMEOUT
        } else {
            IDLE_TIMEOUT
        };
        self.last_seen.elapsed() >= timeout
    }

    /// Losses are told from the first number that arrived to the last, or to the number of probes
    /// that there were. A number that came too late to tell is not missing.
    fn summary(&self, (peer, run, flow): Key) -> FlowSummary {
        let sequence = &self.sequence;
        let last = sequence.highest().max(self.total.unwrap_or_default());
        let expected = last.saturating_add(1).saturating_sub(self.began_at);
        FlowSummary {
            peer: to_canonical(peer),
            run: format!("{run:08x}"),
            flow,
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
        let summary = flow.summary(("127.0.0.1:9".parse().unwrap(), 7, 0));
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
