//! Commands for the four programs, which are built by the first test that needs them, and for what
//! else is installed.

use std::env;
use std::ffi::{OsStr, OsString};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::process::run;

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
        self.command(arguments).with([server.to_string()])
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

/// Commands built in one expression.
pub(crate) trait With: Sized {
    /// With further arguments.
    fn with(self, arguments: impl Arguments) -> Self;
    fn with_env(self, name: &str, value: impl AsRef<OsStr>) -> Self;
}

impl With for Command {
    fn with(mut self, arguments: impl Arguments) -> Self {
        arguments.add_to(&mut self);
        self
    }

    fn with_env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.env(name, value);
        self
    }
}

/// The same for every user.
const FIXED: [(&str, &str); 2] = [("LANG", "C.UTF-8"), ("TERM", "xterm")];

/// A command in a fixed environment: what the programs say depends neither on the locale nor on the
/// terminal or log settings of the user who runs the tests.
pub(crate) fn command(program: impl AsRef<OsStr>, arguments: impl Arguments) -> Command {
    let mut command = Command::new(program);
    let inherited = ["PATH", "HOME", "TMPDIR"].map(|name| Some((name, env::var_os(name)?)));
    command
        .env_clear()
        .envs(inherited.into_iter().flatten())
        .envs(FIXED);
    command.with(arguments)
}

/// A command that may run cargo: in the environment of the user, which tells where cargo has its
/// files, less what decides on languages and logs.
pub(crate) fn with_cargo(program: impl AsRef<OsStr>, arguments: impl Arguments) -> Command {
    let mut command = Command::new(program);
    for name in ["LC_ALL", "LC_MESSAGES", "LANGUAGE", "RUST_LOG"] {
        command.env_remove(name);
    }
    command.envs(FIXED);
    command.with(arguments)
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

/// A command that runs a shell script with a network, mounts and processes of its own, which end with
/// it. It knows the four programs as `$tcp_server` and so on, and a directory for files as `$d`; what is
/// in `$d/err` at its end goes to standard error. The first command that fails ends it.
pub(crate) fn in_own_machine(script: &str) -> Option<Command> {
    let script = format!(
        "set -e\nd=$(mktemp -d)\n: > $d/err\ntrap 'cat $d/err >&2; rm -r $d' EXIT\n\
         ip link set lo up\n{script}"
    );
    let isolated = "--user --map-root-user --net --mount --pid --fork --kill-child sh -c";
    let probe = run(installed("unshare", isolated)?.with(["mount --bind /etc /etc"]));
    if probe.code != Some(0) {
        eprintln!("skipped: no namespaces here: {}", probe.stderr);
        return None;
    }
    let command = command("unshare", isolated).with([script]);
    let command = command.with_env("PATH", search_path());
    Some(ALL.into_iter().fold(command, |command, program| {
        let name = program.name();
        command.with_env(&name.replace('-', "_"), name)
    }))
}

/// The search path with the four programs in front: a shell splits a path that has spaces.
pub(crate) fn search_path() -> OsString {
    let programs = ALL.map(|program| program.path().parent().expect("a directory").to_owned());
    let path = env::var_os("PATH").unwrap_or_default();
    let path = programs.into_iter().chain(env::split_paths(&path));
    env::join_paths(path).expect("no directory has a colon")
}

/// A command that runs as process 1, as in a container: it gets no signal that it does not handle.
/// Its process is the one child of what is started.
pub(crate) fn as_process_1(program: impl AsRef<OsStr>) -> Option<Command> {
    let isolated = "--user --map-root-user --pid --fork --kill-child --mount-proc";
    let probe = run(installed("unshare", isolated)?.with(["true"]));
    if probe.code != Some(0) {
        eprintln!("skipped: no namespace of processes here: {}", probe.stderr);
        return None;
    }
    Some(command("unshare", isolated).with([program]))
}

/// A command that a shell runs behind `set_up`, such as `trap "" INT` or `ulimit -f 1`.
pub(crate) fn behind(set_up: &str, program: impl AsRef<OsStr>) -> Command {
    let script = format!(r#"{set_up}; exec "$0" "$@""#);
    command("sh", ["-c", &script]).with([program])
}

/// A command that runs in a network of its own, in which every port is free and nothing but
/// loopback can be reached.
pub(crate) fn in_own_network(program: impl AsRef<OsStr>) -> Option<Command> {
    let up = r#"ip link set lo up && exec "$0" "$@""#;
    let isolated = ["--user", "--map-root-user", "--net", "sh", "-c", up];
    let probe = run(installed("unshare", isolated)?.with(["true"]));
    if probe.code != Some(0) {
        eprintln!("skipped: no network namespace here: {}", probe.stderr);
        return None;
    }
    Some(command("unshare", isolated).with([program]))
}
