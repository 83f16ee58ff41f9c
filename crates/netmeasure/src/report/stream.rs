//! The end of a stream: throughput, as TCP loses nothing.

use std::fmt::{self, Write};

use netcommon::address::Endpoint;
use netcommon::language::Language;
use netcommon::socket::held_up::HeldUp;
use netcommon::units::show_quantity;
use serde::Serialize;

use super::figures::{per_second, show_seconds};
use crate::outcome::Outcome;
use crate::run::Run;

/// Summary of a stream:
/// `{"event":"summary","target":"localhost:1234","peer":"127.0.0.1:1234","flows":1,"broken_flows":0,"duration_s":1.0,"bytes_sent":1300000,"bytes_received":1200000,"bytes_under_way":100000,"corrupted":0,"bytes_per_s":1200000.0,"bits_per_s":9600000.0,"retransmitted_segments":0}`
/// and the keys of [`HeldUp`].
#[derive(Clone, Debug, Serialize)]
pub struct StreamSummary {
    /// The place that was asked for.
    pub target: String,
    /// The address that answered there.
    pub peer: Endpoint,
    /// Connections at once.
    pub flows: u16,
    /// Connections that ended before their time.
    pub broken_flows: usize,
    /// Seconds from the start to the last byte sent or received.
    pub duration_s: f64,
    /// Payload bytes handed to the kernel.
    pub bytes_sent: u64,
    /// Payload bytes echoed.
    pub bytes_received: u64,
    /// Payload bytes that were sent and had not come back at the end.
    pub bytes_under_way: u64,
    /// Messages that came back with other bytes.
    pub corrupted: u64,
    /// Payload bytes echoed a second.
    pub bytes_per_s: f64,
    /// The same in bits.
    pub bits_per_s: f64,
    /// Segments that TCP sent again, where the kernel tells (`TCP_INFO`, tcp(7)).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retransmitted_segments: Option<u64>,
    /// Causes that held the sending up, where the kernel tells.
    #[serde(flatten)]
    pub held_up: Option<HeldUp>,
}

impl StreamSummary {
    /// Sums up what all connections passed.
    pub fn new(run: &Run, outcome: &Outcome) -> Self {
        let (counts, duration_s) = (outcome.counts, outcome.last.as_secs_f64());
        let bytes_per_s = per_second(counts.bytes_received, duration_s);
        Self {
            target: run.server.clone(),
            peer: run.peer.into(),
            flows: run.plan.flows,
            broken_flows: outcome.broken.len(),
            duration_s,
            bytes_sent: counts.bytes_sent,
            bytes_received: counts.bytes_received,
            bytes_under_way: counts.bytes_sent.saturating_sub(counts.bytes_received),
            corrupted: counts.corrupted,
            bytes_per_s,
            bits_per_s: bytes_per_s * 8.0,
            retransmitted_segments: outcome.held_up.map(|held_up| held_up.segments_again()),
            held_up: outcome.held_up,
        }
    }

    pub(super) fn human(&self, language: Language, lines: &mut String) -> fmt::Result {
        let title = language.choose("Resumen de", "Summary of");
        let (target, host) = (&self.target, self.peer.host());
        write!(lines, "\n[+] {title} {target} ({host}): ")?;
        if self.flows > 1 {
            let flows = language.choose("conexiones", "connections");
            write!(lines, "{} {flows}, ", self.flows)?;
        }
        if self.broken_flows > 0 {
            let broken = language.choose("interrumpidas", "ended early");
            write!(lines, "{} {broken}, ", self.broken_flows)?;
        }
        writeln!(lines, "{}", show_seconds(self.duration_s))?;
        let (echoed, under_way) = language.choose(("eco", "en camino"), ("echoed", "under way"));
        let quantity = |figure: f64| show_quantity(figure);
        write!(
            lines,
            "{echoed} {}B: {}B/s, {}bit/s; {under_way} {}B",
            quantity(self.bytes_received as f64),
            quantity(self.bytes_per_s),
            quantity(self.bits_per_s),
            quantity(self.bytes_under_way as f64)
        )?;
        if let Some(segments) = self.retransmitted_segments {
            let again = language.choose("segmentos retransmitidos", "segments retransmitted");
            write!(lines, "; {again} {segments}")?;
        }
        writeln!(lines)?;
        if let Some(held_up) = self.held_up {
            let program = language.choose("este programa", "this program");
            writeln!(lines, "{}", held_up.human(language, program))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::SocketAddr;

    #[test]
    fn people_read_bytes_and_bits_a_second() {
        let summary = StreamSummary {
            target: "localhost:1234".into(),
            peer: SocketAddr::from(([127, 0, 0, 1], 1234)).into(),
            flows: 2,
            broken_flows: 0,
            duration_s: 2.0,
            bytes_sent: 2_100_000_000,
            bytes_received: 2_000_000_000,
            bytes_under_way: 100_000_000,
            corrupted: 0,
            bytes_per_s: 1e9,
            bits_per_s: 8e9,
            retransmitted_segments: Some(3),
            held_up: Some(HeldUp::default()),
        };
        let mut lines = String::new();
        summary.human(Language::English, &mut lines).unwrap();
        assert_eq!(
            lines,
            "\n[+] Summary of localhost:1234 (127.0.0.1): 2 connections, 2s\n\
             echoed 2GB: 1GB/s, 8Gbit/s; under way 100MB; segments retransmitted 3\n\
             held up by: the receiver's window 0%, the network 0%, our send buffer 0%, this program 0%\n"
        );
    }
}
