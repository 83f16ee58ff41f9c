//! Argument groups, logging and exit codes: how every program starts and ends.

mod groups;
mod measure;

use std::error::Error as StdError;
use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use serde::Serialize;

pub use groups::{
    ClientSocketArgs, OutputArgs, ServerSocketArgs, SocketArgs, TargetArgs, TcpArgs, WaitArgs,
    parse_wait,
};
pub use measure::MeasureArgs;
#[cfg(test)]
pub(crate) use measure::measured_plan;

use crate::error::{Error, ErrorKind};
use crate::language::Language;
use crate::output::{Event, timestamp};

/// What `--help` of every program ends with.
pub const EXIT_CODES: &str = "\
Exit codes:
  0  ok (a server's Ctrl-C too)
  1  check failed: it ran, but no or a wrong reply came, or a bound was broken
  2  usage: an argument is malformed or contradicts another
  3  not resolved: the name has no address
  4  refused: nothing listens there
  5  timed out
  6  unreachable: no route
  7  reset or closed early by the peer
  8  local limit: address in use, permission, descriptors, disk space

Durations: 500ms, 2s, 1m; a bare number is seconds.
Sizes: K M G are powers of 1000, Ki Mi Gi of 1024; a bare number is bytes.";

/// The arguments of a program.
pub trait Program: Parser {
    /// The name in messages.
    const NAME: &'static str;

    /// The group that says how the program speaks.
    fn output(&self) -> &OutputArgs;
}

/// Parses the command line, starts logging, runs the program, and turns its failure into one line
/// on standard error and an exit code.
pub fn main<P: Program, E>(run: impl FnOnce(P) -> Result<(), E>) -> ExitCode
where
    E: AsRef<dyn StdError + Send + Sync>,
{
    let arguments = match P::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return refuse(P::NAME, &error),
    };
    let output = arguments.output().clone();
    start_logging(P::NAME, &output);
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => report(P::NAME, &output, error.as_ref()),
    }
}

/// Help and version go to standard output; a usage error is one line, like every other error.
fn refuse(name: &str, error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        // Nobody reading the help any more is no failure.
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    let text = error.render().to_string();
    let first: Vec<&str> = text
        .lines()
        .map(str::trim)
        .take_while(|line| !line.is_empty() && !line.starts_with("Usage:"))
        .collect();
    let line = first.join(" ");
    let line = line.strip_prefix("error: ").unwrap_or(&line);
    complain(name, &format!("usage: {line}; try '{name} --help'"));
    ExitCode::from(ErrorKind::Usage.exit_code())
}

fn report(
    name: &str,
    output: &OutputArgs,
    error: &(dyn StdError + Send + Sync + 'static),
) -> ExitCode {
    let kind = kind_of(error);
    if kind != ErrorKind::OutputClosed {
        let message = one_line(error);
        complain(name, &message);
        if output.json {
            // The same failure may be why nothing can be written there; standard error has said it.
            let _ = output.open().say(&Failure::Error { kind, message });
        }
    }
    ExitCode::from(kind.exit_code())
}

/// The class of the innermost error that has one; what has none is a limit of this machine.
fn kind_of(error: &(dyn StdError + 'static)) -> ErrorKind {
    causes(error)
        .find_map(|cause| cause.downcast_ref::<Error>())
        .map_or(ErrorKind::LocalLimit, Error::kind)
}

fn one_line(error: &(dyn StdError + 'static)) -> String {
    causes(error)
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
        .replace('\n', " ")
}

fn causes<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&cause| cause.source())
}

fn complain(name: &str, message: &str) {
    // With standard error gone too, the exit code alone has to say it.
    let _ = writeln!(std::io::stderr(), "{name}: {message}");
}

/// The event of a failure.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
enum Failure {
    Error { kind: ErrorKind, message: String },
}

impl Event for Failure {
    fn human(&self, _: Language, _: &mut String) {}
}

/// Warnings unless `-v` or `RUST_LOG` says otherwise, on standard error, under the program's name.
fn start_logging(name: &'static str, arguments: &OutputArgs) {
    let timestamps = arguments.timestamps;
    env_logger::Builder::new()
        .filter_level(arguments.log_level())
        .parse_default_env()
        .format(move |line, record| {
            if timestamps {
                write!(line, "{} ", timestamp())?;
            }
            let level = match record.level() {
                log::Level::Error => "error",
                log::Level::Warn => "warning",
                log::Level::Info => "info",
                log::Level::Debug => "debug",
                log::Level::Trace => "trace",
            };
            writeln!(line, "{name}: {level}: {}", record.args())
        })
        .init();
}
