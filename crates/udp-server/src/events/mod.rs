//! The events of `udp-server`: lines for people, JSON for programs.
//!
//! # Layout
//!
//! - `received`: a datagram
//! - `flow`: the probes of one flow

mod flow;
mod received;

use std::fmt::{self, Write};
use std::time::Duration;

use netcommon::address::{Endpoint, Target};
use netcommon::language::Language;
use netcommon::output;
use netcommon::units::show_duration;
use netmeasure::report::Attribution;
use serde::Serialize;

pub use flow::FlowSummary;
pub use received::{Received, View};

/// An event, as people and as programs read it.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum Event<'a> {
    /// The server is ready: `{"event":"listening","address":"127.0.0.1:1234"}`.
    Listening {
        /// The target that was asked for, with the port that was bound.
        #[serde(skip)]
        target: Target,
        /// The address that was bound.
        address: Endpoint,
    },
    /// A datagram was received.
    Datagram(Received<'a>),
    /// A flow of probes has fallen idle or ended.
    #[serde(rename = "summary")]
    Flow(FlowSummary),
    /// The server ends.
    Summary(Summary),
}

/// The end:
/// `{"event":"summary","datagrams":3,"bytes":12,"dropped":0,"answered":3,"duration_s":1.5}`.
#[derive(Debug, Serialize)]
pub struct Summary {
    /// Datagrams received.
    pub datagrams: u64,
    /// Their payload, in bytes.
    pub bytes: u64,
    /// Datagrams that the kernel dropped for this socket since the server had it, where it tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dropped: Option<u64>,
    /// Whether they may have been more: the kernel counts one for many that it joined (`UDP_GRO`).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dropped_at_least: bool,
    /// Replies sent, with `--echo`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answered: Option<u64>,
    /// Seconds since the socket was bound.
    pub duration_s: f64,
    /// Losses of probes, if any came.
    #[serde(flatten)]
    pub losses: Option<ProbeLosses>,
}

/// The probes of all flows together:
/// `"expected":10000,"lost":800,"lost_here":{"socket":650,"host_at_most":12},"lost_before":138`.
#[derive(Debug, Serialize)]
pub struct ProbeLosses {
    /// Those that came and those that were lost.
    pub expected: u64,
    /// Those that never came.
    pub lost: u64,
    /// Where they were lost. Closing probes and copies that the kernel dropped count for the socket, too.
    #[serde(flatten)]
    pub attribution: Attribution,
}

impl output::Event for Event<'_> {
    fn human(&self, language: Language, lines: &mut String) {
        let written = match self {
            Self::Listening { target, .. } => {
                let text = language.choose("Servidor UDP en escucha en", "UDP server listening on");
                writeln!(lines, "\n[+] {text}: {target}")
            }
            Self::Datagram(received) => received.human(language, lines),
            Self::Flow(summary) => summary.human(language, lines),
            Self::Summary(summary) => summary.human(language, lines),
        };
        debug_assert!(written.is_ok(), "a string takes any text");
    }
}

impl Summary {
    fn human(&self, language: Language, lines: &mut String) -> fmt::Result {
        let title = language.choose("Resumen", "Summary");
        writeln!(lines, "\n[+] {title}: {}", self.figures(language))?;
        let Some(losses) = &self.losses else {
            return Ok(());
        };
        losses.attribution.human(language, lines)
    }

    /// Totals of the datagrams received.
    pub(crate) fn figures(&self, language: Language) -> String {
        let received = language.choose("datagramas recibidos", "datagrams received");
        let mut figures = vec![
            format!("{received} {}", self.datagrams),
            format!("bytes {}", self.bytes),
        ];
        if let Some(dropped) = self.dropped {
            let text = match (language, self.dropped_at_least) {
                (Language::Spanish, false) => "descartados por el kernel",
                (Language::Spanish, true) => "descartados por el kernel al menos",
                (Language::English, false) => "dropped by the kernel",
                (Language::English, true) => "dropped by the kernel at least",
            };
            figures.push(format!("{text} {dropped}"));
        }
        if let Some(answered) = self.answered {
            let text = language.choose("respondidos", "answered");
            figures.push(format!("{text} {answered}"));
        }
        let text = language.choose("duración", "duration");
        figures.push(format!("{text} {}", show_seconds(self.duration_s)));
        figures.join(", ")
    }
}

fn show_seconds(seconds: f64) -> String {
    show_duration(Duration::from_secs_f64(seconds))
}
