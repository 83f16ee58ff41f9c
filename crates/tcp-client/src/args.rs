//! The command line of `tcp-client`.

use std::io::{IsTerminal, stderr, stdout};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use netcommon::Error;
use netcommon::cli::{
    ClientSocketArgs, Manual, OutputArgs, Program, RetryArgs, TargetArgs, TcpArgs, parse_wait,
};
use netcommon::deadline::Deadline;
use netcommon::hex::{HexBytes, parse_hex};
use netcommon::output::Style;
use netcommon::socket::tcp::ConnectOptions;
use netmeasure::{MeasureArgs, Plan};

use crate::exchange::ExchangeOptions;
use crate::manual;
use crate::reply::ReplyForm;
use crate::source::Source;

/// The message of the original script.
const DEFAULT_MESSAGE: &str = "Hola, servidor!";

/// Lengths of a measured message, which each connection keeps in memory a few times over.
const LENGTHS: RangeInclusive<usize> = 1..=(64 << 20);

/// Length of a stream's messages: long enough to be sent fast, short enough to be counted often.
const STREAM_LENGTH: usize = 128 << 10;

/// Send bytes to a TCP server and show its reply: a message, a file, or what you type. Without
/// arguments it sends "Hola, servidor!" to localhost:1234.
#[derive(Parser, Debug)]
#[command(name = Self::NAME, version)]
pub struct Args {
    /// Send this text [default: "Hola, servidor!"]
    #[arg(short, long, value_name = "TEXT", conflicts_with_all = ["file", "MeasureArgs"])]
    pub message: Option<String>,
    /// Send this file (- is standard input); the reply's bytes go to standard output as they are
    #[arg(short, long, value_name = "PATH|-", conflicts_with = "MeasureArgs")]
    pub file: Option<PathBuf>,
    /// Send these bytes, two hexadecimal digits each, with spaces or colons between them if you like
    #[arg(long, value_name = "HEX", value_parser = parse_hex, conflicts_with_all = ["message", "file", "MeasureArgs"])]
    pub data_hex: Option<HexBytes>,
    /// Demand the same bytes back: a difference is exit code 1, too few bytes are 7
    #[arg(short, long, conflicts_with = "MeasureArgs")]
    pub expect_echo: bool,
    /// Keep the write side open, instead of half-closing when all is sent and as many bytes came back,
    /// or nothing for 250 ms
    #[arg(long, conflicts_with = "MeasureArgs")]
    pub no_shutdown: bool,
    /// Where to connect to.
    #[command(flatten)]
    pub target: TargetArgs,
    /// How to speak.
    #[command(flatten)]
    pub output: OutputArgs,
    /// Options of its socket.
    #[command(flatten)]
    pub socket: ClientSocketArgs,
    /// Options of TCP.
    #[command(flatten)]
    pub tcp: TcpArgs,
    /// Give up when nothing has passed for DUR, connecting included [default: wait for ever; when
    /// measuring, a reply is late after 2s]
    #[arg(short = 'w', long, value_name = "DUR", value_parser = parse_wait, help_heading = "Waiting")]
    pub timeout: Option<Duration>,
    /// Give up connecting after DUR [default: that of -w, else the kernel's, about two minutes]
    #[arg(long, value_name = "DUR", value_parser = parse_wait, help_heading = "Waiting")]
    pub connect_timeout: Option<Duration>,
    /// Another try.
    #[command(flatten)]
    pub retry: RetryArgs,
    /// The measurement.
    #[command(flatten)]
    pub measure: MeasureArgs,
    /// Measure throughput, both ways at once, instead of round trips
    #[arg(long, help_heading = "Measuring",
          conflicts_with_all = ["message", "file", "data_hex", "expect_echo", "no_shutdown", "interval", "rate", "max_p99", "explain"])]
    pub stream: bool,
}

impl Program for Args {
    const NAME: &'static str = "tcp-client";
    const MANUAL: Manual = manual::MANUAL;

    fn output(&self) -> &OutputArgs {
        &self.output
    }
}

impl Args {
    /// The bytes to send.
    ///
    /// # Errors
    ///
    /// A file that cannot be read.
    pub fn source(&self) -> Result<Source, Error> {
        if let Some(path) = &self.file {
            return Source::file(path);
        }
        let message = self.message.as_deref().unwrap_or(DEFAULT_MESSAGE);
        let bytes = self.data_hex.as_ref().map(|bytes| bytes.0.as_slice());
        Ok(Source::message(bytes.unwrap_or(message.as_bytes())))
    }

    /// Whether it sends the message of the original script, for want of another.
    pub fn sends_default(&self) -> bool {
        self.message.is_none() && self.file.is_none() && self.data_hex.is_none()
    }

    /// Where the socket is bound and how it is set up, for a connection that begins now and is given
    /// up at `end` at the latest.
    pub fn connect_options(&self, end: Deadline) -> ConnectOptions {
        ConnectOptions {
            tcp: self.tcp.options(self.socket.options(), None),
            bind: self.socket.bind,
            deadline: self.connect_deadline().sooner(end),
        }
    }

    /// The end of a wait for connections that begins now.
    pub fn connect_deadline(&self) -> Deadline {
        Deadline::after(self.connect_timeout.or(self.timeout))
    }

    /// The measurement asked for; `None` when a message is to be sent.
    ///
    /// # Errors
    ///
    /// Measuring options that contradict each other, or need one that is missing.
    pub fn plan(&self) -> Result<Option<Plan>, Error> {
        let (measure, wait) = (&self.measure, self.timeout);
        let plan = if self.stream {
            Some(measure.stream_plan(wait, STREAM_LENGTH, LENGTHS)?)
        } else {
            measure.plan(wait, LENGTHS)?
        };
        let flows = plan.as_ref().map_or(1, |plan| plan.flows);
        self.socket.bind_of_flow(flows - 1)?;
        Ok(plan)
    }

    /// How the exchange is to go. A bar and a reply on the same terminal would overwrite each other.
    pub fn exchange_options(&self) -> ExchangeOptions {
        ExchangeOptions {
            half_close: !self.no_shutdown,
            expect_echo: self.expect_echo,
            expect_reply: self.file.is_none(),
            timeout: self.timeout,
            show_progress: self.file.is_some()
                && !self.output.is_quiet()
                && stderr().is_terminal()
                && !stdout().is_terminal(),
        }
    }

    /// The form of the reply: a message is answered by a line, a file by bytes.
    pub fn reply_form(&self, style: Style) -> ReplyForm {
        let hex = self.output.hex;
        match (style, &self.file) {
            (Style::Json, _) => ReplyForm::Events,
            (Style::Raw, _) => ReplyForm::Bytes,
            (Style::Quiet, None) => ReplyForm::Hidden,
            (Style::Text, None) => ReplyForm::Line { hex },
            (_, Some(_)) if hex => ReplyForm::Dump,
            (_, Some(_)) if stdout().is_terminal() => ReplyForm::Lines,
            (_, Some(_)) => ReplyForm::Bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }
}
