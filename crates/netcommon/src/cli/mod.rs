//! The start and the end of every program: arguments, logging, exit codes.
//!
//! # Layout
//!
//! - `groups`: the argument groups that the programs share
//! - `reference`: the end of every `--help`, and what man pages say besides the options
//! - `journal`: priorities of lines that the journal of systemd reads
//! - `standard_error`: errors, notes and log lines, each one line that cannot steer a terminal
//! - `usage`: usage errors as one line, and in JSON where that was asked for
//! - `bash`, `completions`: what shells offer
//! - `man`, `generate`: man pages and completions, for packages

mod bash;
mod completions;
mod generate;
mod groups;
mod journal;
mod man;
mod reference;
mod standard_error;
mod usage;

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use clap::{Command, Parser};
use serde::Serialize;

pub use groups::{
    ClientSocketArgs, OutputArgs, RetryArgs, ServerSocketArgs, TargetArgs, TcpArgs, parse_wait,
};
pub use reference::{Entries, Manual};
pub use standard_error::print_line;

use generate::Kind;

use crate::error::{Error, ErrorKind};
use crate::language::Language;
use crate::openmetrics::Metrics;
use crate::output::{Event, Output, StandardStream};
use crate::payload::one_line;
use crate::signals;

/// The arguments of a program.
pub trait Program: Parser {
    /// The name in messages.
    const NAME: &'static str;

    /// Sections of its help and its man page beside the options.
    const MANUAL: Manual;

    /// The style of its output, in which a failure is reported too.
    fn output(&self) -> &OutputArgs;
}

/// Parses the command line, starts logging, handles signals, runs the program, and turns its failure
/// into one line on standard error and an exit code.
pub fn main<P: Program>(run: impl FnOnce(P, &Metrics) -> Result<(), Error>) -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let program = match parse::<P>(&arguments) {
        Ok(Request::Run(program)) => program,
        Ok(Request::Generate(kind)) => {
            return exit_code(P::NAME, generate::write::<P>(kind), || None);
        }
        Err(error) if error.use_stderr() => {
            let json = || usage::json_output(command::<P>(), &arguments);
            return exit_code(P::NAME, Err(usage::error(command::<P>(), error)), json);
        }
        Err(help_or_version) => {
            // A closed standard output is no failure here either.
            let _ = print(&help_or_version);
            return ExitCode::SUCCESS;
        }
    };
    let output = program.output().clone();
    standard_error::start_logging(P::NAME, &output);
    let result = signals::start()
        .and_then(|()| output.start_explaining())
        .and_then(|()| Metrics::open(P::NAME, output.openmetrics.as_deref()))
        .and_then(|metrics| {
            let result = run(program, &metrics);
            metrics.finish(result.as_ref().err().map(Error::kind));
            result
        });
    exit_code(P::NAME, result, || output.json.then(|| output.open()))
}

/// Help has its style on a terminal alone.
fn print(help: &clap::Error) -> io::Result<()> {
    if io::stdout().is_terminal() {
        return help.print();
    }
    write!(StandardStream::Output, "{}", help.render())
}

enum Request<P> {
    Run(P),
    Generate(Kind),
}

fn parse<P: Program>(arguments: &[OsString]) -> Result<Request<P>, clap::Error> {
    let mut command = generate::with_option(command::<P>());
    let mut matches = command.try_get_matches_from_mut(arguments)?;
    if let Some(kind) = matches.remove_one(generate::OPTION) {
        return Ok(Request::Generate(kind));
    }
    let program = P::from_arg_matches_mut(&mut matches);
    program
        .map(Request::Run)
        .map_err(|error| error.format(&mut command))
}

/// The command line as clap knows it, with the end that all programs have in common.
fn command<P: Program>() -> Command {
    P::command()
        .bin_name(P::NAME)
        .max_term_width(100)
        .after_help(reference::after_help(P::MANUAL.examples))
}

/// The end of a program: a failure is one line on standard error and, where `json` gives one, an
/// event on standard output.
fn exit_code(
    name: &str,
    result: Result<(), Error>,
    json: impl FnOnce() -> Option<Output>,
) -> ExitCode {
    let Err(error) = result else {
        return ExitCode::SUCCESS;
    };
    let kind = error.kind();
    if kind != ErrorKind::OutputClosed {
        let message = one_line(error);
        standard_error::print_error(format_args!("{name}: {message}"));
        if let Some(output) = json() {
            // Standard output may be what failed.
            let _ = output.say(&Failure::Error { kind, message });
        }
    }
    ExitCode::from(kind.exit_code())
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
