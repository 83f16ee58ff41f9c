//! Durations and sizes, as people type and read them.

use std::time::Duration;

/// A hundred years: whatever is added to the clock stays within its range.
const LONGEST: Duration = Duration::from_secs(100 * 366 * 24 * 60 * 60);

/// Parses a duration: a bare, possibly fractional number is seconds, anything else has units
/// (`ns`, `us`, `ms`, `s`, `m`, `h`, and sums like `1m 30s`).
///
/// # Errors
///
/// Negative or malformed input, and more than a hundred years, with the input and the accepted form.
pub fn parse_duration(input: &str) -> Result<Duration, String> {
    match parse_any_duration(input) {
        Some(duration) if duration <= LONGEST => Ok(duration),
        Some(_) => Err(format!(
            "the duration '{input}' is too long; at most 100 years, and 500ms, 2s or 1m are more usual"
        )),
        None => Err(format!(
            "'{input}' is not a duration; write it like 500ms, 2s or 1m (a bare number is seconds)"
        )),
    }
}

fn parse_any_duration(input: &str) -> Option<Duration> {
    if input.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.')) {
        Duration::try_from_secs_f64(input.parse().ok()?).ok()
    } else {
        humantime::parse_duration(input).ok()
    }
}

/// Parses a size in bytes: `K M G` are powers of 1000, `Ki Mi Gi` powers of 1024, in either case.
///
/// # Errors
///
/// Malformed input, and a size past `usize`, with the input and the accepted form.
pub fn parse_size(input: &str) -> Result<usize, String> {
    let digits = input.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = input.split_at(digits);
    let refused = || {
        format!(
            "'{input}' is not a size; write bytes like 1500, 64K or 1M (powers of 1000), \
             64Ki or 1Mi (powers of 1024)"
        )
    };
    let factor = match unit.to_ascii_lowercase().as_str() {
        "" => 1,
        "k" => 1_000,
        "m" => 1_000_000,
        "g" => 1_000_000_000,
        "ki" => 1 << 10,
        "mi" => 1 << 20,
        "gi" => 1 << 30,
        _ => return Err(refused()),
    };
    if number.is_empty() {
        return Err(refused());
    }
    let number: Option<usize> = number.parse().ok();
    number
        .and_then(|number| number.checked_mul(factor))
        .ok_or_else(|| format!("the size '{input}' is too large"))
}

/// A duration for people, with three significant digits: `1.5s`, `200ms`, `42us`.
pub fn show_duration(duration: Duration) -> String {
    if duration.is_zero() {
        return "0s".to_owned();
    }
    let units = [(1.0, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns")];
    with_unit(duration.as_secs_f64(), units)
}

/// A count or a rate for people, with three significant digits and a power of 1000: `42`, `6.27k`, `285M`.
pub fn show_quantity(value: f64) -> String {
    with_unit(value, [(1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, "")])
}

/// The value in the first unit of which it has at least one, else in the last.
fn with_unit(value: f64, units: [(f64, &str); 4]) -> String {
    let fitting = units.into_iter().find(|&(size, _)| value >= size);
    let (size, unit) = fitting.unwrap_or(units[3]);
    format!("{}{unit}", three_digits(value / size))
}

/// A percentage for people, to a thousandth: `0`, `0.005`, `12.5`.
pub fn show_percent(percent: f64) -> String {
    without_zeros(&format!("{percent:.3}"))
}

/// Rounded to a thousandth, less than this looks like nothing.
const LEAST_PERCENT: f64 = 0.001;

/// A share in percent that cannot read as nothing, or as everything, where it is not:
/// `0%`, `<0.001%`, `12.5%`, `>99.999%`.
pub fn show_share(percent: f64) -> String {
    if percent > 0.0 && percent < LEAST_PERCENT {
        return format!("<{LEAST_PERCENT}%");
    }
    if percent < 100.0 && percent > 100.0 - LEAST_PERCENT {
        return format!(">{}%", 100.0 - LEAST_PERCENT);
    }
    format!("{}%", show_percent(percent))
}

fn three_digits(value: f64) -> String {
    let text = match value {
        v if v >= 100.0 => return format!("{v:.0}"),
        v if v >= 10.0 => format!("{v:.1}"),
        v => format!("{v:.2}"),
    };
    without_zeros(&text)
}

/// A decimal fraction without the zeros at its end.
pub fn without_zeros(fraction: &str) -> String {
    fraction
        .trim_end_matches('0')
        .trim_end_matches('.')
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_small_share_does_not_read_as_none() {
        let shown = [0.0, 1.0 / 300_000.0 * 100.0, 0.0011, 12.5, 99.9999, 100.0].map(show_share);
        assert_eq!(
            shown,
            ["0%", "<0.001%", "0.001%", "12.5%", ">99.999%", "100%"]
        );
    }

    #[test]
    fn durations_people_type_are_understood() {
        let table = [
            ("0", 0),
            ("2", 2_000),
            ("0.5", 500),
            (".25", 250),
            ("500ms", 500),
            ("2s", 2_000),
            ("1.5s", 1_500),
            ("1m", 60_000),
            ("1h", 3_600_000),
            ("1m 30s", 90_000),
        ];
        for (input, millis) in table {
            let expected = Duration::from_millis(millis);
            assert_eq!(parse_duration(input), Ok(expected), "{input}");
        }
    }

    #[test]
    fn nonsense_is_refused_with_the_input_and_the_accepted_form() {
        let digits = "9".repeat(23);
        let durations = [
            "", ".", "-1", "1..2", "inf", "nan", "1e3", "5 miles", "101y", &digits,
        ];
        for input in durations {
            let error = parse_duration(input).unwrap_err();
            assert!(error.contains(&format!("'{input}'")), "{error}");
            assert!(error.contains("500ms"), "{error}");
        }
        let sizes = ["", "K", "-1", "1.5M", "1KB", "1T", "0x10"];
        for input in sizes {
            let error = parse_size(input).unwrap_err();
            assert!(error.contains(&format!("'{input}' is not")), "{error}");
        }
        for input in ["18446744073709551616", "99999999999G"] {
            let error = parse_size(input).unwrap_err();
            assert_eq!(error, format!("the size '{input}' is too large"));
        }
    }

    #[test]
    fn values_are_shown_with_three_digits() {
        let durations = [0, 42, 1_500, 200_000_000, 5_000_000_000]
            .map(|nanos| show_duration(Duration::from_nanos(nanos)));
        assert_eq!(durations, ["0s", "42ns", "1.5us", "200ms", "5s"]);
        let quantities = [0.0, 0.25, 42.0, 999.0, 6_272.0, 285e3, 41e6, 1.5e9].map(show_quantity);
        let expected = ["0", "0.25", "42", "999", "6.27k", "285k", "41M", "1.5G"];
        assert_eq!(quantities, expected);
        let percents = [0.0, 0.005, 10.0, 33.0 + 1.0 / 3.0, 100.0].map(show_percent);
        assert_eq!(percents, ["0", "0.005", "10", "33.333", "100"]);
    }

    proptest! {
        #[test]
        fn any_size_round_trips(value in 0..=usize::MAX / 1_024, binary: bool) {
            let (suffix, factor) = if binary { ("Ki", 1_024) } else { ("K", 1_000) };
            prop_assert_eq!(parse_size(&value.to_string()), Ok(value));
            prop_assert_eq!(parse_size(&format!("{value}{suffix}")), Ok(value * factor));
        }

        #[test]
        fn whole_milliseconds_round_trip(millis in 0..10_000_000_u64) {
            let expected = Duration::from_millis(millis);
            prop_assert_eq!(parse_duration(&format!("{millis}ms")), Ok(expected));
            prop_assert_eq!(parse_duration(&format!("{:.3}", expected.as_secs_f64())), Ok(expected));
        }

        #[test]
        fn no_input_panics_the_parsers(input: String) {
            let _ = parse_size(&input);
            let _ = parse_duration(&input);
        }
    }
}
