//! A reply, as ping shows one.

use std::fmt::{self, Write};
use std::net::SocketAddr;

use netcommon::address::Endpoint;
use netcommon::language::Language;
use serde::Serialize;

use super::figures::show_seconds;
use crate::recorder::{Reply, Verdict};

/// A reply:
/// `{"event":"reply","peer":"127.0.0.1:1234","flow":0,"sequence":1,"bytes":64,"verdict":"received","rtt_s":0.000025}`.
#[derive(Clone, Debug, Serialize)]
pub struct ReplyLine {
    /// The server.
    pub peer: Endpoint,
    /// Which flow it came on, from 0.
    pub flow: u16,
    /// The number of its message, from 1; `null` where it answers none.
    pub sequence: Option<u64>,
    /// Its length.
    pub bytes: usize,
    /// The verdict on it.
    #[serde(serialize_with = "word")]
    pub verdict: Verdict,
    /// Seconds since its message was sent, or was due to be; `null` where it answers none.
    pub rtt_s: Option<f64>,
}

fn word<S: serde::Serializer>(verdict: &Verdict, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(match verdict {
        Verdict::Received => "received",
        Verdict::Late => "late",
        Verdict::Duplicate => "duplicate",
        Verdict::Corrupted => "corrupted",
        Verdict::Unmatched => "unmatched",
    })
}

impl ReplyLine {
    /// Of a flow to `peer`.
    pub fn new(peer: SocketAddr, flow: u16, reply: &Reply) -> Self {
        Self {
            peer: peer.into(),
            flow,
            sequence: reply.number,
            bytes: reply.bytes,
            verdict: reply.verdict,
            rtt_s: reply.round_trip.map(|time| time.as_secs_f64()),
        }
    }

    pub(super) fn human(&self, language: Language, lines: &mut String) -> fmt::Result {
        let (bytes, peer) = (self.bytes, self.peer);
        let from = language.choose("bytes de", "bytes from");
        write!(lines, "{bytes} {from} {peer}:")?;
        if self.flow > 0 {
            write!(lines, " {}={}", language.choose("flujo", "flow"), self.flow)?;
        }
        if let Some(sequence) = self.sequence {
            write!(lines, " {}={sequence}", language.choose("sec", "seq"))?;
        }
        if let Some(rtt) = self.rtt_s {
            let time = language.choose("tiempo", "time");
            write!(lines, " {time}={}", show_seconds(rtt))?;
        }
        writeln!(lines, "{}", remark(self.verdict, language))
    }
}

/// Nothing about a good reply.
fn remark(verdict: Verdict, language: Language) -> &'static str {
    match verdict {
        Verdict::Received => "",
        Verdict::Late => language.choose(" (tarde)", " (late)"),
        Verdict::Duplicate => language.choose(" (duplicado)", " (duplicate)"),
        Verdict::Corrupted => language.choose(" (corrupto)", " (corrupted)"),
        Verdict::Unmatched => language.choose(" (sin mensaje)", " (unmatched)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn line(flow: u16, number: Option<u64>, verdict: Verdict) -> ReplyLine {
        let reply = Reply {
            number,
            bytes: 64,
            verdict,
            round_trip: number.map(|_| Duration::from_nanos(25_100)),
        };
        ReplyLine::new("127.0.0.1:1234".parse().unwrap(), flow, &reply)
    }

    #[test]
    fn a_reply_reads_like_ping_s() {
        let (es, en) = (Language::Spanish, Language::English);
        let table = [
            (
                line(0, Some(7), Verdict::Received),
                en,
                "64 bytes from 127.0.0.1:1234: seq=7 time=25.1us\n",
            ),
            (
                line(0, Some(7), Verdict::Received),
                es,
                "64 bytes de 127.0.0.1:1234: sec=7 tiempo=25.1us\n",
            ),
            (
                line(3, Some(7), Verdict::Late),
                en,
                "64 bytes from 127.0.0.1:1234: flow=3 seq=7 time=25.1us (late)\n",
            ),
            (
                line(0, None, Verdict::Unmatched),
                en,
                "64 bytes from 127.0.0.1:1234: (unmatched)\n",
            ),
        ];
        for (line, language, text) in table {
            let mut lines = String::new();
            line.human(language, &mut lines).unwrap();
            assert_eq!(lines, text);
        }
    }

    #[test]
    fn an_unmatched_reply_has_neither_sequence_nor_round_trip() {
        let json = serde_json::to_value(line(0, None, Verdict::Unmatched)).unwrap();
        assert!(json["sequence"].is_null() && json["rtt_s"].is_null());
        assert_eq!(json["verdict"], "unmatched");
    }
}
