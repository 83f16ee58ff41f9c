//! Argument groups, logging and exit codes: how every program starts and ends.

mod generate;
mod groups;
mod man;
mod reference;

use std::io::Write;
use std::process::ExitCode;

use clap::{Command, Parser};
use serde::Serialize;

pub use groups::{
    ClientSocketArgs, OutputArgs, ServerSocketArgs, TargetArgs, TcpArgs, WaitArgs, parse_wait,
};
pub use reference::{Entries, Manual};

use generate::Kind;

use crate::error::{Error, ErrorKind};
use crate::language::Language;
use crate::output::{Event, Output, Style, timestamp};

/// The arguments of a program.
pub trait Program: Parser {
    /// The name in messages.
    const NAME: &'static str;

    /// What its help and its man page say beside the options.
    const MANUAL: Manual;

    /// The group that says how the program speaks.
    fn output(&self) -> &OutputArgs;
}

/// Parses the command line, starts logging, runs the program, and turns its failure into one line
/// on standard error and an exit code.
pub fn main<P: Program>(run: impl FnOnce(P) -> Result<(), Error>) -> ExitCode {
    let arguments = match parse::<P>() {
        Ok(Request::Run(arguments)) => arguments,
        Ok(Request::Generate(kind)) => {
            return exit_code(P::NAME, None, generate::write::<P>(kind));
        }
        Err(error) => return refuse(P::NAME, &error),
    };
    let output = arguments.output().clone();
    start_logging(P::NAME, &output);
    let result = run(arguments);
    let json = output.json.then(|| output.open());
    exit_code(P::NAME, json, result)
}

/// What a command line asks for.
enum Request<P> {
    Run(P),
    Generate(Kind),
}

fn parse<P: Program>() -> Result<Request<P>, clap::Error> {
    let mut command = generate::with_option(command::<P>());
    let mut matches = command.try_get_matches_from_mut(std::env::args_os())?;
    match matches.remove_one(generate::OPTION) {
        Some(kind) => Ok(Request::Generate(kind)),
        None => P::from_arg_matches_mut(&mut matches)
            .map(Request::Run)
            .map_err(|error| error.format(&mut command)),
    }
}

/// The command line as clap knows it, with the end that all programs have in common.
fn command<P: Program>() -> Command {
    P::command()
        .max_term_width(100)
        .after_help(reference::after_help(P::MANUAL.examples))
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
    let error = Error::usage(format!("{line}; try '{name} --help'"));
    exit_code(name, json_if_asked_for(), Err(error))
}

/// Where the arguments make no sense as a whole, one of them may still say who reads the answer.
fn json_if_asked_for() -> Option<Output> {
    let asked = std::env::args_os().any(|argument| argument == "--json" || argument == "-J");
    asked.then(|| Output::new(Style::Json, Language::Spanish, false))
}

/// The end of a program: its failure as one line on standard error, where it speaks JSON as an event
/// too, and as an exit code.
fn exit_code(name: &str, json: Option<Output>, result: Result<(), Error>) -> ExitCode {
    let Err(error) = result else {
        return ExitCode::SUCCESS;
    };
    let kind = error.kind();
    if kind != ErrorKind::OutputClosed {
        let message = error.to_string().replace('\n', " ");
        complain(name, &message);
        if let Some(output) = json {
            // The same failure may be why nothing can be written there; standard error has said it.
            let _ = output.say(&Failure::Error { kind, message });
        }
    }
    ExitCode::from(kind.exit_code())
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
