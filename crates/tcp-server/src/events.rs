//! Events of `tcp-server` on standard output.

use std::fmt::Write;

use netcommon::address::Endpoint;
use netcommon::error::ErrorKind;
use netcommon::language::Language;
use netcommon::output::{self, Output};
use netcommon::socket::held_up::HeldUp;
use serde::Serialize;

/// An event, as people and as programs read it.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum Event {
    /// The server is ready: `{"event":"listening","address":"127.0.0.1:1234"}`.
    Listening {
        /// The place that was asked for, with the port that was bound.
        #[serde(skip)]
        place: String,
        /// The address that was bound.
        address: Endpoint,
    },
    /// A client was accepted: `{"event":"connected","peer":"127.0.0.1:40404"}`. People see health
    /// checks summed up.
    Connected {
        /// The client.
        peer: Endpoint,
    },
    /// A client is gone; people see it with `-v`, in the log.
    Closed {
        /// The client.
        peer: Endpoint,
        /// Bytes echoed to it.
        bytes: u64,
        /// Bytes that came from it and did not get back to it.
        undelivered: u64,
        /// Those of them that were not read.
        unread: u64,
        /// Seconds since it was accepted.
        duration_s: f64,
        /// How it ended: `finished`, `reset`, `idle`, `drained`, `cut` or `failed`.
        reason: &'static str,
        /// Causes that held the echo up, where the kernel tells.
        #[serde(flatten)]
        held_up: Option<HeldUp>,
    },
}

/// Says an event in a worker. The main thread watches standard output, and ends the server when it
/// is closed.
pub(crate) fn say_or_log(output: &Output, event: &Event) {
    if let Err(error) = output.say(event)
        && error.kind() != ErrorKind::OutputClosed
    {
        log::error!("{error}");
    }
}

impl output::Event for Event {
    fn human(&self, language: Language, lines: &mut String) {
        let written = match self {
            Self::Listening { place, .. } => {
                let text = language.choose("Servidor en escucha en", "Server listening on");
                writeln!(lines, "{text}: {place}")
            }
            Self::Connected { peer } => {
                let text = language.choose(
                    "Se ha conectado un nuevo cliente",
                    "A new client has connected",
                );
                writeln!(lines, "\n[+] {text}: {peer}")
            }
            Self::Closed { .. } => Ok(()),
        };
        debug_assert!(written.is_ok(), "a string takes any text");
    }
}
