//! Numbers for people: three digits and a unit.

use crate::experiment::Unit;
use crate::statistics::Spread;

pub(crate) fn number(value: f64, unit: Unit) -> String {
    match unit {
        Unit::PerSecond => scaled(value, &[(1e6, " M"), (1e3, " k"), (1.0, "")]),
        Unit::BytesPerSecond => scaled(value, &[(1e9, " GB/s"), (1e6, " MB/s"), (1e3, " kB/s")]),
        Unit::Seconds => scaled(value, &[(1.0, " s"), (1e-3, " ms"), (1e-6, " µs")]),
        Unit::SecondsPerGigabyte => format!("{} s/GB", digits(value)),
        Unit::Bytes => scaled(value, &[(1e9, " GB"), (1e6, " MB"), (1e3, " kB")]),
        Unit::Percent => format!("{} %", digits(value)),
    }
}

/// The median, and in brackets the extremes.
pub(crate) fn spread(spread: &Spread, unit: Unit) -> String {
    let [median, least, most] =
        [spread.median, spread.least, spread.most].map(|value| number(value, unit));
    if least == most {
        return median;
    }
    format!("{median} ({least} – {most})")
}

pub(crate) fn ratio(ratio: f64) -> String {
    format!("×{}", digits(ratio))
}

/// In the first scale that the value fills, or the last.
fn scaled(value: f64, scales: &[(f64, &str)]) -> String {
    // What rounds up to the next scale belongs to it.
    let fits = |scale: &&(f64, &str)| value >= scale.0 * 0.9995;
    let scale = scales.iter().find(fits).or(scales.last());
    let (scale, unit) = scale.copied().unwrap_or((1.0, ""));
    digits(value / scale) + unit
}

/// Three digits, or all of those before the point.
fn digits(value: f64) -> String {
    let decimals = match value.abs() {
        0.0 => 0,
        size if size >= 99.95 => 0,
        size if size >= 9.995 => 1,
        _ => 2,
    };
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits_and_a_unit() {
        let cases = [
            (285_123.0, Unit::PerSecond, "285 k"),
            (999_700.0, Unit::PerSecond, "1.00 M"),
            (42.0, Unit::PerSecond, "42.0"),
            (3.456e9, Unit::BytesPerSecond, "3.46 GB/s"),
            (0.000_012_34, Unit::Seconds, "12.3 µs"),
            (0.25, Unit::Seconds, "250 ms"),
            (18_000_000.0, Unit::Bytes, "18.0 MB"),
            (0.512, Unit::SecondsPerGigabyte, "0.51 s/GB"),
            (0.0, Unit::Percent, "0 %"),
            (78.24, Unit::Percent, "78.2 %"),
        ];
        for (value, unit, expected) in cases {
            assert_eq!(number(value, unit), expected);
        }
    }

    #[test]
    fn a_spread_of_one_value_is_that_value() {
        let one = Spread {
            median: 5.0,
            least: 5.0,
            most: 5.0,
        };
        assert_eq!(spread(&one, Unit::Percent), "5.00 %");
        let more = Spread { most: 7.0, ..one };
        assert_eq!(spread(&more, Unit::Percent), "5.00 % (5.00 % – 7.00 %)");
    }
}
