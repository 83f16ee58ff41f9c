//! Completions: what a shell offers behind each option, and in place of HOST.

use clap::{Arg, Command, ValueHint};
use clap_complete::{Shell, generate};

use super::bash;

/// The completions of a command for one shell.
pub(super) fn script(shell: Shell, command: Command, name: &'static str) -> String {
    let mut command = command.mut_args(without_files);
    if shell == Shell::Bash {
        command.build();
        return bash::script(&command, name);
    }
    let mut script = Vec::new();
    generate(shell, &mut command, name, &mut script);
    let script = String::from_utf8_lossy(&script);
    let lines = script
        .lines()
        .map(|line| with_interfaces(shell, line) + "\n");
    lines.collect::<String>() + &hosts(shell, name)
}

/// Shells offer files where they know nothing better: for a value that is typed there is nothing.
fn without_files(arg: Arg) -> Arg {
    if arg.get_value_hint() == ValueHint::Unknown {
        arg.value_hint(ValueHint::Other)
    } else {
        arg
    }
}

fn with_interfaces(shell: Shell, line: &str) -> String {
    let is_interface = ["-I+[", "--interface=[", " -l interface "];
    match shell {
        _ if !is_interface.iter().any(|option| line.contains(option)) => line.to_owned(),
        Shell::Fish => format!("{line} -a \"(__fish_print_interfaces)\""),
        _ => line.replace(":NAME:'", ":NAME:_net_interfaces'"),
    }
}

/// clap's completions for fish know options alone.
fn hosts(shell: Shell, name: &str) -> String {
    if shell == Shell::Fish {
        format!("complete -c {name} -f -a \"(__fish_print_hostnames)\"\n")
    } else {
        String::new()
    }
}
