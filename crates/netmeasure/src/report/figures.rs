//! Numbers as people read them.

use std::time::Duration;

use netcommon::language::Language;
use netcommon::units::{show_duration, show_quantity};

/// Rounded to a thousandth, less than this looks like nothing.
const LEAST_PERCENT: f64 = 0.001;

/// A share in percent that cannot read as nothing, or as everything, where it is not:
/// `0%`, `<0.001%`, `12.5%`, `>99.999%`.
pub(super) fn show_share(percent: f64) -> String {
    if percent > 0.0 && percent < LEAST_PERCENT {
        return format!("<{LEAST_PERCENT}%");
    }
    if percent < 100.0 && percent > 100.0 - LEAST_PERCENT {
        return format!(">{}%", 100.0 - LEAST_PERCENT);
    }
    format!("{}%", netcommon::units::show_percent(percent))
}

/// `285k messages/s, 18.2MB/s`.
pub(super) fn show_rates(language: Language, messages: f64, bytes: f64) -> String {
    let unit = language.choose("mensajes/s", "messages/s");
    format!(
        "{} {unit}, {}B/s",
        show_quantity(messages),
        show_quantity(bytes)
    )
}

pub(super) fn show_seconds(seconds: f64) -> String {
    show_duration(Duration::try_from_secs_f64(seconds).unwrap_or_default())
}

/// A figure a second; of no time, none.
pub(super) fn per_second(figure: u64, seconds: f64) -> f64 {
    if seconds > 0.0 {
        figure as f64 / seconds
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_share_does_not_read_as_none() {
        let shown = [0.0, 1.0 / 300_000.0 * 100.0, 0.0011, 12.5, 99.9999, 100.0].map(show_share);
        assert_eq!(
            shown,
            ["0%", "<0.001%", "0.001%", "12.5%", ">99.999%", "100%"]
        );
    }
}
