//! When `udp-server` ends without a signal.

use std::time::{Duration, Instant};

/// After so much silence the kernel's count of drops is looked up: no further datagram may bring it.
const SILENCE: Duration = Duration::from_secs(1);

/// When to end without a signal.
pub(crate) struct Bounds {
    count: Option<u64>,
    deadline: Option<Instant>,
}

/// What was received so far.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) datagrams: u64,
    pub(crate) bytes: u64,
    /// Whether datagrams came joined.
    pub(crate) coalesced: bool,
}

impl Bounds {
    pub(crate) fn new(count: Option<u64>, time: Option<Duration>) -> Self {
        let deadline = time.and_then(|time| Instant::now().checked_add(time));
        Self { count, deadline }
    }

    /// How many datagrams are still wanted.
    pub(crate) fn left(&self, tally: &Tally) -> usize {
        let left = self
            .count
            .map(|count| count.saturating_sub(tally.datagrams));
        left.map_or(usize::MAX, |left| {
            usize::try_from(left).unwrap_or(usize::MAX)
        })
    }

    pub(crate) fn are_reached(&self, tally: &Tally) -> bool {
        let late = self
            .deadline
            .is_some_and(|deadline| Instant::now() >= deadline);
        late || self.left(tally) == 0
    }

    /// How long to wait for the next datagram.
    pub(crate) fn patience(&self, unsettled: bool) -> Option<Duration> {
        let left = self
            .deadline
            .map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let silence = unsettled.then_some(SILENCE);
        left.into_iter().chain(silence).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(datagrams: u64) -> Tally {
        Tally {
            datagrams,
            ..Tally::default()
        }
    }

    #[test]
    fn a_count_is_reached_to_the_datagram() {
        let bounds = Bounds::new(Some(3), None);
        assert_eq!(bounds.left(&tally(1)), 2);
        assert!(!bounds.are_reached(&tally(2)));
        assert!(bounds.are_reached(&tally(3)));
    }

    #[test]
    fn without_bounds_there_is_no_end_and_no_hurry() {
        let bounds = Bounds::new(None, None);
        assert!(!bounds.are_reached(&tally(u64::MAX)));
        assert_eq!(bounds.patience(false), None);
        assert_eq!(bounds.patience(true), Some(SILENCE));
    }

    #[test]
    fn a_deadline_ends_a_wait_and_the_run() {
        let bounds = Bounds::new(None, Some(Duration::ZERO));
        assert!(bounds.are_reached(&tally(0)));
        assert_eq!(bounds.patience(true), Some(Duration::ZERO));
        let far = Bounds::new(None, Some(Duration::MAX));
        assert!(!far.are_reached(&tally(0)));
    }
}
