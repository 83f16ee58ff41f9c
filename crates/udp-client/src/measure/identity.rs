//! What tells this run's probes from others.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::OnceLock;
use std::time::{Instant, SystemTime};

/// The number and the clock of a run.
pub(super) struct Identity {
    /// A random number: the standard library seeds its hashers from the system's randomness.
    pub(super) run: u32,
    epoch_ns: OnceLock<u64>,
}

impl Default for Identity {
    fn default() -> Self {
        Self {
            run: RandomState::new().build_hasher().finish() as u32,
            epoch_ns: OnceLock::new(),
        }
    }
}

impl Identity {
    /// When the run started, in nanoseconds since 1970: the same for whoever asks, even if the system's
    /// clock is set meanwhile.
    pub(super) fn epoch_ns(&self, start: Instant) -> u64 {
        *self.epoch_ns.get_or_init(|| {
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
            let started = now.unwrap_or_default().saturating_sub(start.elapsed());
            u64::try_from(started.as_nanos()).unwrap_or(u64::MAX)
        })
    }
}
