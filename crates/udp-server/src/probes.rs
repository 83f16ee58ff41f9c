//! Probe datagrams of measuring clients, counted by flow.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime};

use netcommon::address::to_canonical;
use netcommon::datagrams::{Datagram, RecvMeta};
use netmeasure::probe::{Probe, Reading};
use netmeasure::statistics::{Jitter, Order, Sequence};

use crate::events::FlowSummary;

/// Flows that are tracked; the probes of more are only counted.
const MAX_FLOWS: usize = 1024;

/// Sequence numbers of a flow that are remembered, one bit each.
const WINDOW: usize = 8192;

/// Silence after which a flow is reported, and may be forgotten in favour of another.
const IDLE_TIMEOUT: Duration = Duration::from_secs(5);

/// Interval at which idle flows are searched for.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);

/// The flows of measuring clients, by the address of their sender. Each takes about 1 KB, whatever
/// numbers its probes claim.
#[derive(Default)]
pub(crate) struct Probes {
    flows: HashMap<SocketAddr, Flow>,
    untracked: u64,
    last_sweep: Option<Instant>,
}

/// One source port in one run.
struct Flow {
    run: u32,
    index: u16,
    sequence: Sequence,
    received: u64,
    damaged: u64,
    unreadable: u64,
    jitter: Jitter,
    last_seen: Instant,
    is_reported: bool,
}

/// The kind of a datagram.
pub(crate) enum Class {
    /// Not a probe.
    Message,
    /// A probe, which is counted.
    Probe,
    /// The first probe of a new run: the summary of its sender's former one.
    NewRun(FlowSummary),
}

impl Probes {
    /// Counts a datagram if it is a probe.
    pub(crate) fn record(&mut self, datagram: Datagram<'_>) -> Class {
        match Probe::decode(datagram.payload) {
            Reading::Foreign => Class::Message,
            Reading::Unreadable => self.record_unreadable(datagram.meta.peer),
            Reading::Probe(probe) => self.record_probe(datagram.meta, &probe, true),
            Reading::Damaged(probe) => self.record_probe(datagram.meta, &probe, false),
        }
    }

    /// An unreadable probe counts as one only from the sender of a known flow.
    fn record_unreadable(&mut self, peer: SocketAddr) -> Class {
        match self.flows.get_mut(&peer) {
            Some(flow) => {
                flow.unreadable += 1;
                flow.touch();
                Class::Probe
            }
            None => Class::Message,
        }
    }

    fn record_probe(&mut self, meta: &RecvMeta, probe: &Probe, is_intact: bool) -> Class {
        if !self.flows.contains_key(&meta.peer) && !self.has_room() {
            self.untracked += 1;
            return Class::Probe;
        }
        let flow = self.flows.entry(meta.peer);
        let flow = flow.or_insert_with(|| Flow::new(probe));
        let mut class = Class::Probe;
        if (flow.run, flow.index) != (probe.run, probe.flow) {
            class = Class::NewRun(flow.summary(meta.peer));
            *flow = Flow::new(probe);
        }
        flow.record(probe, meta.time, is_intact);
        class
    }

    /// A sweep takes a while: in a crowd, not every probe causes one.
    fn has_room(&mut self) -> bool {
        if self.flows.len() >= MAX_FLOWS && self.untracked.is_multiple_of(MAX_FLOWS as u64) {
            self.flows
                .retain(|_, flow| !(flow.is_reported && flow.is_idle()));
        }
        self.flows.len() < MAX_FLOWS
    }

    /// Whether a summary is due sooner or later.
    pub(crate) fn are_unreported(&self) -> bool {
        self.flows.values().any(|flow| !flow.is_reported)
    }

    /// The flows that have fallen idle since their last summary, if a sweep is due.
    pub(crate) fn idle_flows(&mut self) -> Vec<FlowSummary> {
        let last = self.last_sweep;
        if self.flows.is_empty() || last.is_some_and(|last| last.elapsed() < SWEEP_INTERVAL) {
            return Vec::new();
        }
        self.last_sweep = Some(Instant::now());
        self.report(Flow::is_idle)
    }

    /// All flows with probes since their last summary.
    pub(crate) fn unreported_flows(&mut self) -> Vec<FlowSummary> {
        self.report(|_| true)
    }

    fn report(&mut self, is_due: impl Fn(&Flow) -> bool) -> Vec<FlowSummary> {
        let flows = self.flows.iter_mut();
        let due = flows.filter(|(_, flow)| !flow.is_reported && is_due(flow));
        let mut summaries: Vec<FlowSummary> = due
            .map(|(&peer, flow)| {
                flow.is_reported = true;
                flow.summary(peer)
            })
            .collect();
        summaries.sort_by_key(|summary| summary.peer);
        summaries
    }

    /// Probes of flows for which there was no room.
    pub(crate) fn untracked(&self) -> u64 {
        self.untracked
    }
}

impl Flow {
    fn new(probe: &Probe) -> Self {
        Self {
            run: probe.run,
            index: probe.flow,
            sequence: Sequence::remembering(WINDOW),
            received: 0,
            damaged: 0,
            unreadable: 0,
            jitter: Jitter::default(),
            last_seen: Instant::now(),
            is_reported: false,
        }
    }

    fn record(&mut self, probe: &Probe, time: Option<SystemTime>, is_intact: bool) {
        self.touch();
        let order = self.sequence.note(probe.sequence);
        if !matches!(order, Order::InOrder | Order::Reordered) {
            return;
        }
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
        self.last_seen.elapsed() >= IDLE_TIMEOUT
    }

    /// Sequence numbers begin with 1; of those above the highest received nothing is known.
    fn summary(&self, peer: SocketAddr) -> FlowSummary {
        let sequence = &self.sequence;
        let arrived = sequence.unique() + self.unreadable;
        FlowSummary {
            peer: to_canonical(peer),
            run: format!("{:08x}", self.run),
            flow: self.index,
            received: self.received,
            lost: sequence.highest().saturating_sub(arrived),
            duplicate: sequence.duplicates(),
            reordered: sequence.reordered(),
            corrupted: self.damaged + self.unreadable,
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
