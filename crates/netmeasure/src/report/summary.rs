//! The end of a measurement.

use std::fmt::{self, Write};
use std::time::Duration;

use netcommon::address::Endpoint;
use netcommon::language::Language;
use netcommon::socket::held_up::HeldUp;
use netcommon::units::show_share;
use serde::Serialize;

use super::attribution::{Attribution, Side, SocketDrops};
use super::figures::{per_second, show_rates, show_seconds};
use super::histogram::draw;
use super::round_trips::{RoundTrips, worst};
use super::waiting::Waiting;
use crate::counts::Counts;
use crate::outcome::Outcome;
use crate::run::Run;
use crate::schedule::Schedule;
use crate::statistics::Row;

/// A sender that is later than this is worth a word.
const WORTH_TELLING: Duration = Duration::from_millis(1);

/// Everything that was measured. Its JSON has these keys, those of [`Counts`], [`Attribution`],
/// [`RoundTrips`], [`Waiting`] and [`HeldUp`] side by side.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// The place that was asked for.
    pub target: String,
    /// The address that answered there.
    pub peer: Endpoint,
    /// Flows at once.
    pub flows: u16,
    /// Flows that ended before their time.
    pub broken_flows: usize,
    /// Bytes of a message.
    pub length: usize,
    /// Seconds from the start to the last message sent or received.
    pub duration_s: f64,
    /// `received` of all that was due and had its time, in percent.
    pub in_time_percent: f64,
    /// Messages by state.
    #[serde(flatten)]
    pub counts: Counts,
    /// `lost` of all that was sent and had its time, in percent.
    pub loss_percent: f64,
    /// Where they were lost, over a path that loses messages.
    #[serde(flatten)]
    pub attribution: Option<Attribution>,
    /// Good replies a second.
    pub messages_per_s: f64,
    /// Payload bytes received a second.
    pub bytes_per_s: f64,
    /// The round trips of the messages that were rightly answered, in time or late.
    #[serde(flatten)]
    pub round_trips: RoundTrips,
    /// Interarrival jitter of the replies (RFC 3550), in seconds; of several flows the largest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jitter_s: Option<f64>,
    /// How long after they were due messages were sent, in seconds: the 99th percentile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lag_p99_s: Option<f64>,
    /// The same, of the latest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lag_max_s: Option<f64>,
    /// How long replies waited in this machine.
    #[serde(flatten)]
    pub waiting: Waiting,
    /// Causes that held the sending up, over TCP where the kernel tells.
    #[serde(flatten)]
    pub held_up: Option<HeldUp>,
    /// Without a clock, the next message waits for the reply to the last.
    #[serde(skip)]
    awaits_replies: bool,
    /// Round trips from one bound up to, not including, the next.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub histogram: Vec<Row>,
}

impl Summary {
    /// Sums up what all flows measured.
    pub fn new(run: &Run, outcome: &Outcome) -> Self {
        let (plan, counts) = (&run.plan, outcome.counts);
        let duration_s = outcome.last.as_secs_f64();
        let [lag_p99_s, lag_max_s] = worst(&outcome.lag);
        Self {
            target: run.server.clone(),
            peer: run.peer.into(),
            flows: plan.flows,
            broken_flows: outcome.broken.len(),
            length: plan.length,
            duration_s,
            in_time_percent: counts.in_time_percent(),
            counts,
            loss_percent: counts.loss_percent(),
            attribution: attribution(outcome),
            messages_per_s: per_second(counts.received, duration_s),
            bytes_per_s: per_second(counts.bytes_received, duration_s),
            round_trips: RoundTrips::of(&outcome.latencies),
            jitter_s: outcome.jitter.map(|jitter| jitter.as_secs_f64()),
            lag_p99_s,
            lag_max_s,
            waiting: Waiting::of(outcome),
            held_up: outcome.held_up,
            awaits_replies: plan.schedule == Schedule::Replies,
            histogram: outcome.latencies.rows(),
        }
    }

    pub(super) fn human(&self, language: Language, lines: &mut String) -> fmt::Result {
        self.write_title(language, lines)?;
        self.write_counts(language, lines)?;
        if let Some(attribution) = &self.attribution {
            attribution.human(language, lines)?;
        }
        self.write_round_trips(language, lines)?;
        self.waiting.human(&self.round_trips, language, lines)?;
        self.write_lag(language, lines)?;
        draw(&self.histogram, lines)?;
        let rates = show_rates(language, self.messages_per_s, self.bytes_per_s);
        writeln!(lines, "{rates}")?;
        self.write_held_up(language, lines)
    }

    fn write_title(&self, language: Language, lines: &mut String) -> fmt::Result {
        let title = language.choose("Resumen de", "Summary of");
        let (target, host, length) = (&self.target, self.peer.host(), self.length);
        write!(lines, "\n[+] {title} {target} ({host}): ")?;
        if self.flows > 1 {
            let flows = language.choose("flujos", "flows");
            write!(lines, "{} {flows}, ", self.flows)?;
        }
        if self.broken_flows > 0 {
            let broken = language.choose("interrumpidos", "ended early");
            write!(lines, "{} {broken}, ", self.broken_flows)?;
        }
        let each = language.choose("bytes por mensaje", "bytes a message");
        writeln!(lines, "{length} {each}, {}", show_seconds(self.duration_s))
    }

    fn write_counts(&self, language: Language, lines: &mut String) -> fmt::Result {
        let counts = &self.counts;
        let (in_time, of) =
            language.choose(("respondidos a tiempo", "de"), ("answered in time", "of"));
        let (share, received, due) = (
            show_share(self.in_time_percent),
            counts.received,
            counts.due(),
        );
        if due > 0 {
            writeln!(lines, "{in_time} {share} ({received} {of} {due})")?;
        }
        let counts = named_counts(counts, Some(self.loss_percent), language);
        writeln!(lines, "{counts}")
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

    fn write_lag(&self, language: Language, lines: &mut String) -> fmt::Result {
        let max = self.lag_max_s.unwrap_or_default();
        if max < WORTH_TELLING.as_secs_f64() {
            return Ok(());
        }
        let name = language.choose("retraso del emisor", "behind schedule");
        write!(lines, "{name}: ")?;
        if let Some(p99) = self.lag_p99_s {
            write!(lines, "p99 {}, ", show_seconds(p99))?;
        }
        writeln!(
            lines,
            "{} {}",
            language.choose("máx", "max"),
            show_seconds(max)
        )
    }

    fn write_held_up(&self, language: Language, lines: &mut String) -> fmt::Result {
        let program = if self.awaits_replies {
            language.choose("la espera de respuestas", "the wait for replies")
        } else {
            language.choose("este programa", "this program")
        };
        match self.held_up {
            Some(held_up) => writeln!(lines, "{}", held_up.human(language, program)),
            None => Ok(()),
        }
    }
}

fn attribution(outcome: &Outcome) -> Option<Attribution> {
    let (host, counts) = (outcome.host_drops.as_ref()?, &outcome.counts);
    let drops = SocketDrops {
        count: outcome.dropped,
        may_be_more: outcome.is_coalesced && outcome.dropped > Some(0),
        may_be_others: counts.duplicate + counts.unmatched > 0,
    };
    let of = counts.sent - counts.in_flight;
    Some(Attribution::new(Side::Client, counts.lost, of, drops, host))
}

/// `sent 100, received 98, late 0, lost 2 (2%)`, and what else is not nought.
pub(super) fn named_counts(
    counts: &Counts,
    loss_percent: Option<f64>,
    language: Language,
) -> String {
    let named = [
        (("enviados", "sent"), counts.sent),
        (("recibidos", "received"), counts.received),
        (("tardíos", "late"), counts.late),
        (("perdidos", "lost"), counts.lost),
        (("corruptos", "corrupted"), counts.corrupted),
        (("en vuelo", "in flight"), counts.in_flight),
        (("sin enviar", "unsent"), counts.unsent),
        (("duplicados", "duplicate"), counts.duplicate),
        (("desordenados", "reordered"), counts.reordered),
        (("sin mensaje", "unmatched"), counts.unmatched),
    ];
    let always = 4;
    let told = named
        .iter()
        .enumerate()
        .filter(|(at, (_, count))| *at < always || *count > 0);
    let shown = told.map(|(_, ((spanish, english), count))| {
        let name = language.choose(spanish, english);
        match loss_percent {
            Some(percent) if *english == "lost" => {
                format!("{name} {count} ({})", show_share(percent))
            }
            _ => format!("{name} {count}"),
        }
    });
    shown.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::measured_plan;
    use crate::openmetrics::MeasureMetrics;
    use netcommon::openmetrics::Metrics;
    use netcommon::output::{Output, Style};
    use netcommon::shutdown::Shutdown;

    fn summary(trips: u64) -> Summary {
        let output = Output::to(
            Style::Text,
            Language::English,
            false,
            Box::new(std::io::sink()),
        );
        let peer = "127.0.0.1:1234".parse().unwrap();
        let plan = measured_plan(&["-P", "2"]);
        let metrics = MeasureMetrics::register(&Metrics::default(), &plan);
        let target = "localhost:1234".into();
        let run = Run::new(plan, output, Shutdown::new(), target, peer, metrics);
        let mut outcome = Outcome {
            last: Duration::from_secs(2),
            ..Outcome::default()
        };
        let counts = &mut outcome.counts;
        (counts.sent, counts.received, counts.lost) = (trips + 1, trips, 1);
        counts.bytes_received = trips * 64;
        if trips > 0 {
            outcome
                .latencies
                .record_many(Duration::from_micros(25), trips);
        }
        Summary::new(&run, &outcome)
    }

    fn human(summary: &Summary, language: Language) -> String {
        let mut lines = String::new();
        summary.human(language, &mut lines).unwrap();
        lines
    }

    #[test]
    fn people_read_counts_round_trips_and_a_histogram() {
        let bar = "#".repeat(40);
        assert_eq!(
            human(&summary(99), Language::English),
            format!(
                "\n[+] Summary of localhost:1234 (127.0.0.1): 2 flows, 64 bytes a message, 2s\n\
                 answered in time 99% (99 of 100)\n\
                 sent 100, received 99, late 0, lost 1 (1%)\n\
                 round trip: min 25us, mean 25us, p50 25us, p90 25us, max 25us\n    \
                 20us - 50us   |{bar}| 99\n\
                 49.5 messages/s, 3.17kB/s\n"
            )
        );
    }

    #[test]
    fn nothing_is_said_about_round_trips_that_were_not() {
        let lines = human(&summary(0), Language::Spanish);
        assert_eq!(lines.lines().count(), 5, "{lines}");
        assert!(
            lines.contains("respondidos a tiempo 0% (0 de 1)"),
            "{lines}"
        );
        assert!(
            lines.contains("enviados 1, recibidos 0, tardíos 0, perdidos 1 (100%)"),
            "{lines}"
        );
        let json = serde_json::to_value(summary(0)).unwrap();
        assert!(json["rtt_max_s"].is_null());
    }

    #[test]
    fn a_late_sender_is_told() {
        let mut late = summary(9);
        late.lag_max_s = Some(0.25);
        let lines = human(&late, Language::English);
        assert!(lines.contains("behind schedule: max 250ms\n"), "{lines}");
        late.lag_p99_s = Some(0.2);
        let lines = human(&late, Language::English);
        assert!(
            lines.contains("behind schedule: p99 200ms, max 250ms\n"),
            "{lines}"
        );
    }

    #[test]
    fn irregular_counts_are_named_where_there_are_any() {
        let counts = Counts {
            corrupted: 1,
            in_flight: 2,
            unmatched: 3,
            ..Counts::default()
        };
        assert_eq!(
            named_counts(&counts, None, Language::English),
            "sent 0, received 0, late 0, lost 0, corrupted 1, in flight 2, unmatched 3"
        );
    }

    #[test]
    fn the_json_has_the_documented_keys_side_by_side() {
        let json = serde_json::to_value(summary(1000)).unwrap();
        let keys = [
            "sent",
            "lost",
            "in_flight",
            "unmatched",
            "in_time_percent",
            "loss_percent",
            "messages_per_s",
            "rtt_min_s",
            "rtt_p99_9_s",
        ];
        for key in keys {
            assert!(json[key].is_number(), "{key} in {json}");
        }
        assert_eq!(json["histogram"][0]["count"], 1000);
    }
}
