//! The events of `udp-client`: lines for people, JSON for programs.

use std::fmt::Write;

use netcommon::address::Endpoint;
use netcommon::language::Language;
use netcommon::output;
use netcommon::payload::{Escaped, HexDump, text_or_base64};
use serde::Serialize;

/// An event, as people and as programs read it.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum Event<'a> {
    /// A reply: `{"event":"reply","peer":"127.0.0.1:1234","bytes":4,"text":"hola"}`.
    Reply {
        /// Its sender.
        peer: Endpoint,
        /// Its length.
        bytes: usize,
        /// `"text"` or `"base64"`.
        #[serde(flatten, serialize_with = "text_or_base64")]
        payload: &'a [u8],
        /// Whether people need to be told the sender.
        #[serde(skip)]
        show_peer: bool,
        /// Whether people want a hex dump.
        #[serde(skip)]
        hex: bool,
    },
}

impl output::Event for Event<'_> {
    fn human(&self, language: Language, lines: &mut String) {
        let Self::Reply {
            peer,
            payload,
            show_peer,
            hex,
            ..
        } = *self;
        let text = language.choose(
            "Mensaje recibido del servidor",
            "Message received from the server",
        );
        let peer = if show_peer {
            format!(" {peer}")
        } else {
            String::new()
        };
        let written = writeln!(lines, "\n[+] {text}{peer}: {}", Escaped(payload));
        debug_assert!(written.is_ok(), "a string takes any text");
        if hex {
            let bytes = payload;
            lines.push_str(&HexDump { bytes, offset: 0 }.to_string());
        }
    }
}
