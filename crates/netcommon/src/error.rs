//! A failure as one line for people and an exit code for scripts.

use std::fmt;
use std::io;

use nix::errno::Errno;
use serde::{Serialize, Serializer};

/// The remedy where a process has no descriptor left, which `EMFILE` means after any call.
pub(crate) const OPEN_FILES_HINT: &str = "raise the limit of open files (ulimit -n)";

/// The class of a failure: the exit code, the `kind` of a JSON error event, and the word in the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The program ran, but what it checked did not hold.
    CheckFailed,
    /// An argument is malformed or contradicts another.
    Usage,
    /// A name has no address (of the wanted family).
    NotResolved,
    /// The peer's host answered that nothing listens there.
    Refused,
    /// Nothing passed within the time-out.
    TimedOut,
    /// No route, or a router said so.
    Unreachable,
    /// The peer aborted the connection (RST).
    Reset,
    /// The peer ended the connection before everything had passed.
    ClosedEarly,
    /// A limit of this machine: address in use, permission, descriptors, disk space.
    LocalLimit,
    /// Standard output has no reader any more; a program ends quietly, as `yes | head` does.
    OutputClosed,
}

impl ErrorKind {
    /// Every class of which a program fails.
    pub(crate) const FAILURES: [Self; 9] = [
        Self::CheckFailed,
        Self::Usage,
        Self::NotResolved,
        Self::Refused,
        Self::TimedOut,
        Self::Unreachable,
        Self::Reset,
        Self::ClosedEarly,
        Self::LocalLimit,
    ];

    /// The word for people and for JSON.
    pub fn word(self) -> &'static str {
        self.word_and_code().0
    }

    /// The exit code: 0 to 8, as listed in every program's `--help`.
    pub fn exit_code(self) -> u8 {
        self.word_and_code().1
    }

    fn word_and_code(self) -> (&'static str, u8) {
        match self {
            Self::OutputClosed => ("output closed", 0),
            Self::CheckFailed => ("check failed", 1),
            Self::Usage => ("usage", 2),
            Self::NotResolved => ("not resolved", 3),
            Self::Refused => ("refused", 4),
            Self::TimedOut => ("timed out", 5),
            Self::Unreachable => ("unreachable", 6),
            Self::Reset => ("reset", 7),
            Self::ClosedEarly => ("closed early", 7),
            Self::LocalLimit => ("local limit", 8),
        }
    }

    /// The class of an error of the operating system (errno(3)).
    ///
    /// `EAGAIN` is a local limit: its other meanings (a time-out, an empty socket) depend on the call,
    /// which the caller knows. `ENOTCONN` is a connection that the peer has reset.
    pub fn of(error: &io::Error) -> Self {
        use io::ErrorKind as Io;
        match error.kind() {
            Io::ConnectionRefused => Self::Refused,
            Io::TimedOut => Self::TimedOut,
            Io::HostUnreachable | Io::NetworkUnreachable | Io::NetworkDown => Self::Unreachable,
            Io::ConnectionReset | Io::ConnectionAborted | Io::BrokenPipe | Io::NotConnected => {
                Self::Reset
            }
            _ => Self::LocalLimit,
        }
    }
}

impl Serialize for ErrorKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

/// A failure in one line: the operation and its address, the reason, and what to try where that is known.
/// The word of its [`ErrorKind`] is always in it.
///
/// ```
/// use std::io;
///
/// use netcommon::{Error, ErrorKind};
///
/// let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
/// let error = Error::io("cannot connect to localhost:1234 (127.0.0.1)", refused)
///     .with_hint("is a server listening there?");
/// assert_eq!(error.kind(), ErrorKind::Refused);
/// assert_eq!(
///     error.to_string(),
///     "cannot connect to localhost:1234 (127.0.0.1): connection refused; is a server listening there?"
/// );
/// ```
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    operation: String,
    reason: String,
    hint: Option<&'static str>,
}

impl Error {
    /// A failure without a failed system call: `message` is the whole line.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            operation: message.into(),
            reason: String::new(),
            hint: None,
        }
    }

    /// A malformed or contradictory argument, exit code 2.
    pub fn usage(message: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Usage, format!("usage: {message}"))
    }

    /// A failed system call: `operation` says what was tried and to whom, as in
    /// `cannot connect to localhost:1234 (127.0.0.1)`.
    pub fn io(operation: impl Into<String>, error: io::Error) -> Self {
        let is_out_of_files = error.raw_os_error() == Some(Errno::EMFILE as i32);
        Self {
            reason: reason(&error),
            hint: is_out_of_files.then_some(OPEN_FILES_HINT),
            ..Self::new(ErrorKind::of(&error), operation)
        }
    }

    /// A thread that cannot be started: of all calls pthread_create(3) alone means a limit by `EAGAIN`.
    pub fn thread(operation: impl Into<String>, error: io::Error) -> Self {
        if error.kind() != io::ErrorKind::WouldBlock {
            return Self::io(operation, error).with_kind(ErrorKind::LocalLimit);
        }
        let hint = "ulimit -u, ulimit -v and the cgroup's pids.max limit their number";
        Self::io(operation, io::Error::other("no more threads")).with_hint(hint)
    }

    /// Replaces the class that the system's error alone suggests.
    #[must_use]
    pub fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.kind = kind;
        self
    }

    /// Adds what the user may try; without a `hint`, one that is there stays.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<Option<&'static str>>) -> Self {
        self.hint = hint.into().or(self.hint);
        self
    }

    /// Puts an introduction first, as in `after 3 tries in 5s: cannot connect to …`.
    #[must_use]
    pub fn behind(mut self, introduction: impl fmt::Display) -> Self {
        self.operation = format!("{introduction}: {}", self.operation);
        self
    }

    /// The class of the failure.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.operation)?;
        if !self.reason.is_empty() {
            write!(f, ": {}", self.reason)?;
        }
        let word = self.kind.word();
        if !self.operation.contains(word) && !self.reason.contains(word) {
            write!(f, " ({word})")?;
        }
        match self.hint {
            Some(hint) => write!(f, "; {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}

/// The reason for people: the system's text without `(os error N)`, beginning in lower case.
pub fn reason(error: &io::Error) -> String {
    if error.kind() == io::ErrorKind::TimedOut {
        return "timed out".to_owned();
    }
    let mut text = error.to_string();
    text.truncate(text.find(" (os error").unwrap_or(text.len()));
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_lowercase();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_operation_reason_and_the_word_of_the_class() {
        let table = [
            (Errno::ECONNREFUSED, "connection refused", 4),
            (Errno::ETIMEDOUT, "timed out", 5),
            (Errno::EHOSTUNREACH, "no route to host (unreachable)", 6),
            (Errno::ENETUNREACH, "network is unreachable", 6),
            (Errno::ECONNRESET, "connection reset by peer", 7),
            (Errno::EPIPE, "broken pipe (reset)", 7),
            (Errno::EADDRINUSE, "address already in use (local limit)", 8),
            (
                Errno::EMFILE,
                "too many open files (local limit); raise the limit of open files (ulimit -n)",
                8,
            ),
            (
                Errno::EAGAIN,
                "resource temporarily unavailable (local limit)",
                8,
            ),
        ];
        for (errno, reason, code) in table {
            let error = Error::io("cannot reach 192.0.2.1:9", errno.into());
            assert_eq!(error.kind().exit_code(), code, "{errno}");
            assert_eq!(
                error.to_string(),
                format!("cannot reach 192.0.2.1:9: {reason}")
            );
        }
    }
}
