//! Warnings about datagrams that the kernel dropped, often enough to be seen and seldom enough to be read.

use std::time::{Duration, Instant};

use netcommon::options::RCVBUF_HINT;

/// The least time between two warnings.
const PACE: Duration = Duration::from_secs(1);

/// What was said about drops, and when.
pub struct DropReport {
    rcvbuf: usize,
    reported: u64,
    next: Option<Instant>,
}

impl DropReport {
    /// For a socket with a receive buffer of `rcvbuf` bytes.
    pub fn new(rcvbuf: usize) -> Self {
        Self {
            rcvbuf,
            reported: 0,
            next: None,
        }
    }

    /// Warns if more were dropped than was said, unless that was only just said.
    pub fn report(&mut self, dropped: Option<u64>) {
        if let Some(warning) = dropped.and_then(|dropped| self.warning(dropped, Instant::now)) {
            log::warn!("{warning}");
        }
    }

    /// The clock is asked only when there is something to say.
    fn warning(&mut self, dropped: u64, now: impl FnOnce() -> Instant) -> Option<String> {
        if dropped <= self.reported {
            return None;
        }
        let now = now();
        if self.next.is_some_and(|next| now < next) {
            return None;
        }
        let more = dropped - self.reported;
        self.reported = dropped;
        self.next = Some(now + PACE);
        Some(format!(
            "the kernel dropped {more} datagrams ({dropped} in all), because the receive buffer of {} bytes was full; \
             {RCVBUF_HINT}",
            self.rcvbuf
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_are_spaced_and_leave_nothing_out() {
        let mut report = DropReport::new(1_000);
        let start = Instant::now();
        let mut warning =
            |dropped, millis| report.warning(dropped, || start + Duration::from_millis(millis));
        assert_eq!(warning(0, 0), None);
        assert!(
            warning(3, 0)
                .unwrap()
                .contains("dropped 3 datagrams (3 in all)")
        );
        assert_eq!(warning(5, 999), None);
        assert!(
            warning(8, 1_000)
                .unwrap()
                .contains("dropped 5 datagrams (8 in all)")
        );
        assert_eq!(warning(8, 5_000), None);
    }

    #[test]
    fn a_warning_says_what_to_do() {
        let warning = DropReport::new(1_000).warning(1, Instant::now).unwrap();
        for part in ["1000 bytes", "--rcvbuf", "net.core.rmem_max"] {
            assert!(warning.contains(part), "{warning}");
        }
    }
}
