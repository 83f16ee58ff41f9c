//! Counters for Prometheus.

use netcommon::openmetrics::{Counter, Metrics};

/// The metrics of a server; a clone shares them.
#[derive(Clone, Debug, Default)]
pub struct ServerMetrics {
    /// Datagrams received.
    pub datagrams: Counter,
    /// Their payload, in bytes.
    pub bytes: Counter,
    /// Datagrams that the kernel dropped for this socket, where it tells.
    pub dropped: Counter,
    /// Replies sent.
    pub answered: Counter,
    /// Datagrams that are probes of measuring clients.
    pub probes: Counter,
}

impl ServerMetrics {
    /// Adds them to the metrics of the program.
    pub fn register(metrics: &Metrics) -> Self {
        let counter = |name, help| metrics.counter(name, help);
        Self {
            datagrams: counter("received_datagrams", "Datagrams received"),
            bytes: metrics.bytes("received", "Payload bytes received"),
            dropped: counter(
                "dropped_datagrams",
                "Datagrams that the kernel dropped because the receive buffer was full",
            ),
            answered: counter(
                "answered_datagrams",
                "Datagrams answered with their own bytes",
            ),
            probes: counter(
                "received_probes",
                "Datagrams that are probes of measuring clients",
            ),
        }
    }
}
