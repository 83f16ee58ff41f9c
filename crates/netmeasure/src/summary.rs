//! The end of a measurement.

use std::fmt::{self, Write};
use std::net::SocketAddr;

use serde::Serialize;

use crate::bars::draw;
use crate::events::{show_rates, show_seconds};
use crate::round_trips::RoundTrips;
use crate::statistics::Row;
use crate::{Counts, Plan, Tally};
use netcommon::language::Language;
use netcommon::units::show_percent;

/// Everything that was measured. Its JSON has these keys, those of [`Counts`] and those of
/// [`RoundTrips`] side by side.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// The place that was asked for.
    pub target: String,
    /// The address that answered there.
    pub peer: SocketAddr,
    /// Flows at once.
    pub flows: u16,
    /// Bytes of a message.
    pub length: usize,
    /// Seconds from the start to the last message sent or received.
    pub duration_s: f64,
    /// What became of the messages.
    #[serde(flatten)]
    pub counts: Counts,
    /// The share of the lost ones, in percent.
    pub loss_percent: f64,
    /// Payload bytes sent.
    pub bytes_sent: u64,
    /// Payload bytes received.
    pub bytes_received: u64,
    /// Good replies a second.
    pub messages_per_s: f64,
    /// Payload bytes received a second.
    pub bytes_per_s: f64,
    /// The round trips of the received messages.
    #[serde(flatten)]
    pub round_trips: RoundTrips,
    /// Interarrival jitter of the replies (RFC 3550), in seconds; of several flows the largest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jitter_s: Option<f64>,
    /// Round trips from one bound up to, not including, the next.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub histogram: Vec<Row>,
}

impl Summary {
    /// Sums up what all flows measured.
    pub fn new(target: String, peer: SocketAddr, plan: &Plan, tally: &Tally) -> Self {
        let duration_s = tally.duration.as_secs_f64();
        // A measurement that took no time has no rates.
        let per_second = |figure: u64| match duration_s > 0.0 {
            true => figure as f64 / duration_s,
            false => 0.0,
        };
        Self {
            target,
            peer,
            flows: plan.flows,
            length: plan.length,
            duration_s,
            counts: tally.counts,
            loss_percent: tally.counts.loss_percent(),
            bytes_sent: tally.bytes_sent,
            bytes_received: tally.bytes_received,
            messages_per_s: per_second(tally.counts.received),
            bytes_per_s: per_second(tally.bytes_received),
            round_trips: RoundTrips::of(&tally.latencies),
            jitter_s: tally.jitter.map(|jitter| jitter.as_secs_f64()),
            histogram: tally.latencies.rows(),
        }
    }

    pub(super) fn human(&self, language: Language, lines: &mut String) -> fmt::Result {
        self.write_title(language, lines)?;
        self.write_counts(language, lines)?;
        self.write_round_trips(language, lines)?;
        draw(&self.histogram, lines)?;
        let rates = show_rates(language, self.messages_per_s, self.bytes_per_s);
        writeln!(lines, "{rates}")
    }

    fn write_title(&self, language: Language, lines: &mut String) -> fmt::Result {
        let title = language.choose("Resumen de", "Summary of");
        let (target, ip, length) = (&self.target, self.peer.ip(), self.length);
        write!(lines, "\n[+] {title} {target} ({ip}): ")?;
        if self.flows > 1 {
            let flows = language.choose("flujos", "flows");
            write!(lines, "{} {flows}, ", self.flows)?;
        }
        let each = language.choose("bytes por mensaje", "bytes a message");
        writeln!(lines, "{length} {each}, {}", show_seconds(self.duration_s))
    }

    fn write_counts(&self, language: Language, lines: &mut String) -> fmt::Result {
        let counts = &self.counts;
        let loss = show_percent(self.loss_percent);
        let (sent, received, lost) = language.choose(
            ("enviados", "recibidos", "perdidos"),
            ("sent", "received", "lost"),
        );
        write!(
            lines,
            "{sent} {}, {received} {}, {lost} {} ({loss}%)",
            counts.sent, counts.received, counts.lost
        )?;
        for (name, count) in irregular(counts, language) {
            write!(lines, ", {name} {count}")?;
        }
        let in_flight = language.choose("en vuelo", "in flight");
        let unsent = language.choose("sin enviar", "unsent");
        let rest = [(in_flight, counts.in_flight), (unsent, counts.unsent)];
        for (name, count) in rest.into_iter().filter(|(_, count)| *count > 0) {
            write!(lines, ", {name} {count}")?;
        }
        writeln!(lines)
    }

    fn write_round_trips(&self, language: Language, lines: &mut String) -> fmt::Result {
        let trips = self.round_trips.human(language);
        if trips.is_empty() {
            return Ok(());
        }
        let name = language.choose("ida y vuelta", "round trip");
        write!(lines, "{name}: {trips}")?;
        if let Some(jitter) = self.jitter_s {
            write!(lines, "; jitter {}", show_seconds(jitter))?;
        }
        writeln!(lines)
    }
}

/// What should not be, by name.
fn irregular(counts: &Counts, language: Language) -> [(&'static str, u64); 4] {
    [
        (language.choose("tardíos", "late"), counts.late),
        (language.choose("duplicados", "duplicate"), counts.duplicate),
        (
            language.choose("desordenados", "reordered"),
            counts.reordered,
        ),
        (language.choose("corruptos", "corrupted"), counts.corrupted),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::measured_plan;
    use std::time::Duration;

    fn summary(trips: u64) -> Summary {
        let mut tally = Tally {
            duration: Duration::from_secs(2),
            bytes_received: trips * 64,
            ..Tally::default()
        };
        (tally.counts.sent, tally.counts.received) = (trips + 1, trips);
        tally.counts.lost = 1;
        for _ in 0..trips {
            tally.latencies.record(Duration::from_micros(25));
        }
        let plan = measured_plan(&["-P", "2"]);
        let peer = "127.0.0.1:1234".parse().unwrap();
        Summary::new("localhost:1234".into(), peer, &plan, &tally)
    }

    #[test]
    fn people_read_counts_round_trips_and_a_histogram() {
        let mut lines = String::new();
        summary(99).human(Language::English, &mut lines).unwrap();
        let bar = "#".repeat(40);
        assert_eq!(
            lines,
            format!(
                "\n[+] Summary of localhost:1234 (127.0.0.1): 2 flows, 64 bytes a message, 2s\n\
                 sent 100, received 99, lost 1 (1%), late 0, duplicate 0, reordered 0, corrupted 0\n\
                 round trip: min 25us, mean 25us, p50 25us, p90 25us, max 25us\n    \
                 20us - 50us   |{bar}| 99\n\
                 49.5 messages/s, 3.17kB/s\n"
            )
        );
    }

    #[test]
    fn nothing_is_said_about_round_trips_that_were_not() {
        let mut lines = String::new();
        summary(0).human(Language::Spanish, &mut lines).unwrap();
        assert_eq!(lines.lines().count(), 4, "{lines}");
        assert!(
            lines.contains("enviados 1, recibidos 0, perdidos 1 (100%)"),
            "{lines}"
        );
        let json = serde_json::to_value(summary(0)).unwrap();
        assert_eq!(json["rtt_max_s"], serde_json::Value::Null);
    }

    #[test]
    fn the_json_has_the_documented_keys_side_by_side() {
        let json = serde_json::to_value(summary(1000)).unwrap();
        for key in [
            "sent",
            "lost",
            "in_flight",
            "loss_percent",
            "messages_per_s",
            "rtt_min_s",
            "rtt_p99_9_s",
        ] {
            assert!(json[key].is_number(), "{key} in {json}");
        }
        assert_eq!(json["histogram"][0]["count"], 1000);
    }
}
