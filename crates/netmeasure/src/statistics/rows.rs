//! A histogram in few rows with round bounds.

use std::time::Duration;

use serde::{Serialize, Serializer};

/// More rows than this are not drawn.
const MOST_ROWS: usize = 15;

/// The round trips from one bound up to, not including, the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The lower bound, in JSON as seconds.
    #[serde(rename = "from_s", serialize_with = "seconds")]
    pub from: Duration,
    /// The upper bound, in JSON as seconds.
    #[serde(rename = "to_s", serialize_with = "seconds")]
    pub to: Duration,
    /// How many lie between.
    pub count: u64,
}

fn seconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64())
}

/// Rows from the first to the last of `values` (nanoseconds, ascending, with their counts): bounds
/// of 1, 2 and 5 times powers of ten, or the powers alone where that would be too many.
pub(super) fn rows(values: &[(u64, u64)]) -> Vec<Row> {
    let (Some(&(first, _)), Some(&(last, _))) = (values.first(), values.last()) else {
        return Vec::new();
    };
    let fine = bounds(first, last, &[1, 2, 5]);
    let bounds = match fine.len() > MOST_ROWS + 1 {
        true => bounds(first, last, &[1]),
        false => fine,
    };
    let mut rows: Vec<Row> = bounds
        .windows(2)
        .map(|pair| row(pair[0], pair[1]))
        .collect();
    for &(value, count) in values {
        let at = bounds.partition_point(|&bound| bound <= value);
        if let Some(row) = at.checked_sub(1).and_then(|at| rows.get_mut(at)) {
            row.count += count;
        }
    }
    rows
}

fn row(from: u64, to: u64) -> Row {
    Row {
        from: Duration::from_nanos(from),
        to: Duration::from_nanos(to),
        count: 0,
    }
}

/// From the last bound that is not above `first` to the first one that is above `last`. A time of 0
/// is the clock's, not the path's, and shares a row with 1 ns.
fn bounds(first: u64, last: u64, steps: &'static [u64]) -> Vec<u64> {
    let powers = (0..19).map(|power| 10_u64.pow(power));
    let all: Vec<u64> = powers
        .flat_map(|power| steps.iter().map(move |step| step * power))
        .collect();
    let from = all.partition_point(|&bound| bound <= first).max(1) - 1;
    let to = all.partition_point(|&bound| bound <= last).max(1);
    let mut bounds = all[from..=to.min(all.len() - 1)].to_vec();
    if first == 0 {
        bounds[0] = 0;
    }
    bounds
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(values: &[(u64, u64)]) -> Vec<(u64, u64, u64)> {
        let nanos = |duration: Duration| duration.as_nanos() as u64;
        let rows = rows(values);
        rows.iter()
            .map(|row| (nanos(row.from), nanos(row.to), row.count))
            .collect()
    }

    #[test]
    fn rows_have_round_bounds_and_empty_ones_stay() {
        assert_eq!(
            drawn(&[(12, 1), (19, 2), (20, 4), (120, 8)]),
            [(10, 20, 3), (20, 50, 4), (50, 100, 0), (100, 200, 8)]
        );
    }

    #[test]
    fn a_wide_range_is_drawn_by_powers_of_ten() {
        assert_eq!(
            drawn(&[(5, 1), (7_000_000, 1)]),
            [
                (1, 10, 1),
                (10, 100, 0),
                (100, 1_000, 0),
                (1_000, 10_000, 0),
                (10_000, 100_000, 0),
                (100_000, 1_000_000, 0),
                (1_000_000, 10_000_000, 1)
            ]
        );
    }

    #[test]
    fn a_single_value_is_a_single_row() {
        assert_eq!(drawn(&[(1_000, 7)]), [(1_000, 2_000, 7)]);
        assert_eq!(drawn(&[(0, 1), (1, 1)]), [(0, 2, 2)]);
    }
}
