//! Probe datagrams of measuring clients: which of each flow have arrived.
//!
//! # Layout
//!
//! - `flow`: one flow

mod flow;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use lru::LruCache;
use netcommon::datagrams::{Datagram, RecvMeta};
use netmeasure::probe::{Kind, Probe, Reading};

use crate::events::FlowSummary;
use flow::{Flow, Key};

/// Flows that are remembered; a further one takes the place of the one that has been silent longest.
pub(crate) const MAX_FLOWS: NonZeroUsize = NonZeroUsize::new(4096).unwrap();

/// Interval at which idle flows are searched for.
const SWEEP_INTERVAL: Duration = Duration::from_millis(500);

/// The flows of measuring clients. Each takes about 1 KB, whatever numbers its probes claim.
pub(crate) struct Probes {
    flows: LruCache<Key, Flow>,
    /// The flow that each sender was heard of last.
    latest: HashMap<SocketAddr, Key>,
    reports: Vec<FlowSummary>,
    forgotten: u64,
    /// Probes of the flows that made room for others, and closing probes of all.
    past: Totals,
    last_sweep: Option<Instant>,
}

/// Probes of all flows together. What a hostile sender claims to have sent may exceed any number.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Totals {
    /// Different ones that came, whole or damaged.
    pub(crate) came: u64,
    /// Those that never came.
    pub(crate) lost: u64,
    /// Closing probes, copies included.
    pub(crate) closing: u64,
}

impl Totals {
    fn add(&mut self, flow: &FlowSummary) {
        self.came += flow.received + flow.corrupted;
        self.lost = self.lost.saturating_add(flow.lost);
    }

    pub(crate) fn expected(&self) -> u64 {
        self.came.saturating_add(self.lost)
    }
}

impl Default for Probes {
    fn default() -> Self {
        Self {
            flows: LruCache::new(MAX_FLOWS),
            latest: HashMap::new(),
            reports: Vec::new(),
            forgotten: 0,
            past: Totals::default(),
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
        flow.record_unreadable();
        true
    }

    fn record_probe(&mut self, meta: &RecvMeta, probe: &Probe, is_intact: bool) -> bool {
        let key = Key {
            peer: meta.peer,
            run: probe.run,
            flow: probe.flow,
        };
        let is_known = self.flows.contains(&key);
        let is_closing = probe.kind == Kind::Closing;
        self.past.closing += u64::from(is_closing);
        if !is_known && is_closing {
            return true;
        }
        self.latest.insert(key.peer, key);
        if !is_known {
            self.add(key, Flow::new(probe.sequence));
        }
        if let Some(flow) = self.flows.get_mut(&key) {
            flow.record(probe, meta.time, is_intact);
        }
        true
    }

    /// Of a flood of forged senders, no more than a count is kept.
    fn add(&mut self, key: Key, flow: Flow) {
        let Some((evicted, flow)) = self.flows.push(key, flow) else {
            return;
        };
        if self.latest.get(&evicted.peer) == Some(&evicted) {
            self.latest.remove(&evicted.peer);
        }
        let summary = flow.summary(evicted);
        self.past.add(&summary);
        if !flow.is_reported {
            self.forgotten += 1;
            if flow.is_worth_telling() {
                self.reports.push(summary);
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
            self.report(|flow, is_over| flow.is_idle(is_over));
        }
        std::mem::take(&mut self.reports)
    }

    /// All flows with probes since their last summary.
    pub(crate) fn take_rest(&mut self) -> Vec<FlowSummary> {
        self.report(|_, _| true);
        std::mem::take(&mut self.reports)
    }

    /// Reports the flows that are due, given whether their sender is over to another run.
    fn report(&mut self, is_due: impl Fn(&Flow, bool) -> bool) {
        let latest = &self.latest;
        let is_over = |key: &Key| latest.get(&key.peer).is_some_and(|now| now.run != key.run);
        let flows = self.flows.iter_mut();
        let due = flows.filter(|(key, flow)| !flow.is_reported && is_due(flow, is_over(key)));
        let mut summaries: Vec<FlowSummary> = due
            .map(|(key, flow)| {
                flow.is_reported = true;
                flow.summary(*key)
            })
            .collect();
        summaries.sort_by_key(|summary| (summary.peer, summary.flow));
        self.reports.append(&mut summaries);
    }

    /// The probes of all flows so far; `None` if there were none.
    pub(crate) fn totals(&self) -> Option<Totals> {
        let mut totals = self.past;
        for (key, flow) in &self.flows {
            totals.add(&flow.summary(*key));
        }
        (totals.came > 0).then_some(totals)
    }

    /// Flows that made room for others before they were reported as ended.
    pub(crate) fn forgotten(&self) -> u64 {
        self.forgotten
    }
}
