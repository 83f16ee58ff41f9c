//! The command line of `udp-client`.

use std::io::{BufRead, BufReader, Cursor};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Parser;
use netcommon::Error;
use netcommon::cli::{
    ClientSocketArgs, Manual, OutputArgs, Program, RetryArgs, TargetArgs, parse_wait,
};
use netcommon::deadline::Deadline;
use netcommon::hex::{HexBytes, parse_hex};
use netcommon::input::Input;
use netcommon::socket::udp::ConnectOptions;
use netmeasure::{MeasureArgs, Plan, probe};

use crate::client::ReplyOptions;
use crate::manual;
use crate::source::Source;

/// The message of the original script.
const DEFAULT_MESSAGE: &str = "Hola se está tensando muchísimo";

/// Bytes read from the input at once.
const CHUNK: usize = 64 << 10;

/// Time to wait for an echo that is demanded.
const ECHO_TIMEOUT: Duration = Duration::from_secs(2);

/// Send a UDP datagram, or one for each line, and print the replies if asked to wait for them.
/// Without arguments it sends "Hola se está tensando muchísimo" to localhost:1234.
#[derive(Parser, Debug)]
#[command(name = Self::NAME, version)]
pub struct Args {
    /// Send this text [default: "Hola se está tensando muchísimo"]
    #[arg(short, long, value_name = "TEXT", conflicts_with_all = ["file", "MeasureArgs"])]
    pub message: Option<String>,
    /// Send the bytes of this file, or of standard input (-), as one datagram
    #[arg(short, long, value_name = "PATH|-", conflicts_with = "MeasureArgs")]
    pub file: Option<PathBuf>,
    /// Send these bytes, two hexadecimal digits each, with spaces or colons between them if you like
    #[arg(long, value_name = "HEX", value_parser = parse_hex, conflicts_with_all = ["message", "file", "MeasureArgs"])]
    pub data_hex: Option<HexBytes>,
    /// Demand the same bytes back: a difference is exit code 1
    #[arg(short, long, conflicts_with = "MeasureArgs")]
    pub expect_echo: bool,
    /// Send each line as a datagram of its own, without its line feed [default source: standard input]
    #[arg(long, conflicts_with = "MeasureArgs")]
    pub lines: bool,
    /// Allow a broadcast address
    #[arg(long)]
    pub broadcast: bool,
    /// Time to live, or hop limit, of multicast datagrams [default: 1, the local network]
    #[arg(long, value_name = "N")]
    pub mcast_ttl: Option<u8>,
    /// Where to send.
    #[command(flatten)]
    pub target: TargetArgs,
    /// How to speak.
    #[command(flatten)]
    pub output: OutputArgs,
    /// Options of its socket.
    #[command(flatten)]
    pub socket: ClientSocketArgs,
    /// Wait up to DUR for the reply to each datagram, and print it; from a group, all that come
    /// [default: do not wait; 2s with -e, and when measuring, where a later reply is late]
    #[arg(short = 'w', long, value_name = "DUR", value_parser = parse_wait, help_heading = "Waiting")]
    pub timeout: Option<Duration>,
    /// Another try, and with -w another datagram as long as the first has no reply.
    #[command(flatten)]
    pub retry: RetryArgs,
    /// The measurement.
    #[command(flatten)]
    pub measure: MeasureArgs,
}

impl Program for Args {
    const NAME: &'static str = "udp-client";
    const MANUAL: Manual = manual::MANUAL;

    fn output(&self) -> &OutputArgs {
        &self.output
    }
}

impl Args {
    /// The datagrams to send, none of which may be larger than `limit` bytes.
    ///
    /// # Errors
    ///
    /// A file that cannot be opened, or a FIFO that nobody writes for the time-out.
    pub fn source(&self, limit: usize) -> Result<Source, Error> {
        let input = self.input()?;
        Ok(if self.lines {
            Source::lines(input, limit)
        } else {
            Source::whole(input, limit)
        })
    }

    fn input(&self) -> Result<Box<dyn BufRead>, Error> {
        if let Some(HexBytes(bytes)) = &self.data_hex {
            return Ok(Box::new(Cursor::new(bytes.clone())));
        }
        let stdin = (self.lines && self.message.is_none()).then_some(Path::new("-"));
        if let Some(path) = self.file.as_deref().or(stdin) {
            let input = Input::open_in_time(path, Deadline::after(self.timeout))?;
            return Ok(Box::new(BufReader::with_capacity(CHUNK, input)));
        }
        let message = self.message.as_deref().unwrap_or(DEFAULT_MESSAGE);
        Ok(Box::new(Cursor::new(message.to_owned())))
    }

    /// Whether it sends the message of the original script, for want of another.
    pub fn sends_default(&self) -> bool {
        let is_given = self.message.is_some() || self.file.is_some() || self.data_hex.is_some();
        !is_given && !self.lines
    }

    /// The treatment of replies.
    pub fn reply_options(&self) -> ReplyOptions {
        ReplyOptions {
            timeout: self.timeout.or(self.expect_echo.then_some(ECHO_TIMEOUT)),
            expect_echo: self.expect_echo,
            hex: self.output.hex,
        }
    }

    /// Where the socket is bound and how it is set up; a name is looked up until `end` at the latest.
    pub fn connect_options(&self, end: Deadline) -> ConnectOptions {
        ConnectOptions {
            socket: self.socket.options(),
            bind: self.socket.bind,
            broadcast: self.broadcast,
            multicast_ttl: self.mcast_ttl,
            deadline: Deadline::after(self.timeout).sooner(end),
        }
    }

    /// The measurement asked for; `None` when messages are to be sent.
    ///
    /// # Errors
    ///
    /// Measuring options that need one that is missing, and a length that no probe has.
    pub fn plan(&self) -> Result<Option<Plan>, Error> {
        let lengths = probe::HEADER..=probe::LONGEST;
        let plan = self.measure.plan(self.timeout, lengths)?;
        let flows = plan.as_ref().map_or(1, |plan| plan.flows);
        self.socket.bind_of_flow(flows - 1)?;
        Ok(plan)
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
