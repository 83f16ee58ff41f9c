//! Round trips in a histogram of high dynamic range.

use std::time::Duration;

use hdrhistogram::Histogram;

use super::buckets::Buckets;
use super::rows::{Row, rows};

/// The longest round trip that is told apart: ten hours. A longer one counts as this in percentiles.
const LONGEST_NS: u64 = 36_000_000_000_000;

/// Round trips from 1 ns to ten hours with three significant digits, in 300 KB whatever their number.
///
/// Minimum, mean and maximum are exact. A percentile is by nearest rank and never below the exact
/// one; it is at most a thousandth above.
#[derive(Clone, Debug)]
pub struct Latencies {
    histogram: Histogram<u64>,
    sum_ns: u128,
    min_ns: u64,
    max_ns: u64,
}

impl Default for Latencies {
    fn default() -> Self {
        let histogram = Histogram::new_with_bounds(1, LONGEST_NS, 3);
        Self {
            histogram: histogram.expect("the bounds are constant, and valid"),
            sum_ns: 0,
            min_ns: u64::MAX,
            max_ns: 0,
        }
    }
}

impl Latencies {
    /// Counts a round trip. Takes no lock and no memory.
    pub fn record(&mut self, latency: Duration) {
        self.record_many(latency, 1);
    }

    /// Counts `count` of the same length, more than none.
    pub fn record_many(&mut self, latency: Duration, count: u64) {
        let ns = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
        self.histogram.saturating_record_n(ns, count);
        self.sum_ns += u128::from(ns) * u128::from(count);
        self.min_ns = self.min_ns.min(ns);
        self.max_ns = self.max_ns.max(ns);
    }

    /// Adds what another one, of another thread, has counted.
    pub fn merge(&mut self, other: &Self) {
        let added = self.histogram.add(&other.histogram);
        added.expect("both have the same bounds");
        self.sum_ns += other.sum_ns;
        self.min_ns = self.min_ns.min(other.min_ns);
        self.max_ns = self.max_ns.max(other.max_ns);
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.histogram.len()
    }

    /// The shortest.
    pub fn min(&self) -> Option<Duration> {
        (self.count() > 0).then(|| Duration::from_nanos(self.min_ns))
    }

    /// The longest.
    pub fn max(&self) -> Option<Duration> {
        (self.count() > 0).then(|| Duration::from_nanos(self.max_ns))
    }

    /// The arithmetic mean.
    pub fn mean(&self) -> Option<Duration> {
        let mean = self.sum_ns.checked_div(u128::from(self.count()))?;
        u64::try_from(mean).ok().map(Duration::from_nanos)
    }

    /// The latency that `percent` of all do not exceed, when at least one in the sample lies beyond
    /// it: p99 needs 100 round trips, p99.9 a thousand. With fewer it would be another name of the maximum.
    pub fn percentile(&self, percent: f64) -> Option<Duration> {
        let beyond = self.count() as f64 * (100.0 - percent) / 100.0;
        // p99.9 of a thousand has 0.99999… beyond it, in floating point.
        (beyond > 1.0 - 1e-6)
            .then(|| self.nearest_rank(percent))
            .flatten()
    }

    /// The latency that `percent` of all do not exceed, however small the sample.
    fn nearest_rank(&self, percent: f64) -> Option<Duration> {
        // 82.4 % of 125 are 103, and 103.00000000000001 in floating point.
        let rank = (percent / 100.0 * self.count() as f64 - 1e-6)
            .ceil()
            .max(1.0);
        self.at_rank(rank as u64)
    }

    /// The `rank`th shortest, from 1; `None` past the longest.
    pub fn at_rank(&self, rank: u64) -> Option<Duration> {
        let count = self.count();
        let quantile = (rank as f64 - 0.5) / count as f64;
        let value = self.histogram.value_at_quantile(quantile);
        (rank <= count).then(|| Duration::from_nanos(value.clamp(self.min_ns, self.max_ns)))
    }

    /// The same by fixed bounds, from which a round trip differs by a thousandth at most.
    pub fn buckets(&self) -> Buckets {
        let mut buckets = Buckets {
            sum_ns: self.sum_ns,
            ..Buckets::default()
        };
        for step in self.histogram.iter_recorded() {
            let shortest = self.histogram.lowest_equivalent(step.value_iterated_to());
            buckets.add(shortest, step.count_at_value());
        }
        buckets
    }

    /// The histogram in rows for people: at most fifteen, with round bounds.
    pub fn rows(&self) -> Vec<Row> {
        let values = self.histogram.iter_recorded();
        let values = values.map(|step| {
            let value = step.value_iterated_to().clamp(self.min_ns, self.max_ns);
            (value, step.count_at_value())
        });
        rows(&values.collect::<Vec<_>>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn latencies(nanos: &[u64]) -> Latencies {
        let mut latencies = Latencies::default();
        for &ns in nanos {
            latencies.record(Duration::from_nanos(ns));
        }
        latencies
    }

    #[test]
    fn nothing_is_said_about_nothing() {
        let none = Latencies::default();
        assert_eq!((none.min(), none.mean(), none.max()), (None, None, None));
        assert_eq!(none.percentile(0.0), None);
        assert_eq!(none.at_rank(1), None);
        assert!(none.rows().is_empty());
    }

    #[test]
    fn a_percentile_needs_a_sample_that_supports_it() {
        for (percent, enough) in [(50.0, 2), (90.0, 10), (99.0, 100), (99.9, 1000)] {
            let sample: Vec<u64> = (1..=enough).collect();
            assert!(
                latencies(&sample).percentile(percent).is_some(),
                "p{percent}"
            );
            let sample = &sample[1..];
            assert_eq!(latencies(sample).percentile(percent), None, "p{percent}");
        }
    }

    #[test]
    fn a_rank_is_not_one_too_high_for_a_rounding_error() {
        let sample: Vec<u64> = (1..=125).collect();
        let rank = latencies(&sample).nearest_rank(82.4);
        assert_eq!(rank, Some(Duration::from_nanos(103)));
    }

    #[test]
    fn what_is_longer_than_ten_hours_is_counted_too() {
        let day = Duration::from_secs(86_400);
        let mut latencies = Latencies::default();
        latencies.record(day);
        assert_eq!(latencies.count(), 1);
        assert_eq!(latencies.max(), Some(day));
    }

    /// From nanoseconds to hours, all magnitudes alike.
    fn sample() -> impl Strategy<Value = Vec<u64>> {
        let value = (any::<u64>(), 20_u32..64).prop_map(|(bits, less)| (bits >> less).max(1));
        prop::collection::vec(value, 1..200)
    }

    proptest! {
        #[test]
        fn minimum_mean_and_maximum_are_exact(sample in sample()) {
            let latencies = latencies(&sample);
            let sum: u128 = sample.iter().copied().map(u128::from).sum();
            let nanos = |duration: Option<Duration>| duration.unwrap().as_nanos();
            prop_assert_eq!(nanos(latencies.min()), u128::from(*sample.iter().min().unwrap()));
            prop_assert_eq!(nanos(latencies.max()), u128::from(*sample.iter().max().unwrap()));
            prop_assert_eq!(nanos(latencies.mean()), sum / sample.len() as u128);
        }

        #[test]
        fn percentiles_are_the_exact_ones_to_a_thousandth(mut sample in sample(), permille in 0_usize..=1000) {
            let latencies = latencies(&sample);
            sample.sort_unstable();
            let rank = (sample.len() * permille).div_ceil(1000).max(1);
            let exact = sample[rank - 1] as f64;
            let found = latencies.nearest_rank(permille as f64 / 10.0).unwrap().as_nanos() as f64;
            prop_assert!(found >= exact, "{found} below {exact}");
            prop_assert!(found <= exact * 1.001 + 1.0, "{found} far above {exact}");
        }

        #[test]
        fn threads_together_count_what_one_would(sample in sample(), cut: prop::sample::Index) {
            let (one, other) = sample.split_at(cut.index(sample.len()));
            let mut merged = latencies(one);
            merged.merge(&latencies(other));
            let whole = latencies(&sample);
            prop_assert_eq!(merged.count(), whole.count());
            prop_assert_eq!((merged.min(), merged.mean(), merged.max()), (whole.min(), whole.mean(), whole.max()));
            prop_assert_eq!(merged.rows(), whole.rows());
        }

        #[test]
        fn every_round_trip_is_in_one_row(sample in sample()) {
            let rows = latencies(&sample).rows();
            prop_assert!(rows.len() <= 15);
            prop_assert_eq!(rows.iter().map(|row| row.count).sum::<u64>(), sample.len() as u64);
            for pair in rows.windows(2) {
                prop_assert_eq!(pair[0].to, pair[1].from);
            }
        }
    }
}
