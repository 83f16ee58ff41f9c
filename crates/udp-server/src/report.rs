//! What came of the probes of one sender, for people and for programs.

use std::net::SocketAddr;
use std::time::Duration;

use netcommon::address::to_canonical;
use netcommon::language::Language;
use netcommon::output::Event;
use netcommon::units::{show_duration, show_percent};
use serde::{Serialize, Serializer};

/// The probes of one source port of one run, so far:
/// `{"event":"summary","peer":"127.0.0.1:40404","run":"1f2e3d4c","flow":0,"received":98,"lost":2,"duplicate":1,"reordered":3,"corrupted":0,"jitter_s":0.000012}`.
///
/// The server's own summary, at its end, has no `peer`.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename = "summary")]
pub(crate) struct Report {
    /// The sender.
    #[serde(serialize_with = "plain")]
    pub(crate) peer: SocketAddr,
    /// The sender's number for its run.
    #[serde(serialize_with = "hexadecimal")]
    pub(crate) run: u32,
    /// Which of the run's source ports it is.
    pub(crate) flow: u16,
    /// Different probes that came whole.
    pub(crate) received: u64,
    /// Probes with a number below the highest that never came.
    pub(crate) lost: u64,
    /// Probes whose number had come before.
    pub(crate) duplicate: u64,
    /// Probes that came behind one with a higher number (RFC 4737).
    pub(crate) reordered: u64,
    /// Probes that came damaged.
    pub(crate) corrupted: u64,
    /// Interarrival jitter (RFC 3550), by the kernel's times of arrival.
    #[serde(
        rename = "jitter_s",
        serialize_with = "seconds",
        skip_serializing_if = "Option::is_none"
    )]
    pub(crate) jitter: Option<Duration>,
}

fn plain<S: Serializer>(peer: &SocketAddr, serializer: S) -> Result<S::Ok, S::Error> {
    to_canonical(*peer).serialize(serializer)
}

fn hexadecimal<S: Serializer>(run: &u32, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{run:08x}"))
}

fn seconds<S: Serializer>(time: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    time.map(|time| time.as_secs_f64()).serialize(serializer)
}

impl Report {
    fn loss_percent(&self) -> f64 {
        let sent = self.received + self.corrupted + self.lost;
        match sent {
            0 => 0.0,
            sent => self.lost as f64 * 100.0 / sent as f64,
        }
    }
}

impl Event for Report {
    fn human(&self, language: Language, lines: &mut String) {
        let from = language.choose("Sondas de", "Probes from");
        let loss = show_percent(self.loss_percent());
        let counts = [
            (language.choose("recibidas", "received"), self.received),
            (language.choose("perdidas", "lost"), self.lost),
            (language.choose("duplicadas", "duplicate"), self.duplicate),
            (language.choose("desordenadas", "reordered"), self.reordered),
            (language.choose("corruptas", "corrupted"), self.corrupted),
        ];
        let mut shown = counts.map(|(name, count)| format!("{name} {count}"));
        shown[1].push_str(&format!(" ({loss}%)"));
        lines.push_str(&format!(
            "\n[+] {from} {}: {}",
            to_canonical(self.peer),
            shown.join(", ")
        ));
        if let Some(jitter) = self.jitter {
            lines.push_str(&format!(", jitter {}", show_duration(jitter)));
        }
        lines.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        Report {
            peer: "[::ffff:127.0.0.1]:40404".parse().unwrap(),
            run: 0x1f2e_3d4c,
            flow: 0,
            received: 97,
            lost: 2,
            duplicate: 4,
            reordered: 5,
            corrupted: 1,
            jitter: Some(Duration::from_micros(12)),
        }
    }

    #[test]
    fn people_read_it_in_both_languages() {
        let human = |language| {
            let mut lines = String::new();
            report().human(language, &mut lines);
            lines
        };
        assert_eq!(
            human(Language::Spanish),
            "\n[+] Sondas de 127.0.0.1:40404: recibidas 97, perdidas 2 (2%), duplicadas 4, desordenadas 5, corruptas 1, jitter 12us\n"
        );
        assert_eq!(
            human(Language::English),
            "\n[+] Probes from 127.0.0.1:40404: received 97, lost 2 (2%), duplicate 4, reordered 5, corrupted 1, jitter 12us\n"
        );
    }

    #[test]
    fn its_json_is_as_documented() {
        assert_eq!(
            serde_json::to_string(&report()).unwrap(),
            r#"{"event":"summary","peer":"127.0.0.1:40404","run":"1f2e3d4c","flow":0,"received":97,"lost":2,"duplicate":4,"reordered":5,"corrupted":1,"jitter_s":0.000012}"#
        );
    }
}
