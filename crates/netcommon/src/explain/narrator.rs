//! The narrator: a line for each call, on standard error.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::io::{self, BufRead, Write};
use std::net::Shutdown;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nix::errno::Errno;
use serde::Serialize;

use super::calls::{Call, Way};
use super::texts::text;
use super::{Pace, Settings};
use crate::language::Language;
use crate::output::StandardStream;
use crate::payload::EscapedLines;
use crate::units::show_duration;

/// The column at which reasons begin, unless the call itself is longer.
const REASON_COLUMN: usize = 44;

/// Tells calls in the order in which they return, whatever thread makes them.
pub(super) struct Narrator {
    settings: Settings,
    /// One thread asks for Enter at a time.
    enter: Mutex<()>,
    memory: Mutex<Memory>,
}

/// The reasons given so far, and the ends of connections.
#[derive(Default)]
pub(super) struct Memory {
    told: HashSet<&'static str>,
    /// The call that waits, so that each wait is told once.
    waiting: String,
    /// Of each connection, whether the peer ended its side before this program did, once either has.
    ends: HashMap<RawFd, End>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Open,
    PeerFirst,
    OwnFirst,
}

/// The result of a call.
pub(super) struct Returned {
    pub(super) result: Result<(i64, String), Errno>,
    /// How long it waited, where it did.
    pub(super) waited: Option<Duration>,
    /// The program's own address, once it is connected.
    pub(super) local: String,
}

/// One line, as programs read it.
#[derive(Serialize)]
#[serde(tag = "event", rename = "step")]
struct Step<'a> {
    call: &'a str,
    arguments: &'a str,
    result: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    waited_s: Option<f64>,
    way: Way,
    key: &'a str,
    text: &'a str,
}

impl Narrator {
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            settings,
            enter: Mutex::default(),
            memory: Mutex::default(),
        }
    }

    /// With `=step`, waits for Enter; the end of standard input lets everything go on.
    pub(super) fn pause_before(&self, call: &Call<'_>) {
        if self.settings.pace != Pace::Step {
            return;
        }
        let _one_at_a_time = self.enter.lock().unwrap_or_else(PoisonError::into_inner);
        let language = self.settings.language;
        let enter = language.choose("Intro para", "Enter for");
        say(&format!("  [{enter} {}] ", spoken(call, language)));
        // Without an answer there is nobody to wait for.
        let _ = io::stdin().lock().read_line(&mut String::new());
    }

    /// Tells that the call is about to wait.
    pub(super) fn tell_wait(&self, call: &Call<'_>) {
        let key = call.waiting_key();
        let mut memory = self.memory();
        let spoken = spoken(call, self.settings.language);
        if memory.waiting == spoken {
            return;
        }
        memory.waiting = spoken;
        let wording = text(key).wording(self.settings.language, memory.told.insert(key));
        self.tell(call, Way::Wait, key, wording, None);
    }

    /// Tells what the call returned.
    pub(super) fn tell_return(
        &self,
        mut memory: MutexGuard<'_, Memory>,
        call: &Call<'_>,
        returned: &Returned,
    ) {
        memory.waiting.clear();
        let (way, key) = match &returned.result {
            Ok((number, _)) => call.success(*number, memory.note(call, *number)),
            Err(errno) => call.failure(*errno),
        };
        let wording = text(key).wording(self.settings.language, memory.told.insert(key));
        let wording = fill(wording, call, returned);
        self.tell(call, way, key, &wording, Some(returned));
    }

    fn tell(
        &self,
        call: &Call<'_>,
        way: Way,
        key: &str,
        wording: &str,
        returned: Option<&Returned>,
    ) {
        let line = if self.settings.json {
            json_line(call, way, key, wording, returned)
        } else {
            human_line(call, way, wording, returned, self.settings.language)
        };
        say(&line);
    }

    /// Holds the lines of other threads up. A panic meanwhile leaves nothing half remembered.
    pub(super) fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Memory {
    /// Remembers which side of a connection ended first, and returns it at its close.
    fn note(&mut self, call: &Call<'_>, number: i64) -> Option<bool> {
        match *call {
            Call::Connect(fd, _) => self.ends.insert(fd.as_raw_fd(), End::Open),
            Call::Accept(_) => {
                let fd = RawFd::try_from(number).ok()?;
                self.ends.insert(fd, End::Open)
            }
            Call::Receive(fd, _) if number == 0 => self.end(fd.as_raw_fd(), End::PeerFirst),
            Call::ShutDown(_, Shutdown::Read) => None,
            Call::ShutDown(fd, _) => self.end(fd, End::OwnFirst),
            Call::Close(fd) => {
                return self.ends.remove(&fd).map(|end| end == End::PeerFirst);
            }
            _ => None,
        };
        None
    }

    fn end(&mut self, fd: RawFd, end: End) -> Option<End> {
        let known = self.ends.get_mut(&fd)?;
        if *known == End::Open {
            *known = end;
        }
        None
    }
}

/// The call as C programmers write it, but for a thread, which is no call of sockets.
fn spoken(call: &Call<'_>, language: Language) -> String {
    let arguments = call.arguments();
    match call {
        Call::Thread(_) => format!("{} {arguments}", language.choose("hilo", "thread")),
        _ => format!("{}({arguments})", call.name()),
    }
}

fn fill(wording: &str, call: &Call<'_>, returned: &Returned) -> String {
    let result = returned.result.as_ref().map_or(-1, |(number, _)| *number);
    wording
        .replace("{n}", &call.figure(result).to_string())
        .replace("{letters}", &call.letters().to_string())
        .replace("{fd}", &result.to_string())
        .replace("{address}", &returned.local)
}

fn human_line(
    call: &Call<'_>,
    way: Way,
    wording: &str,
    returned: Option<&Returned>,
    language: Language,
) -> String {
    let mut line = format!("{} {}", way.mark(), spoken(call, language));
    let result = returned.filter(|_| !matches!(call, Call::Thread(_)));
    let written = result.map_or(Ok(()), |returned| write_result(&mut line, returned));
    debug_assert!(written.is_ok(), "a string takes any text");
    let padding = REASON_COLUMN.saturating_sub(line.chars().count());
    format!("{line}{:padding$} {wording}\n", "")
}

fn write_result(line: &mut String, returned: &Returned) -> std::fmt::Result {
    match &returned.result {
        Ok((number, _)) => write!(line, " = {number}")?,
        Err(errno) => write!(line, " = -1 {errno:?}")?,
    }
    if let Ok((_, detail)) = &returned.result
        && !detail.is_empty()
    {
        write!(line, " {detail}")?;
    }
    match returned.waited {
        Some(waited) => write!(line, " ({})", show_duration(waited)),
        None => Ok(()),
    }
}

fn json_line(
    call: &Call<'_>,
    way: Way,
    key: &str,
    wording: &str,
    returned: Option<&Returned>,
) -> String {
    let result = returned.map(|returned| &returned.result);
    let step = Step {
        call: call.name(),
        arguments: &call.arguments(),
        result: result.map(|result| result.as_ref().map_or(-1, |(number, _)| *number)),
        error: result.and_then(|result| Some(format!("{:?}", result.as_ref().err()?))),
        waited_s: returned.and_then(|returned| Some(returned.waited?.as_secs_f64())),
        way,
        key,
        text: wording,
    };
    let mut line = serde_json::to_string(&step).unwrap_or_default();
    line.push('\n');
    line
}

/// Where standard error is closed, nobody listens to the lesson.
fn say(line: &str) {
    let line = EscapedLines(line.as_bytes()).to_string();
    let _ = StandardStream::Error.write_all(line.as_bytes());
}
