//! Standard output as text, JSON lines or raw bytes.
//!
//! Everything a program says there goes through one [`Output`]. It is buffered: a program flushes
//! before it waits. When nobody reads any more, writing fails with [`ErrorKind::OutputClosed`],
//! which ends a program quietly; [`watch`] lets one that only waits learn of it too.
//!
//! # Layout
//!
//! - [`StandardStream`]: standard output and error, whatever their mode
//! - `buffer`: what is written, on its way to the system
//! - `json`: JSON that cannot steer a terminal
//! - [`watch`]: standard output in a poller

mod buffer;
mod json;
mod stream;
mod watch;

use std::fmt;
use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use humantime::format_rfc3339_micros;
use serde::Serialize;

use crate::error::{Error, ErrorKind};
use crate::language::Language;
use crate::payload::EscapedLines;

pub use stream::StandardStream;
pub(crate) use stream::is_held_up;
pub use watch::{is_closed, watch};

use buffer::Buffer;

/// Something that happened, as people and as programs read it.
///
/// Serialized, it is an object with the key `"event"`.
///
/// ```
/// use netcommon::language::Language;
/// use netcommon::output::Event;
/// use serde::Serialize;
///
/// #[derive(Serialize)]
/// #[serde(tag = "event", rename = "connected")]
/// struct Connected {
///     peer: netcommon::address::Endpoint,
/// }
///
/// impl Event for Connected {
///     fn human(&self, language: Language, lines: &mut String) {
///         let text = language.choose("Se ha conectado", "Connected");
///         lines.push_str(&format!("{text}: {}\n", self.peer));
///     }
/// }
/// ```
pub trait Event: Serialize {
    /// Appends the human lines, each with its line feed; nothing if people need no line about it.
    fn human(&self, language: Language, lines: &mut String);
}

/// The content of standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Lines for people.
    Text,
    /// No human lines.
    Quiet,
    /// One JSON object a line, nothing else.
    Json,
    /// Payload bytes unchanged, nothing else.
    Raw,
}

/// Standard output, shared by the threads of a program.
///
/// # Errors
///
/// Whatever writes fails with [`ErrorKind::OutputClosed`] when nobody reads any more, else with
/// [`ErrorKind::LocalLimit`] and the system's reason; the latter never in a [log](Self::into_log).
pub struct Output {
    /// Its content.
    pub style: Style,
    /// The language of the human lines.
    pub language: Language,
    /// Whether each line begins with the time (JSON objects end with `"time_s"`, seconds since 1970).
    pub timestamps: bool,
    buffers: Mutex<Buffers>,
}

struct Buffers {
    buffer: Buffer,
    /// For the line that is made.
    text: String,
    json: Vec<u8>,
}

#[derive(Serialize)]
struct Timed<'a, E> {
    #[serde(flatten)]
    event: &'a E,
    time_s: f64,
}

impl Output {
    /// Standard output in the given style.
    pub fn new(style: Style, language: Language, timestamps: bool) -> Self {
        Self::to(
            style,
            language,
            timestamps,
            Box::new(StandardStream::Output),
        )
    }

    /// The same for any sink.
    pub fn to(
        style: Style,
        language: Language,
        timestamps: bool,
        sink: Box<dyn Write + Send>,
    ) -> Self {
        let buffers = Buffers {
            buffer: Buffer::new(sink),
            text: String::new(),
            json: Vec::new(),
        };
        Self {
            style,
            language,
            timestamps,
            buffers: Mutex::new(buffers),
        }
    }

    /// The same as the log of a server, which goes on when the log cannot be written: the first
    /// failure is warned of, and [`finish`](Self::finish) tells what was lost.
    #[must_use]
    pub fn into_log(self) -> Self {
        self.lock().buffer.keep_losses();
        self
    }

    /// Flushes for the last time.
    ///
    /// # Errors
    ///
    /// The loss of a [log](Self::into_log), as a local limit.
    pub fn finish(&self) -> Result<(), Error> {
        self.lock().buffer.finish()
    }

    /// Writes an event into the buffer, in the style of this output.
    pub fn write(&self, event: &impl Event) -> Result<(), Error> {
        self.write_at(event, None)
    }

    /// Writes an event that happened at `time`; `None` is now.
    pub fn write_at(&self, event: &impl Event, time: Option<SystemTime>) -> Result<(), Error> {
        match self.style {
            Style::Text => self.write_lines(event, time),
            Style::Json => self.write_json(event, time),
            Style::Quiet | Style::Raw => Ok(()),
        }
    }

    /// Writes an event and flushes.
    pub fn say(&self, event: &impl Event) -> Result<(), Error> {
        self.write(event)?;
        self.flush()
    }

    /// Writes bytes into the buffer as they are, whatever the style.
    pub fn write_bytes(&self, bytes: &[u8]) -> Result<(), Error> {
        self.lock().buffer.write(bytes)
    }

    /// Hands everything written so far to the system.
    pub fn flush(&self) -> Result<(), Error> {
        self.lock().buffer.flush()
    }

    /// Writes text for people into the buffer, in [`Style::Text`] alone.
    pub fn write_text(&self, text: &str) -> Result<(), Error> {
        if self.style == Style::Text {
            self.put_text(&mut self.lock().buffer, text, None)?;
        }
        Ok(())
    }

    fn write_lines(&self, event: &impl Event, time: Option<SystemTime>) -> Result<(), Error> {
        let Buffers { buffer, text, .. } = &mut *self.lock();
        text.clear();
        event.human(self.language, text);
        self.put_text(buffer, text, time)
    }

    fn put_text(
        &self,
        buffer: &mut Buffer,
        text: &str,
        time: Option<SystemTime>,
    ) -> Result<(), Error> {
        if !self.timestamps || text.is_empty() {
            return buffer.write(EscapedLines(text.as_bytes()).to_string().as_bytes());
        }
        // Empty lines that set an event apart stay in front of the time.
        let visible = text.trim_start_matches('\n');
        let blank = &text[..text.len() - visible.len()];
        let time = format_rfc3339_micros(time.unwrap_or_else(SystemTime::now));
        let visible = EscapedLines(visible.as_bytes());
        buffer.write(format!("{blank}{time} {visible}").as_bytes())
    }

    fn write_json(&self, event: &impl Event, time: Option<SystemTime>) -> Result<(), Error> {
        let Buffers { buffer, json, .. } = &mut *self.lock();
        json.clear();
        let written = if self.timestamps {
            let time_s = seconds_since_1970(time.unwrap_or_else(SystemTime::now));
            json::write(&mut *json, &Timed { event, time_s })
        } else {
            json::write(&mut *json, event)
        };
        written.map_err(failed)?;
        json.push(b'\n');
        buffer.write(json)
    }

    // A panic in the midst of writing leaves half a line behind, at worst.
    fn lock(&self) -> MutexGuard<'_, Buffers> {
        self.buffers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The time now, as RFC 3339 with microseconds, UTC.
pub fn timestamp() -> impl fmt::Display {
    format_rfc3339_micros(SystemTime::now())
}

fn seconds_since_1970(time: SystemTime) -> f64 {
    time.duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0.0, |since| since.as_secs_f64())
}

fn failed(error: io::Error) -> Error {
    let kind = if error.kind() == io::ErrorKind::BrokenPipe {
        ErrorKind::OutputClosed
    } else {
        ErrorKind::LocalLimit
    };
    Error::io("cannot write to standard output", error).with_kind(kind)
}

#[cfg(test)]
mod tests;
