//! Counters for Prometheus.

use netcommon::openmetrics::{Counter, Gauge, Metrics, Traffic};

/// The metrics of a server; a clone shares them.
#[derive(Clone, Debug, Default)]
pub struct ServerMetrics {
    /// Clients accepted so far.
    pub accepted: Counter,
    /// Clients that are connected.
    pub connected: Gauge,
    /// Bytes of all clients together.
    pub traffic: Traffic,
}

impl ServerMetrics {
    /// Adds them to the metrics of the program.
    pub fn register(metrics: &Metrics) -> Self {
        Self {
            accepted: metrics.counter("accepted_clients", "Clients accepted"),
            connected: metrics.gauge("connected_clients", "Clients that are connected"),
            traffic: Traffic::register(metrics),
        }
    }

    /// Counts what a client's turn has added to the bytes read and echoed.
    pub(crate) fn count(&self, before: (u64, u64), after: (u64, u64)) {
        self.traffic.received.inc_by(after.0 - before.0);
        self.traffic.sent.inc_by(after.1 - before.1);
    }
}
