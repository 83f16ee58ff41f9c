//! Usage errors: one line like every other error, and JSON where the command line asks for it.

use std::ffi::OsString;

use clap::builder::Styles;
use clap::error::{ContextValue, ErrorKind};
use clap::{Arg, Command, value_parser};

use crate::error::Error;
use crate::language::Language;
use crate::output::{Output, Style};
use crate::payload::{is_unsafe, one_line};

/// The first sentence of what clap says about a command line, without its colours, tips and usage.
pub(super) fn error(command: Command, error: clap::Error) -> Error {
    let name = command.get_name().to_owned();
    let text = with_values_escaped(command, error);
    let first: Vec<&str> = text
        .lines()
        .map(str::trim)
        .take_while(|line| !line.is_empty() && !line.starts_with("Usage:"))
        .collect();
    let line = first.join(" ");
    let line = line.strip_prefix("error: ").unwrap_or(&line);
    Error::usage(format!("{line}; try '{name} --help'"))
}

/// clap's text has lines and styles. Those in the user's values are not its own: they are neither to
/// end the sentence nor to be left out.
fn with_values_escaped(command: Command, error: clap::Error) -> String {
    let error = error.with_cmd(&command.styles(Styles::plain()));
    let text = error.render().ansi().to_string();
    let values = error.context().filter_map(|(_, value)| match value {
        ContextValue::String(value) if value.contains(is_unsafe) => Some(value),
        _ => None,
    });
    values.fold(text, |text, value| text.replace(value, &one_line(value)))
}

/// Standard output, if a command line that clap refuses asks for JSON all the same.
///
/// clap tells options from values once more; but it takes any value, and what it does not know is
/// left out.
pub(super) fn json_output(command: Command, arguments: &[OsString]) -> Option<Output> {
    let mut command = command
        .mut_args(take_any_value)
        .args_override_self(true)
        .disable_help_flag(true)
        .disable_version_flag(true);
    let mut known = Vec::new();
    for argument in arguments {
        known.push(argument);
        let parsed = command.try_get_matches_from_mut(&known);
        if parsed.is_err_and(|error| error.kind() == ErrorKind::UnknownArgument) {
            known.pop();
        }
    }
    let matches = command.ignore_errors(true).try_get_matches_from(known);
    let matches = matches.ok().filter(|matches| matches.get_flag("json"))?;
    let timestamps = matches.get_flag("timestamps");
    Some(Output::new(Style::Json, Language::Spanish, timestamps))
}

fn take_any_value(arg: Arg) -> Arg {
    if arg.get_action().takes_values() {
        arg.value_parser(value_parser!(OsString))
    } else {
        arg
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{OutputArgs, TargetArgs};
    use clap::{CommandFactory, Parser};

    #[derive(Parser)]
    struct Args {
        #[arg(short, long, conflicts_with = "number")]
        message: Option<String>,
        #[arg(short, long)]
        number: Option<u8>,
        #[command(flatten)]
        target: TargetArgs,
        #[command(flatten)]
        output: OutputArgs,
    }

    /// Each of the command lines is refused, and asks for JSON or not.
    fn assert_json(expected: bool, lines: &[&str]) {
        for line in lines {
            let arguments: Vec<OsString> = format!("program {line}")
                .split_whitespace()
                .map(OsString::from)
                .collect();
            assert!(Args::try_parse_from(&arguments).is_err(), "{line}");
            let output = json_output(Args::command(), &arguments);
            assert_eq!(output.is_some(), expected, "{line}");
        }
    }

    #[test]
    fn json_is_recognised_wherever_the_error_is() {
        assert_json(
            true,
            &[
                "--json --bogus",
                "--bogus --json",
                "--bogus -Z -Z --bogus=1 -J",
                "-vJ --bogus",
                "--bogus -qvJx",
                "-n 300 -J",
                "-n300 -J",
                "--number=-1 -J",
                "-J -J",
                "-J -m 1 -n 1",
                "host 1 2 3 -J",
                "host port -J",
                "-Jm",
                // A value that begins with a hyphen has to be attached: this one is missing.
                "-m -J",
            ],
        );
    }

    #[test]
    fn a_value_is_not_taken_for_the_option() {
        assert_json(
            false,
            &[
                "--bogus",
                "-mJ --bogus",
                "-vmJ --bogus",
                "-m=-J --bogus",
                "--message=-J --bogus",
                "--message=--json --bogus",
                "--bogus -- -J",
                "--bogus -- --json",
                "--bogus J json",
            ],
        );
    }

    #[test]
    fn an_error_is_one_line_that_names_the_help() {
        let table = [
            (
                "-n 300",
                "usage: invalid value '300' for '--number <NUMBER>': 300 is not in 0..=255; \
                 try 'program --help'",
            ),
            (
                "--number=a\n\nb\u{1b}[2J",
                r"usage: invalid value 'a\n\nb\u{1b}[2J' for '--number <NUMBER>': invalid digit found in string; try 'program --help'",
            ),
            (
                "--jsn",
                "usage: unexpected argument '--jsn' found; try 'program --help'",
            ),
        ];
        for (line, expected) in table {
            let arguments = format!("program {line}");
            let refused = Args::try_parse_from(arguments.split(' ')).err().unwrap();
            let command = Args::command().name("program");
            assert_eq!(error(command, refused).to_string(), expected);
        }
    }
}
