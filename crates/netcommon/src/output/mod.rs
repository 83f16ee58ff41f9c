//! Standard output as text, JSON lines or raw bytes.
//!
//! Everything a program says there goes through one [`Output`]. It is buffered: a program flushes
//! before it waits. When nobody reads any more, writing fails with [`ErrorKind::OutputClosed`],
//! which ends a program quietly.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use mio::event::Event as PollEvent;
use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use serde::Serialize;

use crate::error::{Error, ErrorKind};
use crate::language::Language;

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
///     peer: std::net::SocketAddr,
/// }
///
/// impl Event for Connected {
///     fn human(&self, language: Language, lines: &mut String) {
///         let text = language.choose("Se ha conectado", "Connected");
///         lines.push_str(&format!("{text}: {}\n", self.peer));
///     }
/// }
///
/// let event = Connected { peer: "127.0.0.1:40404".parse()? };
/// let mut lines = String::new();
/// event.human(Language::English, &mut lines);
/// assert_eq!(lines, "Connected: 127.0.0.1:40404\n");
/// # Ok::<(), std::net::AddrParseError>(())
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
/// ```
/// use netcommon::language::Language;
/// use netcommon::output::{Output, Style};
///
/// // A pipe stands in for standard output.
/// let (mut reader, writer) = std::io::pipe()?;
/// let output = Output::to(Style::Text, Language::English, false, Box::new(writer));
/// output.write_text("one line\n")?;
/// output.flush()?;
/// drop(output);
/// assert_eq!(std::io::read_to_string(&mut reader)?, "one line\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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
        let sink = BufWriter::with_capacity(1 << 16, sink);
        Self {
            style,
            language,
            timestamps,
            buffers: Mutex::new(Buffers {
                sink,
                lines: String::new(),
            }),
        }
    }

    /// Writes an event into the buffer, in the style of this output.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::OutputClosed`] when nobody reads, else the system's reason.
    pub fn write(&self, event: &impl Event) -> Result<(), Error> {
        self.write_at(event, None)
    }

    /// Writes an event that happened at `time`, where that is known better than by looking at the clock now.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    pub fn write_at(&self, event: &impl Event, time: Option<SystemTime>) -> Result<(), Error> {
        match self.style {
            Style::Text => self.write_lines(event, time),
            Style::Json => self.write_json(event, time),
            Style::Quiet | Style::Raw => Ok(()),
        }
    }

    /// Writes an event and flushes: for what a person waits to see.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    pub fn say(&self, event: &impl Event) -> Result<(), Error> {
        self.write(event)?;
        self.flush()
    }

    /// Writes bytes into the buffer as they are, whatever the style.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    pub fn write_bytes(&self, bytes: &[u8]) -> Result<(), Error> {
        self.lock().sink.write_all(bytes).map_err(failed)
    }

    /// Hands everything written so far to the system.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    pub fn flush(&self) -> Result<(), Error> {
        self.lock().sink.flush().map_err(failed)
    }

    /// Writes text for people into the buffer, with the time in front where that is asked for;
    /// nothing in the other styles.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    pub fn write_text(&self, text: &str) -> Result<(), Error> {
        match self.style {
            Style::Text => self
                .put_text(&mut self.lock().sink, text, None)
                .map_err(failed),
            _ => Ok(()),
        }
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
        let time = rfc3339(time.unwrap_or_else(SystemTime::now));
        write!(sink, "{blank}{time} {visible}")
    }

    fn write_json(&self, event: &impl Event, time: Option<SystemTime>) -> Result<(), Error> {
        let sink = &mut self.lock().sink;
        let written = match self.timestamps {
            true => serde_json::to_writer(
                &mut *sink,
                &Timed {
                    event,
                    time_s: seconds_since_1970(time.unwrap_or_else(SystemTime::now)),
                },
            ),
            false => serde_json::to_writer(&mut *sink, event),
        };
        written
            .map_err(io::Error::from)
            .and_then(|()| sink.write_all(b"\n"))
            .map_err(failed)
    }

    // A thread that panicked while it wrote leaves at worst half a line behind.
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

/// Registers standard output with a poller, so that a program that only waits learns that nobody
/// reads any more: [`is_closed`] tells by the event.
///
/// A poller reports errors and hang-ups whatever the interest (`EPOLLERR`, `EPOLLHUP`, epoll_ctl(2)),
/// and nothing else is of interest here. Readable, a terminal would wake the program for each line
/// typed and a socket for each segment that its peer sends; writable, a terminal would for each
/// character shown, and a pipe whenever its reader has made room. `EPOLLPRI` is none of these on a
/// pipe (pipe(7)), a terminal or a stream socket without urgent data (tcp(7)). On kqueue the end of a
/// reader belongs to the write filter (`EV_EOF`).
///
/// A file cannot be watched (`EPERM`), and needs not be: it has no reader that could go.
pub fn watch(registry: &Registry, token: Token) {
    let descriptor = io::stdout().as_raw_fd();
    if let Err(error) = registry.register(&mut SourceFd(&descriptor), token, READER_GONE) {
        log::debug!("standard output is not watched: {error}");
    }
}

#[cfg(target_os = "linux")]
const READER_GONE: Interest = Interest::PRIORITY;
#[cfg(not(target_os = "linux"))]
const READER_GONE: Interest = Interest::WRITABLE;

/// Whether an event of a [watched](watch) standard output means that nobody reads it any more.
pub fn is_closed(event: &PollEvent) -> bool {
    event.is_error() || event.is_write_closed()
}

/// The time now, as RFC 3339 with microseconds, UTC.
pub fn timestamp() -> impl std::fmt::Display {
    rfc3339(SystemTime::now())
}

fn rfc3339(time: SystemTime) -> impl std::fmt::Display {
    humantime::format_rfc3339_micros(time)
}

fn seconds_since_1970(time: SystemTime) -> f64 {
    time.duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0.0, |since| since.as_secs_f64())
}

fn failed(error: io::Error) -> Error {
    let closed = error.kind() == io::ErrorKind::BrokenPipe;
    let error = Error::io("cannot write to standard output", error);
    error.with_kind(if closed {
        ErrorKind::OutputClosed
    } else {
        ErrorKind::LocalLimit
    })
}

#[cfg(test)]
mod tests;
