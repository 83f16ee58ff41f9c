//! The probes of one flow, summed up.

use std::fmt::{self, Write};

use netcommon::address::Endpoint;
use netcommon::language::Language;
use netcommon::units::show_percent;
use netmeasure::counts::percent;
use serde::Serialize;

use super::show_seconds;

/// The probes of one flow (a source port in one run of a measuring client) so far:
/// `{"event":"summary","peer":"127.0.0.1:40404","run":"1f2e3d4c","flow":0,"began_at":1,"received":98,"lost":2,"corrupted":0,"duplicate":1,"reordered":3,"unmatched":0,"jitter_s":0.000012}`.
///
/// The server's own [`Summary`](super::Summary) has no `peer`.
#[derive(Debug, PartialEq, Serialize)]
pub struct FlowSummary {
    /// The sender.
    pub peer: Endpoint,
    /// The sender's number for its run, in hexadecimal.
    pub run: String,
    /// The index of the source port in the run.
    pub flow: u16,
    /// The lowest number that arrived: more than 1 where the server began in the middle.
    pub began_at: u64,
    /// Different probes that came whole.
    pub received: u64,
    /// Probes from that number on that never came: up to the highest that did or, where closing probes
    /// told, to the last that was sent.
    pub lost: u64,
    /// Probes that came damaged.
    pub corrupted: u64,
    /// Probes whose number had come before.
    pub duplicate: u64,
    /// Probes that came behind one with a higher number (RFC 4737).
    pub reordered: u64,
    /// Probes without a readable number, or with one too old to tell whether it had come.
    pub unmatched: u64,
    /// Interarrival jitter in seconds (RFC 3550), by the kernel's times of arrival.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jitter_s: Option<f64>,
}

impl FlowSummary {
    fn loss_percent(&self) -> f64 {
        percent(self.lost, self.received + self.corrupted + self.lost)
    }

    pub(super) fn human(&self, language: Language, lines: &mut String) -> fmt::Result {
        let (from, run, flow) = language.choose(
            ("Sondas de", "ejecución", "flujo"),
            ("Probes from", "run", "flow"),
        );
        let loss = show_percent(self.loss_percent());
        write!(
            lines,
            "\n[+] {from} {} ({run} {}, {flow} {}): ",
            self.peer, self.run, self.flow
        )?;
        if self.began_at > 1 {
            let began = language.choose("desde el número", "began at number");
            write!(lines, "{began} {}, ", self.began_at)?;
        }
        let always = [
            (("recibidas", "received"), self.received.to_string()),
            (("perdidas", "lost"), format!("{} ({loss}%)", self.lost)),
            (("duplicadas", "duplicate"), self.duplicate.to_string()),
            (("desordenadas", "reordered"), self.reordered.to_string()),
            (("corruptas", "corrupted"), self.corrupted.to_string()),
        ];
        let unmatched = (self.unmatched > 0)
            .then(|| (("sin identificar", "unmatched"), self.unmatched.to_string()));
        let named = always.into_iter().chain(unmatched);
        let shown = named.map(|((spanish, english), count)| {
            format!("{} {count}", language.choose(spanish, english))
        });
        write!(lines, "{}", shown.collect::<Vec<_>>().join(", "))?;
        if let Some(jitter) = self.jitter_s {
            write!(lines, ", jitter {}", show_seconds(jitter))?;
        }
        writeln!(lines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::Event;
    use netcommon::output::Event as _;
    use std::net::SocketAddr;

    fn flow() -> Event<'static> {
        Event::Flow(FlowSummary {
            peer: "127.0.0.1:40404".parse::<SocketAddr>().unwrap().into(),
            run: "1f2e3d4c".into(),
            flow: 3,
            began_at: 250,
            received: 97,
            lost: 2,
            corrupted: 1,
            duplicate: 4,
            reordered: 5,
            unmatched: 6,
            jitter_s: Some(0.000_012),
        })
    }

    #[test]
    fn the_probes_of_a_flow_are_summed_up_in_both_languages() {
        let table = [
            (
                Language::Spanish,
                "\n[+] Sondas de 127.0.0.1:40404 (ejecución 1f2e3d4c, flujo 3): desde el número 250, recibidas 97, perdidas 2 (2%), duplicadas 4, desordenadas 5, corruptas 1, sin identificar 6, jitter 12us\n",
            ),
            (
                Language::English,
                "\n[+] Probes from 127.0.0.1:40404 (run 1f2e3d4c, flow 3): began at number 250, received 97, lost 2 (2%), duplicate 4, reordered 5, corrupted 1, unmatched 6, jitter 12us\n",
            ),
        ];
        for (language, expected) in table {
            let mut lines = String::new();
            flow().human(language, &mut lines);
            assert_eq!(lines, expected);
        }
    }

    #[test]
    fn the_json_of_a_flow_is_as_documented() {
        assert_eq!(
            serde_json::to_string(&flow()).unwrap(),
            r#"{"event":"summary","peer":"127.0.0.1:40404","run":"1f2e3d4c","flow":3,"began_at":250,"received":97,"lost":2,"corrupted":1,"duplicate":4,"reordered":5,"unmatched":6,"jitter_s":0.000012}"#
        );
    }
}
