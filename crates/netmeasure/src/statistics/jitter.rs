//! Interarrival jitter.

use std::time::Duration;

/// The estimate of RFC 3550, section 6.4.1: each difference between two transit times moves it by a
/// sixteenth. Sender and receiver need no common clock, because only differences count.
#[derive(Clone, Copy, Debug, Default)]
pub struct Jitter {
    estimate_ns: f64,
    last_transit_ns: Option<i128>,
    differences: u64,
}

impl Jitter {
    /// Notes a message by its transit time in nanoseconds: arrival less sending, each by its own
    /// clock, or a round trip. It may be negative.
    pub fn note(&mut self, transit_ns: i128) {
        if let Some(last) = self.last_transit_ns.replace(transit_ns) {
            let difference = transit_ns.abs_diff(last) as f64;
            self.estimate_ns += (difference - self.estimate_ns) / 16.0;
            self.differences += 1;
        }
    }

    /// The estimate, once two messages have been seen.
    pub fn estimate(&self) -> Option<Duration> {
        (self.differences > 0).then(|| Duration::from_nanos(self.estimate_ns as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn jitter(transits: impl IntoIterator<Item = i128>) -> Option<Duration> {
        let mut jitter = Jitter::default();
        transits
            .into_iter()
            .for_each(|transit| jitter.note(transit));
        jitter.estimate()
    }

    #[test]
    fn the_first_difference_counts_a_sixteenth() {
        assert_eq!(jitter([]), None);
        assert_eq!(jitter([7]), None);
        assert_eq!(
            jitter([5_000_000, 5_016_000]),
            Some(Duration::from_nanos(1_000))
        );
        assert_eq!(
            jitter([16_000, 0, 16_000]),
            Some(Duration::from_nanos(1_937))
        );
    }

    proptest! {
        #[test]
        fn clocks_that_differ_make_no_difference(transits: Vec<i32>, offset: i64) {
            let shifted = transits.iter().map(|&transit| i128::from(transit) + i128::from(offset));
            prop_assert_eq!(
                jitter(transits.iter().map(|&transit| transit.into())),
                jitter(shifted)
            );
        }

        #[test]
        fn it_is_never_more_than_the_largest_difference(transits in prop::collection::vec(0..1_000_000_i128, 2..99)) {
            let largest = transits.windows(2).map(|pair| pair[0].abs_diff(pair[1])).max();
            prop_assert!(jitter(transits.clone()).unwrap().as_nanos() <= largest.unwrap());
        }
    }
}
