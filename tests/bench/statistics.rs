//! Medians, spreads, ratios and percentiles.

use std::time::Instant;

use crate::plan::Window;

/// The middle of some values, and their extremes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

/// `None` of no values.
pub(crate) fn spread(values: impl IntoIterator<Item = f64>) -> Option<Spread> {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let (least, most) = (*values.first()?, *values.last()?);
    let (lower, upper) = (values[(values.len() - 1) / 2], values[values.len() / 2]);
    let median = f64::midpoint(lower, upper);
    Some(Spread {
        median,
        least,
        most,
    })
}

/// How one of ours and a peer compare in one round, as ours divided by the peer's. Two zeros are
/// equal; against a zero of the peer's alone there is no ratio.
pub(crate) fn ratio(ours: f64, peer: f64) -> Option<f64> {
    match (ours == 0.0, peer == 0.0) {
        (true, true) => Some(1.0),
        (false, true) => None,
        _ => Some(ours / peer),
    }
}

/// Round trips of one trial.
#[derive(Debug, Default)]
pub(crate) struct RoundTrips {
    /// Nanoseconds of those that began in the window, also of those that did not end in it.
    pub(crate) times: Vec<u64>,
    /// Those that ended in it.
    pub(crate) completed: u64,
    /// All that ended, also before and after it.
    pub(crate) ended: u64,
}

impl RoundTrips {
    pub(crate) fn add(&mut self, begun: Instant, ended: Instant, window: &Window) {
        self.add_time(begun, ended, window);
        self.completed += u64::from(ended >= window.begin && ended < window.end);
        self.ended += 1;
    }

    /// One of which only that is known that it takes longer than the window.
    pub(crate) fn add_unfinished(&mut self, begun: Instant, window: &Window) {
        self.add_time(begun.max(window.begin), window.end.max(begun), window);
    }

    fn add_time(&mut self, begun: Instant, ended: Instant, window: &Window) {
        if begun >= window.begin && begun < window.end {
            let time = ended.duration_since(begun).as_nanos();
            self.times.push(u64::try_from(time).unwrap_or(u64::MAX));
        }
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.times.extend(other.times);
        self.completed += other.completed;
        self.ended += other.ended;
    }

    /// Round trips a second, and the median and the 99th percentile in seconds.
    pub(crate) fn figures(mut self, seconds: f64) -> Option<Vec<f64>> {
        self.times.sort_unstable();
        let p50 = percentile(&self.times, 0.50)?;
        let p99 = percentile(&self.times, 0.99)?;
        Some(vec![self.completed as f64 / seconds, p50, p99])
    }
}

/// In seconds, of sorted nanoseconds, by the nearest rank.
fn percentile(sorted: &[u64], share: f64) -> Option<f64> {
    let rank = (share * sorted.len() as f64).ceil() as usize;
    let time = sorted.get(rank.max(1) - 1)?;
    Some(*time as f64 / 1e9)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_odd_count_is_the_middle_one() {
        let spread = spread([9.0, 1.0, 4.0]).unwrap();
        assert_eq!((spread.median, spread.least, spread.most), (4.0, 1.0, 9.0));
    }

    #[test]
    fn the_median_of_an_even_count_is_between_the_middle_two() {
        assert_eq!(spread([1.0, 2.0, 4.0, 100.0]).unwrap().median, 3.0);
    }

    #[test]
    fn no_values_have_no_spread() {
        assert_eq!(spread([]), None);
    }

    #[test]
    fn ratios_are_ours_by_the_peers() {
        let cases = [
            (3.0, 2.0, Some(1.5)),
            (0.0, 2.0, Some(0.0)),
            (0.0, 0.0, Some(1.0)),
            (2.0, 0.0, None),
        ];
        for (ours, peer, expected) in cases {
            assert_eq!(ratio(ours, peer), expected, "{ours} by {peer}");
        }
    }

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let times: Vec<u64> = (1..=200).map(|time| time * 1_000_000_000).collect();
        assert_eq!(percentile(&times, 0.50), Some(100.0));
        assert_eq!(percentile(&times, 0.99), Some(198.0));
        assert_eq!(percentile(&times[..1], 0.99), Some(1.0));
        assert_eq!(percentile(&[], 0.5), None);
    }

    #[test]
    fn what_did_not_end_in_time_counts_as_slow_and_not_as_done() {
        let mut trips = RoundTrips {
            times: vec![2_000_000_000, 1_000_000_000],
            completed: 2,
            ended: 2,
        };
        trips.merge(RoundTrips {
            times: vec![5_000_000_000],
            completed: 0,
            ended: 0,
        });
        assert_eq!(trips.figures(2.0), Some(vec![1.0, 2.0, 5.0]));
    }
}
