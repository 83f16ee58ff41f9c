//! What the server tells whoever serves a client: go on, read no more, or stop.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::server::Settings;
use crate::tap::Tap;

/// Longer than busy clients wait for each other, shorter than a client is silent that fell idle.
const PATIENCE: Duration = Duration::from_millis(250);

/// Set by the main thread, read by the workers after every message.
pub(crate) struct Pace {
    reads: AtomicBool,
    cut: AtomicBool,
    /// How long a worker keeps a client that is silent, or does not read its echo; the main thread,
    /// which gets it then, may have to close it soon.
    pub(crate) patience: Duration,
    /// Sees every piece that was read, before it is echoed.
    pub(crate) tap: Option<Tap>,
}

impl Pace {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            reads: AtomicBool::new(true),
            cut: AtomicBool::new(false),
            patience: settings.idle_timeout.unwrap_or(PATIENCE).min(PATIENCE),
            tap: settings.tap.clone(),
        }
    }

    /// From now on what was read is echoed, and nothing more is read.
    pub(crate) fn stop_reading(&self) {
        self.reads.store(false, Ordering::Relaxed);
    }

    pub(crate) fn reads(&self) -> bool {
        self.reads.load(Ordering::Relaxed)
    }

    /// From now on every client ends as soon as what was read from it is echoed.
    pub(crate) fn cut(&self) {
        self.cut.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_cut(&self) -> bool {
        self.cut.load(Ordering::Relaxed)
    }
}
