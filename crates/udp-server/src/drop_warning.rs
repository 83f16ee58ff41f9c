//! Warnings of datagrams that the kernel dropped.

use std::time::Duration;

use netcommon::options::RCVBUF_HINT;
use netcommon::warning::RateLimitedWarning;

/// The least time between two warnings.
const INTERVAL: Duration = Duration::from_secs(1);

/// Warns of datagrams that the kernel dropped, often enough to be seen and seldom enough to be read.
pub(crate) struct DropWarning {
    rcvbuf: usize,
    told: u64,
    warning: RateLimitedWarning,
}

impl DropWarning {
    /// For a socket with a receive buffer of `rcvbuf` bytes.
    pub(crate) fn new(rcvbuf: usize) -> Self {
        Self {
            rcvbuf,
            told: 0,
            warning: RateLimitedWarning::new(INTERVAL),
        }
    }

    /// Warns if more were dropped than the last warning told.
    pub(crate) fn warn(&mut self, dropped: Option<u64>) {
        let dropped = dropped.unwrap_or(0);
        let more = dropped.saturating_sub(self.told);
        if more == 0 {
            return;
        }
        let is_told = self.warning.warn(format_args!(
            "the kernel dropped {more} datagrams ({dropped} in all), because the receive buffer of {} bytes was full; {RCVBUF_HINT}",
            self.rcvbuf
        ));
        if is_told {
            self.told = dropped;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_that_a_warning_left_out_are_in_the_next() {
        let mut drops = DropWarning::new(1_000);
        drops.warning = RateLimitedWarning::new(Duration::MAX);
        for (dropped, told) in [(None, 0), (Some(3), 3), (Some(5), 3)] {
            drops.warn(dropped);
            assert_eq!(drops.told, told);
        }
        drops.warning = RateLimitedWarning::new(Duration::ZERO);
        drops.warn(Some(8));
        assert_eq!(drops.told, 8);
    }
}
