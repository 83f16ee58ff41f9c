//! Numbers as people read them.

use std::time::Duration;

use netcommon::language::Language;
use netcommon::units::{show_duration, show_quantity};

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
