//! Replies and intervals, for people and as JSON.

use std::fmt::{self, Write};
use std::net::SocketAddr;

use serde::Serialize;

use crate::Summary;
use netcommon::language::Language;
use netcommon::output;
use netcommon::units::{show_duration, show_quantity};

/// What measuring says, of TCP and UDP alike.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum Event {
    /// A reply: `{"event":"reply","peer":"127.0.0.1:1234","flow":0,"sequence":1,"bytes":64,"verdict":"received","rtt_s":0.000025}`.
    Reply(Reply),
    /// What has passed since the last interval, as [`Interval`] lists it.
    Interval(Interval),
    /// The end, as [`Summary`] lists it.
    Summary(Box<Summary>),
}

/// What a reply is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// In time, with the bytes that were sent.
    Received,
    /// After the time for it.
    Late,
    /// Not the first of its number.
    Duplicate,
    /// With other bytes.
    Corrupted,
}

/// A reply.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Reply {
    /// Who sent it.
    pub peer: SocketAddr,
    /// Which flow it came on, from 0.
    pub flow: u16,
    /// The number of the message, from 1.
    pub sequence: u64,
    /// Its length.
    pub bytes: usize,
    /// What it is worth.
    pub verdict: Verdict,
    /// Seconds since the message was sent, or was due to be.
    pub rtt_s: f64,
}

/// What has passed in an interval.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Interval {
    /// Its begin, in seconds since the start.
    pub from_s: f64,
    /// Its end.
    pub to_s: f64,
    /// Messages sent.
    pub sent: u64,
    /// Good replies.
    pub received: u64,
    /// Messages known to be lost by its end, since the start.
    pub lost: u64,
    /// Payload bytes sent.
    pub bytes_sent: u64,
    /// Payload bytes received.
    pub bytes_received: u64,
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
}

impl output::Event for Event {
    fn human(&self, language: Language, lines: &mut String) {
        let written = match self {
            Self::Reply(reply) => reply.human(language, lines),
            Self::Interval(interval) => interval.human(language, lines),
            Self::Summary(summary) => summary.human(language, lines),
        };
        debug_assert!(written.is_ok(), "a string takes any text");
    }
}

impl Reply {
    fn human(&self, language: Language, lines: &mut String) -> fmt::Result {
        let (bytes, peer) = (self.bytes, self.peer);
        let from = language.choose("bytes de", "bytes from");
        write!(lines, "{bytes} {from} {peer}: ")?;
        if self.flow > 0 {
            write!(lines, "{}={} ", language.choose("flujo", "flow"), self.flow)?;
        }
        let time = language.choose("tiempo", "time");
        let (sequence, rtt) = (self.sequence, show_seconds(self.rtt_s));
        write!(
            lines,
            "{}={sequence} {time}={rtt}",
            language.choose("sec", "seq")
        )?;
        writeln!(lines, "{}", self.verdict.remark(language))
    }
}

impl Verdict {
    /// Nothing about a good reply.
    fn remark(self, language: Language) -> &'static str {
        match self {
            Self::Received => "",
            Self::Late => language.choose(" (tarde)", " (late)"),
            Self::Duplicate => language.choose(" (duplicado)", " (duplicate)"),
            Self::Corrupted => language.choose(" (corrupto)", " (corrupted)"),
        }
    }
}

impl Interval {
    fn human(&self, language: Language, lines: &mut String) -> fmt::Result {
        let time = format!("{:.1}-{:.1}s", self.from_s, self.to_s);
        let (sent, received, lost) = language.choose(
            ("enviados", "recibidos", "perdidos"),
            ("sent", "received", "lost"),
        );
        let counts = (self.sent, self.received, self.lost);
        let rates = show_rates(language, self.messages_per_s, self.bytes_per_s);
        write!(
            lines,
            "{time:>11} {sent} {}, {received} {}, {lost} {}, {rates}",
            counts.0, counts.1, counts.2
        )?;
        if let (Some(mean), Some(max)) = (self.rtt_mean_s, self.rtt_max_s) {
            let trip = language.choose("ida y vuelta: media", "round trip: mean");
            let most = language.choose("máx", "max");
            write!(
                lines,
                ", {trip} {}, {most} {}",
                show_seconds(mean),
                show_seconds(max)
            )?;
        }
        writeln!(lines)
    }
}

/// `285k mensajes/s, 18.2MB/s`.
pub(super) fn show_rates(language: Language, messages: f64, bytes: f64) -> String {
    let unit = language.choose("mensajes/s", "messages/s");
    format!(
        "{} {unit}, {}B/s",
        show_quantity(messages),
        show_quantity(bytes)
    )
}

pub(super) fn show_seconds(seconds: f64) -> String {
    show_duration(std::time::Duration::try_from_secs_f64(seconds).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use netcommon::output::Event as _;

    fn human(event: &Event, language: Language) -> String {
        let mut lines = String::new();
        event.human(language, &mut lines);
        lines
    }

    fn reply(flow: u16, verdict: Verdict) -> Event {
        Event::Reply(Reply {
            peer: "127.0.0.1:1234".parse().unwrap(),
            flow,
            sequence: 7,
            bytes: 64,
            verdict,
            rtt_s: 25.1e-6,
        })
    }

    #[test]
    fn a_reply_reads_like_ping_s() {
        let good = reply(0, Verdict::Received);
        assert_eq!(
            human(&good, Language::English),
            "64 bytes from 127.0.0.1:1234: seq=7 time=25.1us\n"
        );
        assert_eq!(
            human(&good, Language::Spanish),
            "64 bytes de 127.0.0.1:1234: sec=7 tiempo=25.1us\n"
        );
        assert_eq!(
            human(&reply(3, Verdict::Late), Language::English),
            "64 bytes from 127.0.0.1:1234: flow=3 seq=7 time=25.1us (late)\n"
        );
    }

    #[test]
    fn a_reply_has_its_documented_json() {
        let json = serde_json::to_string(&reply(0, Verdict::Received)).unwrap();
        assert_eq!(
            json,
            r#"{"event":"reply","peer":"127.0.0.1:1234","flow":0,"sequence":7,"bytes":64,"verdict":"received","rtt_s":0.0000251}"#
        );
    }

    #[test]
    fn an_interval_is_one_line() {
        let interval = Event::Interval(Interval {
            from_s: 1.0,
            to_s: 2.0,
            sent: 100,
            received: 98,
            lost: 1,
            bytes_sent: 6400,
            bytes_received: 6272,
            messages_per_s: 98.0,
            bytes_per_s: 6272.0,
            rtt_mean_s: Some(0.0005),
            rtt_max_s: Some(0.02),
        });
        assert_eq!(
            human(&interval, Language::English),
            "   1.0-2.0s sent 100, received 98, lost 1, 98 messages/s, 6.27kB/s, round trip: mean 500us, max 20ms\n"
        );
        assert!(human(&interval, Language::Spanish).contains("enviados 100, recibidos 98"));
    }
}
