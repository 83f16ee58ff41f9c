//! The hidden `--generate KIND`: man page and shell completions, for packages.

use clap::{Arg, Command, ValueEnum, value_parser};
use clap_complete::Shell;

use super::{Program, command, completions, man};
use crate::error::Error;
use crate::language::Language;
use crate::output::{Output, Style};

/// The option, and its identifier among the matches.
pub(super) const OPTION: &str = "generate";

/// What can be generated.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Kind {
    /// A manual page in roff.
    Man,
    /// Completions for bash.
    Bash,
    /// Completions for zsh.
    Zsh,
    /// Completions for fish.
    Fish,
}

/// Adds the option. What is generated comes from a command without it, and so never mentions it.
pub(super) fn with_option(command: Command) -> Command {
    let option = Arg::new(OPTION).long(OPTION).value_name("KIND").hide(true);
    command.arg(option.value_parser(value_parser!(Kind)))
}

/// Writes what was asked for to standard output.
///
/// # Errors
///
/// An output that cannot be written, or is closed.
pub(super) fn write<P: Program>(kind: Kind) -> Result<(), Error> {
    let mut text = Vec::new();
    match kind {
        Kind::Man => man::write_page::<P>(&mut text)
            .map_err(|error| Error::io("cannot render the man page", error))?,
        Kind::Bash => text = completions_for::<P>(Shell::Bash),
        Kind::Zsh => text = completions_for::<P>(Shell::Zsh),
        Kind::Fish => text = completions_for::<P>(Shell::Fish),
    }
    let output = Output::new(Style::Raw, Language::English, false);
    output.write_bytes(&text)?;
    output.flush()
}

fn completions_for<P: Program>(shell: Shell) -> Vec<u8> {
    completions::script(shell, command::<P>(), P::NAME).into_bytes()
}
