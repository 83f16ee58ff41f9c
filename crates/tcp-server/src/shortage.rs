//! Warnings about what is short, not more often than somebody wants to read them.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A standing shortage is told once in this time.
const WARNING_INTERVAL: Duration = Duration::from_secs(60);

/// Something that the server may run short of.
#[derive(Default)]
pub(crate) struct Shortage {
    told: Mutex<Option<Instant>>,
}

impl Shortage {
    /// Tells of it, unless it was told lately.
    pub(crate) fn warn(&self, message: fmt::Arguments<'_>) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.is_none_or(|last| last.elapsed() >= WARNING_INTERVAL) {
            *told = Some(Instant::now());
            log::warn!("{message}");
        }
    }
}
