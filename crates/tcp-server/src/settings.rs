//! Settings of a server beside its listener.

use std::time::Duration;

use crate::inspect::Inspector;
use crate::limits::Limits;
use crate::openmetrics::ServerMetrics;

/// How a server serves.
#[derive(Clone)]
pub struct Settings {
    /// Bounds on clients and threads.
    pub limits: Limits,
    /// Serve one client and end.
    pub once: bool,
    /// Close clients that are silent, or do not read their echo, for so long; `None` never does.
    pub idle_timeout: Option<Duration>,
    /// How long a shutdown waits for clients that are still talking.
    pub drain_timeout: Duration,
    /// Whether the listener is a service manager's, too: it goes on listening when this server ends.
    pub is_handed_over: bool,
    /// Sees what clients send.
    pub inspector: Option<Inspector>,
    /// Counted where metrics are written.
    pub metrics: Option<ServerMetrics>,
}
