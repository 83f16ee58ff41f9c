//! Measurements as metrics: messages by state, irregular replies, bytes, and a histogram of
//! round trips.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use netcommon::openmetrics::{self, Counter, Metrics, States, Traffic, Unit};
use prometheus_client::encoding::{EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;

use crate::counts::Counts;
use crate::plan::Plan;
use crate::schedule::Schedule;
use crate::statistics::{BOUNDS_NS, Buckets};

/// The metrics of a measurement.
pub struct MeasureMetrics {
    /// Those of the program.
    metrics: Metrics,
    traffic: Traffic,
    /// None of a stream, of which nothing is lost.
    messages: Option<MessageMetrics>,
}

struct MessageMetrics {
    states: States<Counter>,
    unsent: Counter,
    duplicate: Counter,
    reordered: Counter,
    unmatched: Counter,
    round_trips: RoundTrips,
}

impl MeasureMetrics {
    /// Adds them to those of the program, all nought.
    pub fn register(metrics: &Metrics, plan: &Plan) -> Self {
        let is_stream = plan.schedule == Schedule::Unpaced;
        Self {
            metrics: metrics.clone(),
            traffic: Traffic::register(metrics),
            messages: (!is_stream).then(|| MessageMetrics::register(metrics)),
        }
    }

    /// Whether they are written anywhere.
    pub fn are_written(&self) -> bool {
        self.metrics.are_written()
    }

    /// Sets all that is known by now.
    pub fn set(&self, counts: &Counts, round_trips: Buckets) {
        openmetrics::set(&self.traffic.sent, counts.bytes_sent);
        openmetrics::set(&self.traffic.received, counts.bytes_received);
        if let Some(messages) = &self.messages {
            messages.set(counts, round_trips);
        }
    }

    /// Replaces the file, if there is one.
    pub fn write(&self) {
        self.metrics.write();
    }
}

const STATES: [&str; 5] = ["received", "late", "lost", "corrupted", "in_flight"];

impl MessageMetrics {
    fn register(metrics: &Metrics) -> Self {
        let states = States::new("state", STATES);
        let help = "Messages sent, each in the one state that it ended in";
        metrics.register("messages", help, None, states.clone());
        let counter = |name, help| metrics.counter(name, help);
        let round_trips = RoundTrips::default();
        let help = "Round trips of the messages that were rightly answered, in time or late";
        let unit = Some(Unit::Seconds);
        metrics.register("round_trip", help, unit, round_trips.clone());
        Self {
            states,
            unsent: counter("unsent_messages", "Messages that were due and never sent"),
            duplicate: counter(
                "duplicate_replies",
                "Further replies to messages that had one",
            ),
            reordered: counter(
                "reordered_replies",
                "Replies that came behind the reply to a later message",
            ),
            unmatched: counter("unmatched_replies", "What came and answers no message"),
            round_trips,
        }
    }

    fn set(&self, counts: &Counts, round_trips: Buckets) {
        let by_state = [
            counts.received,
            counts.late,
            counts.lost,
            counts.corrupted,
            counts.in_flight,
        ];
        for (state, count) in STATES.into_iter().zip(by_state) {
            if let Some(counter) = self.states.get(state) {
                openmetrics::set(counter, count);
            }
        }
        openmetrics::set(&self.unsent, counts.unsent);
        openmetrics::set(&self.duplicate, counts.duplicate);
        openmetrics::set(&self.reordered, counts.reordered);
        openmetrics::set(&self.unmatched, counts.unmatched);
        self.round_trips.set(round_trips);
    }
}

/// A histogram that is counted elsewhere.
#[derive(Clone, Debug, Default)]
struct RoundTrips(Arc<Mutex<Buckets>>);

impl RoundTrips {
    fn set(&self, buckets: Buckets) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = buckets;
    }
}

impl EncodeMetric for RoundTrips {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        let buckets = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let bounds = BOUNDS_NS.map(seconds).into_iter();
        // The last bucket, which OpenMetrics demands, has no bound.
        let longer = buckets.count - buckets.counts.iter().sum::<u64>();
        let rows = bounds.zip(buckets.counts).chain([(f64::INFINITY, longer)]);
        let rows: Vec<(f64, u64)> = rows.collect();
        let sum = buckets.sum_ns as f64 / 1e9;
        encoder.encode_histogram::<NoLabelSet>(sum, buckets.count, &rows, None)
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Histogram
    }
}

/// A division by a power of ten gives the nearest number, and so the shortest text.
fn seconds(ns: u64) -> f64 {
    ns as f64 / 1e9
}
