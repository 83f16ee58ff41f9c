//! Says which clients connect. Where people read it, health checks are summed up.

use std::fmt::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use netcommon::Error;
use netcommon::address::Endpoint;
use netcommon::output::{Output, Style};

use crate::events::{Event, say_or_log};
use crate::health_checks::HealthChecks;

/// Shared by the main thread and the workers.
pub(crate) struct Arrivals {
    output: Arc<Output>,
    /// `None` where programs read, which are told of every connection.
    checks: Option<Mutex<HealthChecks>>,
}

impl Arrivals {
    pub(crate) fn new(output: Arc<Output>) -> Self {
        let checks = (output.style == Style::Text).then(Mutex::default);
        Self { output, checks }
    }

    /// Tells of a new client, unless it may be a health check.
    pub(crate) fn connect(&self, peer: Endpoint) -> Result<(), Error> {
        let is_told =
            |mut checks: MutexGuard<'_, HealthChecks>| checks.connect(peer, Instant::now());
        if self.checks().is_none_or(is_told) {
            self.output.say(&Event::Connected { peer })?;
        }
        Ok(())
    }

    /// Takes note of a client's first byte: it is no health check.
    pub(crate) fn hear(&self, peer: Endpoint) {
        if self.checks().is_some_and(|mut checks| checks.hear(peer)) {
            say_or_log(&self.output, &Event::Connected { peer });
        }
    }

    /// Takes note of a client that has left without a byte.
    pub(crate) fn close(&self, peer: Endpoint) {
        if let Some(mut checks) = self.checks() {
            checks.close(peer, Instant::now());
        }
    }

    /// How long until [`review`](Self::review) has something to do.
    pub(crate) fn time_left(&self) -> Option<Duration> {
        self.checks()?.time_left(Instant::now())
    }

    /// Tells of clients that turn out to be no health checks, and sums health checks up.
    pub(crate) fn review(&self) -> Result<(), Error> {
        let Some(mut checks) = self.checks() else {
            return Ok(());
        };
        // Held until all is said: a worker that hears a client meanwhile shows its bytes after that.
        let review = checks.review(Instant::now());
        for peer in review.clients {
            self.output.say(&Event::Connected { peer })?;
        }
        self.sum_up(&review.sums)
    }

    /// Sums up the health checks that are not told yet, at the end of the server.
    pub(crate) fn finish(&self) -> Result<(), Error> {
        let rest = self.checks().map(|mut checks| checks.rest());
        self.sum_up(&rest.unwrap_or_default())
    }

    fn sum_up(&self, sums: &[(Endpoint, u64)]) -> Result<(), Error> {
        if sums.is_empty() {
            return Ok(());
        }
        let (connections, period) = self.output.language.choose(
            ("Otras conexiones sin datos de", "en el último minuto"),
            (
                "Further connections without data from",
                "in the last minute",
            ),
        );
        let mut text = String::new();
        for (peer, count) in sums {
            let host = peer.host();
            let written = write!(text, "\n[+] {connections} {host} {period}: {count}\n");
            debug_assert!(written.is_ok(), "a string takes any text");
        }
        self.output.write_text(&text)?;
        self.output.flush()
    }

    fn checks(&self) -> Option<MutexGuard<'_, HealthChecks>> {
        let lock = |checks| Mutex::lock(checks).unwrap_or_else(PoisonError::into_inner);
        self.checks.as_ref().map(lock)
    }
}
