//! Commands for the four programs, which are built by the first test that needs them, and for what
//! else is installed.

use std::env;
use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

pub(crate) use Program::{TcpClient, TcpServer, UdpClient, UdpServer};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    TcpServer,
    TcpClient,
    UdpServer,
    UdpClient,
}

pub(crate) const ALL: [Program; 4] = [TcpServer, TcpClient, UdpServer, UdpClient];

impl Program {
    pub(crate) fn name(self) -> &'static str {
        ["tcp-server", "tcp-client", "udp-server", "udp-client"][self as usize]
    }

    pub(crate) fn path(self) -> &'static Path {
        static PATHS: [OnceLock<PathBuf>; 4] = [const { OnceLock::new() }; 4];
        PATHS[self as usize].get_or_init(|| build(self.name()))
    }

    pub(crate) fn command(self, arguments: impl Arguments) -> Command {
        command(self.path(), arguments)
    }

    /// A client of `server`.
    pub(crate) fn to(self, server: SocketAddr, arguments: impl Arguments) -> Command {
        let mut command = self.command(arguments);
        command.arg(server.to_string());
        command
    }
}

fn build(package: &str) -> PathBuf {
    escargot::CargoBuild::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
        .package(package)
        .bin(package)
        .release()
        .run()
        .unwrap_or_else(|error| panic!("cannot build {package}: {error}"))
        .path()
        .to_owned()
}

/// Words between spaces, or a list where an argument is empty or has spaces itself.
pub(crate) trait Arguments {
    fn add_to(&self, command: &mut Command);
}

impl Arguments for &str {
    fn add_to(&self, command: &mut Command) {
        command.args(self.split_whitespace());
    }
}

impl Arguments for &String {
    fn add_to(&self, command: &mut Command) {
        self.as_str().add_to(command);
    }
}

impl<T: AsRef<OsStr>> Arguments for &[T] {
    fn add_to(&self, command: &mut Command) {
        command.args(*self);
    }
}

impl<T: AsRef<OsStr>, const N: usize> Arguments for [T; N] {
    fn add_to(&self, command: &mut Command) {
        command.args(self);
    }
}

/// A command in a fixed environment: what the programs say depends neither on the locale nor on the
/// terminal or log settings of the user who runs the tests.
pub(crate) fn command(program: impl AsRef<OsStr>, arguments: impl Arguments) -> Command {
    let mut command = Command::new(program);
    let inherited = ["PATH", "HOME", "TMPDIR"];
    command
        .env_clear()
        .envs(inherited.map(|name| (name, env::var_os(name).unwrap_or_default())))
        .envs([("LANG", "C.UTF-8"), ("TERM", "xterm")]);
    arguments.add_to(&mut command);
    command
}

/// A command of a program that not every machine has; `None`, said on standard error, without it.
pub(crate) fn installed(program: &str, arguments: impl Arguments) -> Option<Command> {
    let path = env::var_os("PATH").unwrap_or_default();
    if env::split_paths(&path).any(|directory| directory.join(program).is_file()) {
        return Some(command(program, arguments));
    }
    eprintln!("skipped: {program} is not installed");
    None
}

/// A command that runs `script` with Python 3.
pub(crate) fn python(script: &str) -> Option<Command> {
    installed("python3", ["-u", "-c", script])
}

/// A command that runs in a network of its own, in which every port is free and nothing but
/// loopback can be reached.
pub(crate) fn in_own_network(program: impl AsRef<OsStr>) -> Option<Command> {
    let up = r#"ip link set lo up && exec "$0" "$@""#;
    let isolated = ["--user", "--map-root-user", "--net", "sh", "-c", up];
    let mut probe = installed("unshare", isolated)?;
    let output = probe.arg("true").stdin(Stdio::null()).output().ok()?;
    if !output.status.success() {
        let reason = String::from_utf8_lossy(&output.stderr);
        eprintln!("skipped: no network namespace here: {reason}");
        return None;
    }
    let mut command = command("unshare", isolated);
    command.arg(program);
    Some(command)
}
