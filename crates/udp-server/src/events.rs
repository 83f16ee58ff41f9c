//! The events of `udp-server`: lines for people, JSON for programs.

use std::fmt::{self, Write};
use std::net::SocketAddr;
use std::time::Duration;

use netcommon::address::{Target, to_canonical};
use netcommon::datagrams::Datagram;
use netcommon::language::Language;
use netcommon::output;
use netcommon::payload::{Escaped, HexDump, text_or_base64};
use netcommon::units::{show_duration, show_percent};
use netmeasure::counts::percent;
use serde::Serialize;

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
        address: SocketAddr,
    },
    /// A datagram was received.
    Datagram(Received<'a>),
    /// A flow of probes has fallen idle or ended.
    #[serde(rename = "summary")]
    Flow(FlowSummary),
    /// The server ends.
    Summary(Summary),
}

/// A datagram:
/// `{"event":"datagram","peer":"127.0.0.1:40404","bytes":4,"text":"hola","ttl":64,"dscp":0,"ecn":0,"destination":"127.0.0.1:1234"}`.
///
/// Where the payload is not UTF-8, `base64` takes the place of `text`.
#[derive(Serialize)]
pub struct Received<'a> {
    peer: SocketAddr,
    bytes: usize,
    #[serde(flatten, serialize_with = "text_or_base64")]
    payload: &'a [u8],
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dscp: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ecn: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination: Option<SocketAddr>,
    #[serde(skip)]
    view: View,
}

/// Parts of a datagram that people see besides its text and its sender.
#[derive(Clone, Copy, Debug, Default)]
pub struct View {
    /// A hex dump of the payload.
    pub hex: bool,
    /// Header fields and destination.
    pub details: bool,
}

/// The probes of one flow (a source port in one run of a measuring client) so far:
/// `{"event":"summary","peer":"127.0.0.1:40404","run":"1f2e3d4c","flow":0,"began_at":1,"received":98,"lost":2,"corrupted":0,"duplicate":1,"reordered":3,"unmatched":0,"jitter_s":0.000012}`.
///
/// The server's own [`Summary`] has no `peer`.
#[derive(Debug, PartialEq, Serialize)]
pub struct FlowSummary {
    /// The sender.
    pub peer: SocketAddr,
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

/// The end:
/// `{"event":"summary","datagrams":3,"bytes":12,"dropped":0,"answered":3,"duration_s":1.5}`.
#[derive(Debug, Serialize)]
pub struct Summary {
    /// Datagrams received.
    pub datagrams: u64,
    /// Their payload, in bytes.
    pub bytes: u64,
    /// Datagrams that the kernel dropped for this socket, where it tells.
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

impl<'a> Received<'a> {
    /// For a datagram that was sent to `port`.
    pub fn new(datagram: Datagram<'a>, port: u16, view: View) -> Self {
        let meta = datagram.meta;
        let destination = meta.destination.map(|address| (address, port).into());
        Self {
            peer: to_canonical(meta.peer),
            bytes: datagram.payload.len(),
            payload: datagram.payload,
            ttl: meta.ttl,
            dscp: meta.tos.map(|tos| tos >> 2),
            ecn: meta.tos.map(|tos| tos & 0b11),
            destination: destination.map(to_canonical),
            view,
        }
    }

    fn human(&self, language: Language, lines: &mut String) -> fmt::Result {
        let (payload, peer) = (Escaped(self.payload), self.peer);
        match language {
            Language::Spanish => write!(
                lines,
                "\n[+] Mensaje enviado por el cliente: {payload}\n\
                 [+] Informacion del cliente que nos ha enviado el mensaje: {peer}\n"
            ),
            Language::English => write!(
                lines,
                "\n[+] Message sent by the client: {payload}\n\
                 [+] Information about the client that sent us the message: {peer}\n"
            ),
        }?;
        if self.view.details {
            self.write_details(language, lines)?;
        }
        if self.view.hex {
            let bytes = self.payload;
            write!(lines, "{}", HexDump { bytes, offset: 0 })?;
        }
        Ok(())
    }

    fn write_details(&self, language: Language, lines: &mut String) -> fmt::Result {
        let title = language.choose("Detalles", "Details");
        let destination = language.choose("destino", "destination");
        let mut details = Vec::new();
        details.extend(self.ttl.map(|ttl| format!("TTL {ttl}")));
        details.extend(self.dscp.map(|dscp| format!("DSCP {dscp}")));
        details.extend(self.ecn.map(|ecn| format!("ECN {ecn}")));
        let address = self.destination;
        details.extend(address.map(|address| format!("{destination} {address}")));
        writeln!(lines, "[+] {title}: {}", details.join(", "))
    }
}

impl FlowSummary {
    fn loss_percent(&self) -> f64 {
        percent(self.lost, self.received + self.corrupted + self.lost)
    }

    fn human(&self, language: Language, lines: &mut String) -> fmt::Result {
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

impl Summary {
    fn human(&self, language: Language, lines: &mut String) -> fmt::Result {
        let title = language.choose(
            "Resumen: datagramas recibidos",
            "Summary: datagrams received",
        );
        let (datagrams, bytes) = (self.datagrams, self.bytes);
        write!(lines, "\n[+] {title} {datagrams}, bytes {bytes}")?;
        if let Some(dropped) = self.dropped {
            let text = match (language, self.dropped_at_least) {
                (Language::Spanish, false) => "descartados por el kernel",
                (Language::Spanish, true) => "descartados por el kernel al menos",
                (Language::English, false) => "dropped by the kernel",
                (Language::English, true) => "dropped by the kernel at least",
            };
            write!(lines, ", {text} {dropped}")?;
        }
        if let Some(answered) = self.answered {
            let text = language.choose("respondidos", "answered");
            write!(lines, ", {text} {answered}")?;
        }
        let text = language.choose("duración", "duration");
        writeln!(lines, ", {text} {}", show_seconds(self.duration_s))
    }
}

fn show_seconds(seconds: f64) -> String {
    show_duration(Duration::from_secs_f64(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use netcommon::output::Event as _;

    fn flow() -> Event<'static> {
        Event::Flow(FlowSummary {
            peer: "127.0.0.1:40404".parse().unwrap(),
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
