//! Payload bytes, which every program counts.

use super::{Counter, Metrics};

/// Payload bytes of all connections or flows together.
#[derive(Clone, Debug, Default)]
pub struct Traffic {
    /// Handed to the kernel.
    pub sent: Counter,
    /// Received.
    pub received: Counter,
}

impl Traffic {
    /// Adds both to the metrics of a program.
    pub fn register(metrics: &Metrics) -> Self {
        Self {
            sent: metrics.bytes("sent", "Payload bytes sent"),
            received: metrics.bytes("received", "Payload bytes received"),
        }
    }
}
