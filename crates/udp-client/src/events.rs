//! What `udp-client` says, to people and to programs.

use std::fmt::Write;
use std::net::SocketAddr;

use netcommon::language::Language;
use netcommon::output::Event;
use netcommon::payload::{Escaped, HexDump, text_or_base64};
use serde::Serialize;

/// A reply: `{"event":"reply","peer":"127.0.0.1:1234","bytes":4,"text":"hola"}`; where the payload is
/// not UTF-8, `base64` takes the place of `text`.
#[derive(Serialize)]
#[serde(tag = "event", rename = "reply")]
pub struct Reply<'a> {
    /// Who sent it.
    pub peer: SocketAddr,
    /// Its size.
    pub bytes: usize,
    /// Its bytes.
    #[serde(flatten, serialize_with = "text_or_base64")]
    pub payload: &'a [u8],
    /// Whether people need to be told who sent it.
    #[serde(skip)]
    pub name_peer: bool,
    /// Whether people want a hex dump.
    #[serde(skip)]
    pub hex: bool,
}

impl Event for Reply<'_> {
    fn human(&self, language: Language, lines: &mut String) {
        lines.push_str(language.choose(
            "\n[+] Mensaje recibido del servidor",
            "\n[+] Message received from the server",
        ));
        // Writing to a string does not fail.
        let _ = match self.name_peer {
            true => writeln!(lines, " {}: {}", self.peer, Escaped(self.payload)),
            false => writeln!(lines, ": {}", Escaped(self.payload)),
        };
        if self.hex {
            let dump = HexDump {
                bytes: self.payload,
                offset: 0,
            };
            let _ = write!(lines, "{dump}");
        }
    }
}
