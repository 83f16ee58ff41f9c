//! Python peers, where there is a Python.

use std::process::{Command, Stdio};

/// A command that runs `script` with Python 3; `None`, said on standard error, where there is none.
pub(crate) fn python(script: &str) -> Option<Command> {
    if !is_there("python3") {
        return None;
    }
    let mut command = Command::new("python3");
    command.args(["-u", "-c", script]);
    Some(command)
}

/// Whether a peer program is installed; a test says so when it skips.
pub(crate) fn is_there(program: &str) -> bool {
    let found = Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok();
    if !found {
        eprintln!("skipped: {program} is not installed");
    }
    found
}
