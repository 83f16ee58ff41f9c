//! What `udp-server` says, to people and to programs.

use std::fmt::Write;
use std::net::SocketAddr;

use netcommon::address::{Target, to_canonical};
use netcommon::datagrams::{Datagram, RecvMeta};
use netcommon::language::Language;
use netcommon::output::Event;
use netcommon::payload::{Escaped, HexDump, text_or_base64};
use netcommon::units::show_duration;
use serde::Serialize;

/// The socket is bound: `{"event":"listening","address":"127.0.0.1:1234"}`.
#[derive(Serialize)]
#[serde(tag = "event", rename = "listening")]
pub struct Listening {
    /// The address and the port that were bound.
    pub address: SocketAddr,
    /// What the user typed, with the port that was bound.
    #[serde(skip)]
    pub target: Target,
}

impl Event for Listening {
    fn human(&self, language: Language, lines: &mut String) {
        lines.push_str(language.choose(
            "\n[+] Servidor UDP en escucha en: ",
            "\n[+] UDP server listening on: ",
        ));
        append(lines, &format_args!("{}\n", self.target));
    }
}

/// What people see of a datagram besides its bytes and its sender.
#[derive(Clone, Copy, Debug, Default)]
pub struct View {
    /// A hex dump of the payload.
    pub hex: bool,
    /// Header fields and destination.
    pub details: bool,
}

/// A datagram:
/// `{"event":"datagram","peer":"127.0.0.1:40404","bytes":4,"text":"hola","ttl":64,"dscp":0,"ecn":0,"destination":"127.0.0.1:1234"}`.
///
/// Where the payload is not UTF-8, `base64` takes the place of `text`. `ttl` (time to live, or hop
/// limit), `dscp` (RFC 2474), `ecn` (RFC 3168) and `destination` are there where the kernel tells them.
#[derive(Serialize)]
#[serde(tag = "event", rename = "datagram")]
pub struct Received<'a> {
    peer: SocketAddr,
    bytes: usize,
    #[serde(flatten, serialize_with = "text_or_base64")]
    payload: &'a [u8],
    #[serde(flatten)]
    details: Details,
    #[serde(skip)]
    view: View,
}

#[derive(Serialize)]
struct Details {
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dscp: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ecn: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination: Option<SocketAddr>,
}

impl<'a> Received<'a> {
    /// For a datagram that came to `port`.
    pub fn new(datagram: Datagram<'a>, port: u16, view: View) -> Self {
        Self {
            peer: to_canonical(datagram.meta.peer),
            bytes: datagram.payload.len(),
            payload: datagram.payload,
            details: Details::new(datagram.meta, port),
            view,
        }
    }
}

impl Details {
    fn new(meta: &RecvMeta, port: u16) -> Self {
        Self {
            ttl: meta.ttl,
            dscp: meta.tos.map(|tos| tos >> 2),
            ecn: meta.tos.map(|tos| tos & 0b11),
            destination: meta
                .destination
                .map(|address| to_canonical((address, port).into())),
        }
    }

    fn human(&self, language: Language, lines: &mut String) {
        let (title, destination) =
            language.choose(("Detalles", "destino"), ("Details", "destination"));
        let fields = [("TTL", self.ttl), ("DSCP", self.dscp), ("ECN", self.ecn)];
        let mut separator = ": ";
        append(lines, &format_args!("[+] {title}"));
        for (name, value) in fields {
            if let Some(value) = value {
                append(lines, &format_args!("{separator}{name} {value}"));
                separator = ", ";
            }
        }
        if let Some(address) = self.destination {
            append(lines, &format_args!("{separator}{destination} {address}"));
        }
        lines.push('\n');
    }
}

impl Event for Received<'_> {
    fn human(&self, language: Language, lines: &mut String) {
        lines.push_str(language.choose(
            "\n[+] Mensaje enviado por el cliente: ",
            "\n[+] Message sent by the client: ",
        ));
        append(lines, &Escaped(self.payload));
        lines.push_str(language.choose(
            "\n[+] Informacion del cliente que nos ha enviado el mensaje: ",
            "\n[+] Information about the client that sent us the message: ",
        ));
        append(lines, &self.peer);
        lines.push('\n');
        if self.view.details {
            self.details.human(language, lines);
        }
        if self.view.hex {
            let bytes = self.payload;
            append(lines, &HexDump { bytes, offset: 0 });
        }
    }
}

/// The end:
/// `{"event":"summary","datagrams":3,"bytes":12,"dropped":0,"answered":3,"duration_s":1.5}`.
///
/// `dropped` is what the kernel dropped for this socket, where it tells; with `"dropped_at_least":true`
/// datagrams came joined (`UDP_GRO`), and the kernel may have dropped such, counting one for many.
/// `answered` is there with `--echo`.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename = "summary")]
pub struct Summary {
    /// How many datagrams were received.
    pub datagrams: u64,
    /// Their payload, in bytes.
    pub bytes: u64,
    /// How many the kernel dropped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dropped: Option<u64>,
    /// Whether they may have been more.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dropped_at_least: bool,
    /// How many replies were sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answered: Option<u64>,
    /// Seconds since the socket was bound.
    pub duration_s: f64,
}

impl Event for Summary {
    fn human(&self, language: Language, lines: &mut String) {
        let (datagrams, bytes) = (self.datagrams, self.bytes);
        let title = language.choose(
            ("Resumen: datagramas recibidos", "bytes"),
            ("Summary: datagrams received", "bytes"),
        );
        append(
            lines,
            &format_args!("\n[+] {} {datagrams}, {} {bytes}", title.0, title.1),
        );
        if let Some(dropped) = self.dropped {
            let words = language.choose("descartados por el kernel", "dropped by the kernel");
            let at_least = match self.dropped_at_least {
                true => language.choose("al menos ", "at least "),
                false => "",
            };
            append(lines, &format_args!(", {words} {at_least}{dropped}"));
        }
        if let Some(answered) = self.answered {
            let word = language.choose("respondidos", "answered");
            append(lines, &format_args!(", {word} {answered}"));
        }
        let word = language.choose("duración", "duration");
        let duration = std::time::Duration::from_secs_f64(self.duration_s);
        append(
            lines,
            &format_args!(", {word} {}\n", show_duration(duration)),
        );
    }
}

fn append(lines: &mut String, text: &dyn std::fmt::Display) {
    // Writing to a string does not fail.
    let _ = write!(lines, "{text}");
}
