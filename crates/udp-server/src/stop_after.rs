//! The end of a run without a signal.

use std::time::{Duration, Instant};

/// After a count of datagrams, or after a time.
pub(crate) struct StopAfter {
    count: Option<u64>,
    deadline: Option<Instant>,
}

impl StopAfter {
    pub(crate) fn new(count: Option<u64>, time: Option<Duration>) -> Self {
        let deadline = time.and_then(|time| Instant::now().checked_add(time));
        Self { count, deadline }
    }

    pub(crate) fn is_reached(&self, datagrams: u64) -> bool {
        self.time_left() == Some(Duration::ZERO) || self.datagrams_left(datagrams) == 0
    }

    pub(crate) fn datagrams_left(&self, datagrams: u64) -> usize {
        let Some(count) = self.count else {
            return usize::MAX;
        };
        let left = count.saturating_sub(datagrams);
        usize::try_from(left).unwrap_or(usize::MAX)
    }

    pub(crate) fn time_left(&self) -> Option<Duration> {
        let deadline = self.deadline?;
        Some(deadline.saturating_duration_since(Instant::now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_stops_after_its_count_to_the_datagram() {
        let table = [
            (Some(3), 1, 2, false),
            (Some(3), 2, 1, false),
            (Some(3), 3, 0, true),
            (None, u64::MAX, usize::MAX, false),
        ];
        for (count, datagrams, left, is_reached) in table {
            let stop_after = StopAfter::new(count, None);
            assert_eq!(stop_after.datagrams_left(datagrams), left);
            assert_eq!(stop_after.is_reached(datagrams), is_reached);
        }
    }

    #[test]
    fn a_run_stops_after_its_time() {
        assert!(StopAfter::new(None, Some(Duration::ZERO)).is_reached(0));
        assert!(!StopAfter::new(None, Some(Duration::MAX)).is_reached(0));
        assert_eq!(StopAfter::new(None, None).time_left(), None);
    }
}
