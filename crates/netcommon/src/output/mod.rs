//! Standard output as text, JSON lines or raw bytes.
//!
//! Everything a program says there goes through one [`Output`]. It is buffered: a program flushes
//! before it waits. When nobody reads any more, writing fails with [`ErrorKind::OutputClosed`],
//! which ends a program quietly; [`watch`] lets one that only waits learn of it too.

mod watch;

use std::fmt;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::fd::AsFd;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use humantime::format_rfc3339_micros;
use serde::Serialize;

use crate::error::{Error, ErrorKind};
use crate::language::Language;

pub use watch::{is_closed, watch};

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

/// What standard output carries.
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
/// [`ErrorKind::LocalLimit`] and the system's reason.
pub struct Output {
    /// What it carries.
    pub style: Style,
    /// The language of the human lines.
    pub language: Language,
    /// Whether each line begins with the time (JSON objects end with `"time_s"`, seconds since 1970).
    pub timestamps: bool,
    buffers: Mutex<Buffers>,
}

struct Buffers {
    sink: BufWriter<Box<dyn Write + Send>>,
    lines: String,
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
        Self::to(style, language, timestamps, stdout())
    }

    /// The same for any sink.
    pub fn to(
        style: Style,
        language: Language,
        timestamps: bool,
        sink: Box<dyn Write + Send>,
    ) -> Self {
        let buffers = Buffers {
            sink: BufWriter::with_capacity(1 << 16, sink),
            lines: String::new(),
        };
        Self {
            style,
            language,
            timestamps,
            buffers: Mutex::new(buffers),
        }
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
        self.lock().sink.write_all(bytes).map_err(failed)
    }

    /// Hands everything written so far to the system.
    pub fn flush(&self) -> Result<(), Error> {
        self.lock().sink.flush().map_err(failed)
    }

    /// Writes text for people into the buffer, in [`Style::Text`] alone.
    pub fn write_text(&self, text: &str) -> Result<(), Error> {
        if self.style == Style::Text {
            self.put_text(&mut self.lock().sink, text, None)
                .map_err(failed)?;
        }
        Ok(())
    }

    fn write_lines(&self, event: &impl Event, time: Option<SystemTime>) -> Result<(), Error> {
        let Buffers { sink, lines } = &mut *self.lock();
        lines.clear();
        event.human(self.language, lines);
        self.put_text(sink, lines, time).map_err(failed)
    }

    fn put_text(
        &self,
        sink: &mut impl Write,
        text: &str,
        time: Option<SystemTime>,
    ) -> io::Result<()> {
        if !self.timestamps || text.is_empty() {
            return sink.write_all(text.as_bytes());
        }
        // Empty lines that set an event apart stay in front of the time.
        let visible = text.trim_start_matches('\n');
        let blank = &text[..text.len() - visible.len()];
        let time = format_rfc3339_micros(time.unwrap_or_else(SystemTime::now));
        write!(sink, "{blank}{time} {visible}")
    }

    fn write_json(&self, event: &impl Event, time: Option<SystemTime>) -> Result<(), Error> {
        let sink = &mut self.lock().sink;
        let written = if self.timestamps {
            let time_s = seconds_since_1970(time.unwrap_or_else(SystemTime::now));
            serde_json::to_writer(&mut *sink, &Timed { event, time_s })
        } else {
            serde_json::to_writer(&mut *sink, event)
        };
        written
            .map_err(io::Error::from)
            .and_then(|()| sink.write_all(b"\n"))
            .map_err(failed)
    }

    // A panic in the midst of writing leaves half a line behind, at worst.
    fn lock(&self) -> MutexGuard<'_, Buffers> {
        self.buffers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A descriptor of its own: `io::stdout` would look for line feeds in every byte of a payload.
fn stdout() -> Box<dyn Write + Send> {
    match io::stdout().as_fd().try_clone_to_owned() {
        Ok(descriptor) => Box::new(File::from(descriptor)),
        Err(_) => Box::new(io::stdout()),
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
