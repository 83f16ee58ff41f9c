//! Round trips by fixed bounds, as Prometheus stores them: the same bounds on all machines, so that
//! histograms can be added.

/// Upper bounds in nanoseconds: 1, 2 and 5 times powers of ten, from 10 µs to 10 s.
pub const BOUNDS_NS: [u64; 19] = bounds();

const fn bounds() -> [u64; 19] {
    let (mut bounds, mut power, mut at) = ([0; 19], 10_000, 0);
    while at < bounds.len() {
        bounds[at] = power * [1, 2, 5][at % 3];
        if at % 3 == 2 {
            power *= 10;
        }
        at += 1;
    }
    bounds
}

/// How many round trips lie between two bounds, the upper one included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Buckets {
    /// For each of [`BOUNDS_NS`], the round trips up to it and over the one before.
    pub counts: [u64; BOUNDS_NS.len()],
    /// All round trips, longer ones included.
    pub count: u64,
    /// Their sum in nanoseconds.
    pub sum_ns: u128,
}

impl Buckets {
    /// Counts `count` round trips of `ns` each; their sum is counted apart.
    pub(super) fn add(&mut self, ns: u64, count: u64) {
        let at = BOUNDS_NS.partition_point(|&bound| bound < ns);
        if let Some(bucket) = self.counts.get_mut(at) {
            *bucket += count;
        }
        self.count += count;
    }

    /// Adds those of another thread.
    pub fn merge(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(other.counts) {
            *count += more;
        }
        self.count += other.count;
        self.sum_ns += other.sum_ns;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_one_two_and_five_from_ten_microseconds_to_ten_seconds() {
        assert_eq!(BOUNDS_NS[..4], [10_000, 20_000, 50_000, 100_000]);
        assert_eq!(BOUNDS_NS[18], 10_000_000_000);
    }

    #[test]
    fn a_bound_belongs_to_what_lies_below_it() {
        let mut buckets = Buckets::default();
        for ns in [0, 10_000, 10_001, 10_000_000_000, 10_000_000_001] {
            buckets.add(ns, 1);
        }
        assert_eq!(buckets.counts[..2], [2, 1]);
        assert_eq!((buckets.counts[18], buckets.count), (1, 5));
    }
}
