//! How an exchange can fail, told in one line.

use std::io;
use std::time::Duration;

use netcommon::difference::Difference;
use netcommon::units::show_duration;
use netcommon::{Error, ErrorKind};

use crate::connection::{Connection, Totals};

/// The context of a failure's message.
pub(crate) struct Failure<'a> {
    pub(crate) server: &'a str,
    pub(crate) connection: &'a Connection,
    pub(crate) expect_echo: bool,
}

impl Failure<'_> {
    /// The reply is not the echo; `remark` says why, where that is known.
    pub(crate) fn differs(&self, difference: &Difference, remark: Option<String>) -> Error {
        let remark = remark.map_or(String::new(), |remark| format!("; {remark}"));
        self.check_failed(&format!(": {difference}{remark}"))
    }

    /// The server ended without a reply.
    pub(crate) fn no_reply(&self) -> Error {
        self.check_failed(" sent no reply").with_hint(self.hint())
    }

    fn check_failed(&self, what: &str) -> Error {
        let message = format!("check failed: {}{what}", self.server);
        Error::new(ErrorKind::CheckFailed, message)
    }

    /// The server ended before everything had passed.
    pub(crate) fn closed_early(&self) -> Error {
        let Totals { sent, received } = self.connection.totals();
        let progress = if sent == 0 {
            "nothing was sent yet".to_owned()
        } else if self.expect_echo {
            format!("{received} of {sent} bytes came back")
        } else {
            format!("it took {sent} bytes, but not all")
        };
        let message = format!("{} closed early: {progress}", self.server);
        Error::new(ErrorKind::ClosedEarly, message).with_hint(self.hint())
    }

    /// The connection is no more.
    pub(crate) fn lost(&self, error: io::Error) -> Error {
        let Totals { sent, received } = self.connection.totals();
        let server = self.server;
        let operation = format!("lost {server} after {sent} bytes sent and {received} received");
        Error::io(operation, error).with_hint(self.hint())
    }

    /// Nothing has come and nothing was acknowledged for the time-out.
    pub(crate) fn timed_out(&self, timeout: Duration) -> Error {
        let Totals { sent, received } = self.connection.totals();
        let silence = show_duration(timeout);
        let message = format!(
            "timed out: nothing from {} for {silence} ({sent} bytes sent, {received} received)",
            self.server
        );
        Error::new(ErrorKind::TimedOut, message)
    }

    /// A proxy that ends a session at a half-close is the usual reason of an end that follows one.
    fn hint(&self) -> Option<&'static str> {
        let hint = "it ended after our half-close, as some proxies do; try --no-shutdown";
        self.connection.is_half_closed().then_some(hint)
    }
}
