//! Standard error: errors, notes and log lines, each one line that cannot steer a terminal.

use std::env;
use std::fmt;
use std::io::Write;

use env_logger::{Builder, DEFAULT_FILTER_ENV, Target};
use log::{Level, LevelFilter, Record};

use super::{OutputArgs, journal};
use crate::output::{StandardStream, timestamp};
use crate::payload::one_line;

/// The module that speaks with a service manager.
const SERVICE: &str = "netcommon::service";

/// Writes one line to standard error, whatever a peer, a file name or an argument has put into it.
pub fn print_line(line: impl fmt::Display) {
    let line = one_line(line) + "\n";
    // A closed standard error has no reader to miss it.
    let _ = StandardStream::Error.write_all(line.as_bytes());
}

/// The same with the priority of an error.
pub(super) fn print_error(line: impl fmt::Display) {
    print_line(format_args!("{}{line}", journal::priority(Level::Error)));
}

/// Warnings unless `-v` or `RUST_LOG` says otherwise, under the program's name.
pub(super) fn start_logging(name: &'static str, arguments: &OutputArgs) {
    let timestamps = arguments.timestamps;
    let mut builder = Builder::new();
    builder.filter_level(arguments.log_level());
    if let Ok(filters) = env::var(DEFAULT_FILTER_ENV) {
        // The parser repeats on standard error what it does not understand.
        builder.parse_filters(&one_line(filters));
    } else if journal::is_on() && !arguments.is_verbose() {
        // Where a service listens and how it ended; the journal is filtered by priority when it is read.
        builder.filter_module(SERVICE, LevelFilter::Info);
    }
    builder
        .target(Target::Pipe(Box::new(StandardStream::Error)))
        .format(move |line, record| {
            write!(line, "{}", journal::priority(record.level()))?;
            if timestamps {
                write!(line, "{} ", timestamp())?;
            }
            writeln!(
                line,
                "{name}: {}: {}",
                word(record),
                one_line(record.args())
            )
        })
        .init();
}

fn word(record: &Record<'_>) -> &'static str {
    match record.level() {
        Level::Error => "error",
        Level::Warn => "warning",
        Level::Info => "info",
        Level::Debug => "debug",
        Level::Trace => "trace",
    }
}
