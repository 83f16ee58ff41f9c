//! The messages decided in an interval.

use std::fmt::{self, Write};
use std::time::Duration;

use netcommon::language::Language;
use netcommon::socket::sent_bytes::SentBytes;
use netcommon::units::show_quantity;
use serde::Serialize;

use super::figures::{per_second, show_rates, show_seconds};
use super::summary::named_counts;
use crate::counts::Counts;
use crate::outcome::Progress;

/// The messages decided in an interval: its counts are sums over the messages whose fate became known in
/// it, `sent` included, so that all intervals together are the summary. Bytes are those that passed.
#[derive(Clone, Debug, Serialize)]
pub struct Interval {
    /// Its begin, in seconds since the start.
    pub from_s: f64,
    /// Its end.
    pub to_s: f64,
    /// Messages by state.
    #[serde(flatten)]
    pub counts: Counts,
    /// Good replies a second.
    pub messages_per_s: f64,
    /// Payload bytes received a second.
    pub bytes_per_s: f64,
    /// The mean of its round trips, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rtt_mean_s: Option<f64>,
    /// The longest of its round trips.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rtt_max_s: Option<f64>,
    /// Bytes that TCP sent in it, where the kernel tells.
    #[serde(flatten)]
    pub bytes: Option<SentBytes>,
    #[serde(skip)]
    is_stream: bool,
}

impl Interval {
    /// From the figures of an interval alone.
    pub(super) fn new(from: Duration, to: Duration, progress: Progress, is_stream: bool) -> Self {
        let Progress {
            counts,
            bytes,
            trips,
            ..
        } = progress;
        let seconds = to.saturating_sub(from).as_secs_f64();
        let measured = trips.count > 0;
        Self {
            from_s: from.as_secs_f64(),
            to_s: to.as_secs_f64(),
            counts,
            messages_per_s: per_second(counts.received, seconds),
            bytes_per_s: per_second(counts.bytes_received, seconds),
            rtt_mean_s: measured.then(|| trips.sum.as_secs_f64() / trips.count as f64),
            rtt_max_s: measured.then_some(trips.max.as_secs_f64()),
            bytes,
            is_stream,
        }
    }

    pub(super) fn rates(&self, language: Language) -> String {
        if self.is_stream {
            let (bytes, bits) = (self.bytes_per_s, self.bytes_per_s * 8.0);
            return format!("{}B/s, {}bit/s", show_quantity(bytes), show_quantity(bits));
        }
        show_rates(language, self.messages_per_s, self.bytes_per_s)
    }

    pub(super) fn human(&self, language: Language, lines: &mut String) -> fmt::Result {
        let time = format!("{:.1}-{:.1}s", self.from_s, self.to_s);
        write!(lines, "{time:>11} ")?;
        if !self.is_stream {
            write!(lines, "{}, ", named_counts(&self.counts, None, language))?;
        }
        write!(lines, "{}", self.rates(language))?;
        if let (Some(mean), Some(max)) = (self.rtt_mean_s, self.rtt_max_s) {
            let trip = language.choose("ida y vuelta: media", "round trip: mean");
            let most = language.choose("máx", "max");
            let (mean, max) = (show_seconds(mean), show_seconds(max));
            write!(lines, ", {trip} {mean}, {most} {max}")?;
        }
        if let Some(bytes) = self.bytes {
            write!(lines, ", {}", bytes.human(language))?;
        }
        writeln!(lines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Trips;

    fn interval(is_stream: bool) -> Interval {
        let counts = Counts {
            sent: 100,
            received: 98,
            late: 1,
            lost: 1,
            bytes_received: 6272,
            ..Counts::default()
        };
        let mut trips = Trips::default();
        trips.record(Duration::from_micros(1000));
        trips.record(Duration::from_micros(20_000));
        let second = Duration::from_secs(1);
        let bytes = is_stream.then_some(SentBytes {
            sent: 10_000,
            again: 25,
        });
        let progress = Progress {
            counts,
            bytes,
            trips,
            ..Progress::default()
        };
        Interval::new(second, 2 * second, progress, is_stream)
    }

    #[test]
    fn an_interval_is_one_line() {
        let mut lines = String::new();
        interval(false)
            .human(Language::English, &mut lines)
            .unwrap();
        assert_eq!(
            lines,
            "   1.0-2.0s sent 100, received 98, late 1, lost 1, 98 messages/s, 6.27kB/s, \
             round trip: mean 10.5ms, max 20ms\n"
        );
        let mut lines = String::new();
        interval(true).human(Language::English, &mut lines).unwrap();
        assert!(
            lines.starts_with("   1.0-2.0s 6.27kB/s, 50.2kbit/s"),
            "{lines}"
        );
        assert!(lines.ends_with(", retransmitted 0.25%\n"), "{lines}");
    }
}
