//! When something has not moved for some time.

use std::time::{Duration, Instant};

/// Expires when what it watches has not changed for its time.
pub(crate) struct IdleTimer<T> {
    time: Duration,
    last: T,
    since: Instant,
}

impl<T: PartialEq> IdleTimer<T> {
    /// Begins now, with what it watches as it is now.
    pub(crate) fn new(time: Duration, start: T) -> Self {
        Self {
            time,
            last: start,
            since: Instant::now(),
        }
    }

    /// Whether it has expired; it begins again when what it watches is no longer what it was.
    pub(crate) fn has_expired(&mut self, now: T) -> bool {
        if self.last != now {
            self.last = now;
            self.since = Instant::now();
        }
        self.since.elapsed() >= self.time
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_begins_again_with_every_change() {
        let mut timer = IdleTimer::new(Duration::ZERO, 1);
        assert!(timer.has_expired(1));
        timer.time = Duration::from_secs(600);
        assert!(!timer.has_expired(2));
    }
}
