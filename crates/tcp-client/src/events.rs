//! The events of `tcp-client`: JSON for programs; people see the reply itself.

use netcommon::address::Endpoint;
use netcommon::language::Language;
use netcommon::output;
use netcommon::payload::text_or_base64;
use netcommon::socket::held_up::HeldUp;
use serde::Serialize;

/// An event, as programs read it; none has a human line.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum Event<'a> {
    /// The connection stands: `{"event":"connected","peer":"127.0.0.1:1234","local":"127.0.0.1:40404"}`.
    Connected {
        /// The server.
        peer: Endpoint,
        /// This end.
        local: Endpoint,
    },
    /// A chunk of the reply, as it came: TCP keeps bytes in order, but no boundaries between messages.
    Message {
        /// Its length.
        bytes: usize,
        /// `"text"` or `"base64"`.
        #[serde(flatten, serialize_with = "text_or_base64")]
        payload: &'a [u8],
    },
    /// The exchange ended well:
    /// `{"event":"closed","peer":"127.0.0.1:1234","sent":15,"received":15,"duration_s":0.25}`
    /// and the keys of [`HeldUp`].
    Closed {
        /// The server.
        peer: Endpoint,
        /// Bytes sent.
        sent: u64,
        /// Bytes received.
        received: u64,
        /// Seconds since the connection stood.
        duration_s: f64,
        /// Causes that held the sending up, where the kernel tells.
        #[serde(flatten)]
        held_up: Option<HeldUp>,
    },
}

impl output::Event for Event<'_> {
    fn human(&self, _: Language, _: &mut String) {}
}
