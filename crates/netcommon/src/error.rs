//! What went wrong, to whom and why, and the exit code that says so to a script.

use std::fmt;
use std::io;

use serde::{Serialize, Serializer};

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
    /// Nothing happened for as long as the user was willing to wait.
    TimedOut,
    /// No route, or a router said so.
    Unreachable,
    /// The peer aborted the connection (RST).
    Reset,
    /// The peer ended the connection before everything had passed.
    ClosedEarly,
    /// This machine said no: address in use, permission, descriptors, disk space.
    LocalLimit,
    /// Nobody reads standard output any more; a program ends quietly, as `yes | head` does.
    OutputClosed,
}

impl ErrorKind {
    /// The word for people and for JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::CheckFailed => "check failed",
            Self::Usage => "usage",
            Self::NotResolved => "not resolved",
            Self::Refused => "refused",
            Self::TimedOut => "timed out",
            Self::Unreachable => "unreachable",
            Self::Reset => "reset",
            Self::ClosedEarly => "closed early",
            Self::LocalLimit => "local limit",
            Self::OutputClosed => "output closed",
        }
    }

    /// The exit code: 0 to 8, as listed in every program's `--help`.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::OutputClosed => 0,
            Self::CheckFailed => 1,
            Self::Usage => 2,
            Self::NotResolved => 3,
            Self::Refused => 4,
            Self::TimedOut => 5,
            Self::Unreachable => 6,
            Self::Reset | Self::ClosedEarly => 7,
            Self::LocalLimit => 8,
        }
    }

    /// The class of an error of the operating system (errno(3)).
    ///
    /// A `WouldBlock` is a time-out here: only blocking sockets with `SO_RCVTIMEO` or `SO_SNDTIMEO`
    /// let one through (socket(7)). A connection that is "not connected" was, before the peer's RST.
    pub fn of(error: &io::Error) -> Self {
        use io::ErrorKind as Io;
        match error.kind() {
            Io::ConnectionRefused => Self::Refused,
            Io::TimedOut | Io::WouldBlock => Self::TimedOut,
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
/// The line always holds the word of its [`ErrorKind`].
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
    reason: Option<String>,
    hint: Option<&'static str>,
    source: Option<io::Error>,
}

impl Error {
    /// A failure that no system call reported: `message` says it all.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            operation: message.into(),
            reason: None,
            hint: None,
            source: None,
        }
    }

    /// A malformed or contradictory argument, exit code 2.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Usage, format!("usage: {}", message.into()))
    }

    /// A failed system call: `operation` says what was tried and to whom, as in
    /// `cannot connect to localhost:1234 (127.0.0.1)`.
    pub fn io(operation: impl Into<String>, source: io::Error) -> Self {
        Self {
            kind: ErrorKind::of(&source),
            operation: operation.into(),
            reason: Some(reason(&source)),
            hint: None,
            source: Some(source),
        }
    }

    /// Replaces the class that the system's error alone suggests.
    #[must_use]
    pub fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.kind = kind;
        self
    }

    /// Replaces the system's wording of the reason.
    #[must_use]
    pub fn with_reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// Adds what the user may try.
    #[must_use]
    pub fn with_hint(mut self, hint: &'static str) -> Self {
        self.hint = Some(hint);
        self
    }

    /// The system's own class, where a system call failed.
    pub fn io_kind(&self) -> Option<io::ErrorKind> {
        self.source.as_ref().map(io::Error::kind)
    }

    /// The class of the failure.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.operation)?;
        let reason = self.reason.as_deref().unwrap_or_default();
        if !reason.is_empty() {
            write!(f, ": {reason}")?;
        }
        let word = self.kind.word();
        if !self.operation.contains(word) && !reason.contains(word) {
            write!(f, " ({word})")?;
        }
        match self.hint {
            Some(hint) => write!(f, "; {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {
    // The source is part of the text above; handing it out again would print it twice.
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source
            .as_ref()
            .and_then(|source| std::error::Error::source(source))
    }
}

/// The reason for people: the system's text in lower case, without `(os error N)`.
pub fn reason(error: &io::Error) -> String {
    if ErrorKind::of(error) == ErrorKind::TimedOut {
        return "timed out".to_owned();
    }
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_lowercase().chain(letters).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_line_names_operation_reason_and_hint() {
        let refused = io::Error::from_raw_os_error(111);
        let error = Error::io("cannot connect to localhost:1234 (127.0.0.1)", refused)
            .with_hint("is a server listening there?");
        assert_eq!(
            error.to_string(),
            "cannot connect to localhost:1234 (127.0.0.1): connection refused; is a server listening there?"
        );
        assert_eq!(error.kind(), ErrorKind::Refused);
    }

    #[test]
    fn the_word_of_the_class_is_always_in_the_line() {
        let in_use = Error::io(
            "cannot listen on localhost:1234 (127.0.0.1)",
            io::Error::from_raw_os_error(98),
        );
        assert_eq!(
            in_use.to_string(),
            "cannot listen on localhost:1234 (127.0.0.1): address already in use (local limit)"
        );
        let no_route = Error::io(
            "cannot connect to 192.0.2.1:9",
            io::Error::from_raw_os_error(113),
        );
        assert_eq!(
            no_route.to_string(),
            "cannot connect to 192.0.2.1:9: no route to host (unreachable)"
        );
    }

    #[test]
    fn system_errors_fall_into_the_documented_classes() {
        let classes = [
            (io::ErrorKind::ConnectionRefused, 4),
            (io::ErrorKind::TimedOut, 5),
            (io::ErrorKind::WouldBlock, 5),
            (io::ErrorKind::HostUnreachable, 6),
            (io::ErrorKind::NetworkUnreachable, 6),
            (io::ErrorKind::ConnectionReset, 7),
            (io::ErrorKind::BrokenPipe, 7),
            (io::ErrorKind::AddrInUse, 8),
            (io::ErrorKind::PermissionDenied, 8),
        ];
        for (kind, code) in classes {
            assert_eq!(ErrorKind::of(&kind.into()).exit_code(), code, "{kind:?}");
        }
    }
}
