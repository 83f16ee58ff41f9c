//! Where programs are, and which versions.

use std::env;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What people use, and how it tells its version.
const TOOLS: [(&str, &[&str]); 7] = [
    ("socat", &["-V"]),
    ("ncat", &["--version"]),
    ("nc", &["-h"]),
    ("python3", &["--version"]),
    ("iperf3", &["--version"]),
    ("sockperf", &["--version"]),
    ("rustc", &["--version"]),
];

/// The programs of this build, and those that are installed.
#[derive(Clone, Debug)]
pub(crate) struct Programs {
    /// Where cargo put this program, ours and the small peers.
    directory: PathBuf,
    /// Another build of `tcp-server`.
    pub(crate) before: Option<PathBuf>,
    /// With the line that tells the version.
    pub(crate) installed: Vec<(&'static str, String)>,
    pub(crate) missing: Vec<&'static str>,
}

impl Programs {
    pub(crate) fn find(before: Option<PathBuf>) -> io::Result<Self> {
        let directory = env::current_exe()?;
        let directory = directory.parent().unwrap_or(Path::new(".")).to_owned();
        let versions = TOOLS.map(|(name, arguments)| (name, version(name, arguments)));
        let there = |found: &(_, Option<String>)| found.1.is_some();
        let (found, absent): (Vec<_>, Vec<_>) = versions.into_iter().partition(there);
        let mut installed: Vec<_> = found
            .into_iter()
            .filter_map(|(name, version)| Some((name, version?)))
            .collect();
        installed.extend(["tokio", "mio"].map(|name| (name, locked_version(name))));
        Ok(Self {
            directory,
            before,
            installed,
            missing: absent.into_iter().map(|(name, _)| name).collect(),
        })
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.installed
            .iter()
            .any(|(installed, _)| *installed == name)
    }

    /// A program of this build.
    pub(crate) fn built(&self, name: &str) -> Command {
        command(&self.directory.join(name))
    }

    /// Where results go that are not to be kept, and what is written on the way to them.
    pub(crate) fn scratch(&self) -> PathBuf {
        self.directory.with_file_name("bench")
    }
}

/// Locale and log settings of whoever measures must not change what the programs do.
pub(crate) fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    for variable in ["LC_ALL", "LC_MESSAGES", "LANG", "LANGUAGE", "RUST_LOG"] {
        command.env_remove(variable);
    }
    command.stdout(Stdio::null());
    command
}

/// The first line that has a number in it; some tell it on standard error.
fn version(name: &str, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new(name);
    let output = command.args(arguments).stdin(Stdio::null()).output().ok()?;
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    // Another nc than OpenBSD's has other options.
    let is_other = name == "nc" && !text.contains("OpenBSD");
    (!is_other).then(|| first_numbered_line(&text))
}

fn first_numbered_line(text: &str) -> String {
    let mut lines = text.lines().map(str::trim);
    let line = lines.find(|line| line.contains(|letter: char| letter.is_ascii_digit()));
    line.unwrap_or("unknown version").to_owned()
}

/// The version of a crate that this build locked.
fn locked_version(name: &str) -> String {
    let lock = include_str!("../../Cargo.lock");
    let entry = format!("name = \"{name}\"\nversion = \"");
    let version = lock
        .split_once(&entry)
        .and_then(|(_, rest)| rest.split_once('"'));
    let (version, _) = version.unwrap_or(("unknown version", ""));
    format!("{name} {version}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_on_the_first_line_with_a_number() {
        let socat = "socat by Gerhard Rieger\nsocat version 1.7.4.4 on 06 Nov 2022\n";
        assert_eq!(
            first_numbered_line(socat),
            "socat version 1.7.4.4 on 06 Nov 2022"
        );
        assert_eq!(first_numbered_line(""), "unknown version");
    }

    #[test]
    fn the_lock_file_knows_what_the_peers_are_built_on() {
        assert!(locked_version("tokio").starts_with("tokio 1."));
        assert!(locked_version("no such crate").ends_with("unknown version"));
    }
}
