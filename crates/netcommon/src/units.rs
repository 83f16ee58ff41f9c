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
///
/// ```
/// use std::time::Duration;
/// use netcommon::units::parse_duration;
///
/// assert_eq!(parse_duration("500ms"), Ok(Duration::from_millis(500)));
/// assert_eq!(parse_duration("0.2"), Ok(Duration::from_millis(200)));
/// assert!(parse_duration("soon").is_err());
/// ```
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
    if input
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.')
    {
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
///
/// ```
/// use netcommon::units::parse_size;
///
/// assert_eq!(parse_size("64K"), Ok(64_000));
/// assert_eq!(parse_size("64Ki"), Ok(65_536));
/// assert!(parse_size("64 bytes").is_err());
/// ```
pub fn parse_size(input: &str) -> Result<usize, String> {
    let digits = input.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = input.split_at(digits);
    let factor = match unit.to_ascii_lowercase().as_str() {
        _ if number.is_empty() => None,
        "" => Some(1),
        "k" => Some(1_000),
        "m" => Some(1_000_000),
        "g" => Some(1_000_000_000),
        "ki" => Some(1 << 10),
        "mi" => Some(1 << 20),
        "gi" => Some(1 << 30),
        _ => None,
    };
    let factor = factor.ok_or_else(|| {
        format!(
            "'{input}' is not a size; write bytes like 1500, 64K or 1M (powers of 1000), \
             64Ki or 1Mi (powers of 1024)"
        )
    })?;
    let number: Option<usize> = number.parse().ok();
    number
        .and_then(|number| number.checked_mul(factor))
        .ok_or_else(|| format!("the size '{input}' is too large"))
}

/// A duration for people, with three significant digits: `1.5s`, `200ms`, `42us`.
pub fn show_duration(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    let (value, unit) = match seconds {
        s if s >= 1.0 || s == 0.0 => (s, "s"),
        s if s >= 1e-3 => (s * 1e3, "ms"),
        s if s >= 1e-6 => (s * 1e6, "us"),
        s => (s * 1e9, "ns"),
    };
    format!("{}{unit}", three_digits(value))
}

/// A count or a rate for people, with three significant digits and a power of 1000: `42`, `6.27k`, `285M`.
pub fn show_quantity(value: f64) -> String {
    let (value, unit) = match value {
        v if v >= 1e9 => (v / 1e9, "G"),
        v if v >= 1e6 => (v / 1e6, "M"),
        v if v >= 1e3 => (v / 1e3, "k"),
        v => (v, ""),
    };
    format!("{}{unit}", three_digits(value))
}

/// A percentage for people, to a thousandth: `0`, `0.005`, `12.5`.
pub fn show_percent(percent: f64) -> String {
    without_zeros(&format!("{percent:.3}"))
}

fn three_digits(value: f64) -> String {
    let text = match value {
        v if v >= 100.0 => return format!("{v:.0}"),
        v if v >= 10.0 => format!("{v:.1}"),
        v => format!("{v:.2}"),
    };
    without_zeros(&text)
}

fn without_zeros(fraction: &str) -> String {
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
            assert_eq!(
                parse_duration(input),
                Ok(Duration::from_millis(millis)),
                "{input}"
            );
        }
    }

    #[test]
    fn nonsense_durations_are_refused_with_the_input() {
        for input in [
            "",
            ".",
            "-1",
            "1..2",
            "inf",
            "nan",
            "1e3",
            "5 parsecs",
            "99999999999999999999999",
        ] {
            let error = parse_duration(input).unwrap_err();
            assert!(error.contains(&format!("'{input}'")), "{error}");
            assert!(error.contains("500ms"), "{error}");
        }
    }

    #[test]
    fn nonsense_sizes_are_refused_with_the_input() {
        for input in [
            "",
            "K",
            "-1",
            "1.5M",
            "1KB",
            "1T",
            "0x10",
            "18446744073709551616",
            "99999999999G",
        ] {
            let error = parse_size(input).unwrap_err();
            assert!(error.contains(&format!("'{input}'")), "{error}");
        }
    }

    #[test]
    fn durations_are_shown_short() {
        let table = [
            (0, "0s"),
            (42, "42ns"),
            (1_500, "1.5us"),
            (200_000_000, "200ms"),
            (5_000_000_000, "5s"),
        ];
        for (nanos, shown) in table {
            assert_eq!(show_duration(Duration::from_nanos(nanos)), shown);
        }
    }

    #[test]
    fn quantities_are_shown_short() {
        let table = [
            (0.0, "0"),
            (0.25, "0.25"),
            (42.0, "42"),
            (999.0, "999"),
            (6_272.0, "6.27k"),
            (285_000.0, "285k"),
            (41_000_000.0, "41M"),
            (1.5e9, "1.5G"),
        ];
        for (value, shown) in table {
            assert_eq!(show_quantity(value), shown);
        }
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
        fn no_input_panics_the_parsers(input in any::<String>()) {
            let _ = parse_size(&input);
            let _ = parse_duration(&input);
        }

        #[test]
        fn whole_milliseconds_round_trip(millis in 0..10_000_000_u64) {
            let expected = Duration::from_millis(millis);
            prop_assert_eq!(parse_duration(&format!("{millis}ms")), Ok(expected));
            prop_assert_eq!(parse_duration(&format!("{:.3}", expected.as_secs_f64())), Ok(expected));
        }
    }
}
