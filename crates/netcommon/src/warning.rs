//! Warnings with a limited rate.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// One kind of warning, logged at most once in an interval. Threads may share it.
#[derive(Debug)]
pub struct RateLimitedWarning {
    interval: Duration,
    last: Mutex<Option<Instant>>,
}

impl RateLimitedWarning {
    /// The first warning is logged at once, each further one at least `interval` after the last.
    pub const fn new(interval: Duration) -> Self {
        Self {
            interval,
            last: Mutex::new(None),
        }
    }

    /// Logs `message` unless the last one was logged within the interval. Returns whether it was
    /// logged: a caller that counts what it warns of can then start over.
    pub fn warn(&self, message: fmt::Arguments<'_>) -> bool {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = last.is_none_or(|last| last.elapsed() >= self.interval);
        if is_due {
            *last = Some(Instant::now());
            log::warn!("{message}");
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_is_repeated_only_after_its_interval() {
        let always = RateLimitedWarning::new(Duration::ZERO);
        assert!((0..3).all(|_| always.warn(format_args!("short"))));
        let once = RateLimitedWarning::new(Duration::MAX);
        let logged = (0..3).filter(|_| once.warn(format_args!("short")));
        assert_eq!(logged.count(), 1);
    }
}
