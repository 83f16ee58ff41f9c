//! Round trips in figures.

use std::time::Duration;

use netcommon::language::Language;
use serde::Serialize;

use super::figures::show_seconds;
use crate::statistics::Latencies;

/// Round trips in seconds; what the sample does not support is left out.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct RoundTrips {
    /// The shortest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rtt_min_s: Option<f64>,
    /// The arithmetic mean.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rtt_mean_s: Option<f64>,
    /// The median; needs 2 round trips.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rtt_p50_s: Option<f64>,
    /// Needs 10.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rtt_p90_s: Option<f64>,
    /// Needs 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rtt_p99_s: Option<f64>,
    /// Needs 1000.
    #[serde(rename = "rtt_p99_9_s", skip_serializing_if = "Option::is_none")]
    pub rtt_p999_s: Option<f64>,
    /// The longest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rtt_max_s: Option<f64>,
}

impl RoundTrips {
    pub(super) fn of(latencies: &Latencies) -> Self {
        let seconds = |latency: Option<Duration>| latency.map(|latency| latency.as_secs_f64());
        let percentile = |percent| seconds(latencies.percentile(percent));
        Self {
            rtt_min_s: seconds(latencies.min()),
            rtt_mean_s: seconds(latencies.mean()),
            rtt_p50_s: percentile(50.0),
            rtt_p90_s: percentile(90.0),
            rtt_p99_s: percentile(99.0),
            rtt_p999_s: percentile(99.9),
            rtt_max_s: seconds(latencies.max()),
        }
    }

    /// `min 181us, mean 232us, …`; empty without any round trip.
    pub(super) fn human(&self, language: Language) -> String {
        let named = [
            (language.choose("mín", "min"), self.rtt_min_s),
            (language.choose("media", "mean"), self.rtt_mean_s),
            ("p50", self.rtt_p50_s),
            ("p90", self.rtt_p90_s),
            ("p99", self.rtt_p99_s),
            ("p99.9", self.rtt_p999_s),
            (language.choose("máx", "max"), self.rtt_max_s),
        ];
        let shown = named.into_iter().filter_map(|(name, seconds)| {
            let seconds = show_seconds(seconds?);
            Some(format!("{name} {seconds}"))
        });
        shown.collect::<Vec<_>>().join(", ")
    }
}

/// The 99th percentile, where the sample supports it, and the longest, in seconds.
pub(super) fn worst(times: &Latencies) -> [Option<f64>; 2] {
    let worst = [times.percentile(99.0), times.max()];
    worst.map(|time| time.map(|time| time.as_secs_f64()))
}
