//! What the measuring threads show of themselves while they work.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Running counts of one flow. Every figure has one writer, so that counting takes neither a lock
/// nor a locked instruction; the alignment keeps flows out of each other's cache lines.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct Live {
    sent: AtomicU64,
    bytes_sent: AtomicU64,
    received: AtomicU64,
    bytes_received: AtomicU64,
    lost: AtomicU64,
    latency_sum_ns: AtomicU64,
    latency_max_ns: AtomicU64,
}

impl Live {
    /// One for each flow.
    pub fn of_flows(flows: u16) -> Box<[Self]> {
        (0..flows).map(|_| Self::default()).collect()
    }

    /// Counts messages that were handed to the kernel.
    pub fn count_sent(&self, messages: u64, bytes: u64) {
        add(&self.sent, messages);
        add(&self.bytes_sent, bytes);
    }

    /// Counts payload bytes that came.
    pub fn count_bytes_received(&self, bytes: u64) {
        add(&self.bytes_received, bytes);
    }

    /// Counts a good reply.
    pub fn count_reply(&self, latency: Option<Duration>) {
        add(&self.received, 1);
        if let Some(latency) = latency {
            let ns = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
            add(&self.latency_sum_ns, ns);
            if ns > self.latency_max_ns.load(Relaxed) {
                self.latency_max_ns.store(ns, Relaxed);
            }
        }
    }

    /// Says how many are lost so far.
    pub fn set_lost(&self, lost: u64) {
        self.lost.store(lost, Relaxed);
    }

    /// Messages sent so far.
    pub fn sent(&self) -> u64 {
        self.sent.load(Relaxed)
    }

    /// Payload bytes sent so far.
    pub fn bytes_sent(&self) -> u64 {
        self.bytes_sent.load(Relaxed)
    }

    /// Payload bytes received so far.
    pub fn bytes_received(&self) -> u64 {
        self.bytes_received.load(Relaxed)
    }
}

fn add(figure: &AtomicU64, more: u64) {
    figure.store(figure.load(Relaxed).wrapping_add(more), Relaxed);
}

/// The running counts of all flows at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) sent: u64,
    pub(super) bytes_sent: u64,
    pub(super) received: u64,
    pub(super) bytes_received: u64,
    pub(super) lost: u64,
    pub(super) latency_sum_ns: u64,
    /// The largest since the reading before.
    pub(super) latency_max_ns: u64,
}

impl Reading {
    /// Reads all flows; with `restart`, the maximum begins anew.
    pub(super) fn of(flows: &[Live], restart: bool) -> Self {
        let mut sum = Self::default();
        for live in flows {
            sum.sent += live.sent();
            sum.bytes_sent += live.bytes_sent();
            sum.received += live.received.load(Relaxed);
            sum.bytes_received += live.bytes_received();
            sum.lost += live.lost.load(Relaxed);
            let latencies = live.latency_sum_ns.load(Relaxed);
            sum.latency_sum_ns = sum.latency_sum_ns.wrapping_add(latencies);
            let max = match restart {
                true => live.latency_max_ns.swap(0, Relaxed),
                false => live.latency_max_ns.load(Relaxed),
            };
            sum.latency_max_ns = sum.latency_max_ns.max(max);
        }
        sum
    }
}
