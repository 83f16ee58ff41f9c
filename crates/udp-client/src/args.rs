//! The command line of `udp-client`.

use std::io::{BufRead, BufReader, Cursor};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Parser;
use netcommon::cli::{ClientSocketArgs, Manual, OutputArgs, Program, TargetArgs, parse_wait};
use netcommon::socket::udp::ConnectOptions;
use netcommon::{Error, input};
use netmeasure::probe;
use netmeasure::{MeasureArgs, Plan};

use crate::manual;
use crate::source::Source;

/// The message of the original script.
const MESSAGE: &str = "Hola se está tensando muchísimo";

/// Send a UDP datagram, or one for each line, and print the replies if asked to wait for them.
/// Without arguments it sends "Hola se está tensando muchísimo" to localhost:1234.
#[derive(Clone, Debug, Parser)]
#[command(name = Self::NAME, version)]
pub struct Args {
    /// Send this text [default: "Hola se está tensando muchísimo"]
    #[arg(short, long, value_name = "TEXT", conflicts_with_all = ["file", "MeasureArgs"])]
    message: Option<String>,
    /// Send the bytes of this file, or of standard input (-), as one datagram
    #[arg(short, long, value_name = "PATH|-", conflicts_with = "MeasureArgs")]
    file: Option<PathBuf>,
    /// Send each line as a datagram of its own, without its line feed [default source: standard input]
    #[arg(long, conflicts_with = "MeasureArgs")]
    lines: bool,
    /// Wait up to DUR for the reply to each datagram, and print it; from a group, all that come
    /// [default: do not wait; when measuring, a reply is late after 2s]
    #[arg(short = 'w', long, value_name = "DUR", value_parser = parse_wait)]
    pub timeout: Option<Duration>,
    /// Allow a broadcast address
    #[arg(long)]
    broadcast: bool,
    /// Time to live, or hop limit, of multicast datagrams [default: 1, the local network]
    #[arg(long, value_name = "N")]
    mcast_ttl: Option<u8>,
    /// Where to send.
    #[command(flatten)]
    pub address: TargetArgs,
    /// How the program speaks.
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    socket: ClientSocketArgs,
    #[command(flatten)]
    measure: MeasureArgs,
}

impl Program for Args {
    const NAME: &'static str = "udp-client";
    const MANUAL: Manual = manual::MANUAL;

    fn output(&self) -> &OutputArgs {
        &self.output
    }
}

impl Args {
    /// How the socket is set up.
    pub fn options(&self) -> ConnectOptions {
        ConnectOptions {
            socket: self.socket.options(),
            bind: self.socket.bind,
            broadcast: self.broadcast,
            multicast_ttl: self.mcast_ttl,
        }
    }

    /// What to measure, or `None` when messages are to be sent.
    ///
    /// # Errors
    ///
    /// Measuring options that need one that is missing, and a length that no probe has.
    pub fn plan(&self) -> Result<Option<Plan>, Error> {
        let lengths = probe::HEADER..=probe::LONGEST;
        self.measure.plan(self.timeout, lengths)
    }

    /// The datagrams to send, none of which may be larger than `limit` bytes.
    ///
    /// # Errors
    ///
    /// A file that cannot be opened.
    pub fn source(&self, limit: usize) -> Result<Source, Error> {
        let input = self.input()?;
        Ok(match self.lines {
            true => Source::lines(input, limit),
            false => Source::whole(input, limit),
        })
    }

    fn input(&self) -> Result<Box<dyn BufRead>, Error> {
        let stdin = (self.lines && self.message.is_none()).then_some(Path::new("-"));
        match self.file.as_deref().or(stdin) {
            Some(path) => Ok(Box::new(BufReader::with_capacity(
                1 << 16,
                input::open(path)?,
            ))),
            None => {
                let message = self.message.as_deref().unwrap_or(MESSAGE);
                Ok(Box::new(Cursor::new(message.to_owned())))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Args::command().debug_assert();
    }

    #[test]
    fn without_arguments_the_original_message_is_sent() {
        let args = Args::try_parse_from(["udp-client"]).unwrap();
        let mut source = args.source(100).unwrap();
        assert_eq!(source.next_payload().unwrap(), Some(MESSAGE.as_bytes()));
        assert_eq!(source.next_payload().unwrap(), None);
    }
}
