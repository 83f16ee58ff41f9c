//! Surroundings in which connecting is hard: addresses that never answer, names of the test's own.

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::time::Duration;

use socket2::{Domain, Socket, Type};
use tempfile::NamedTempFile;

use super::process::run;
use super::program::{Program, With, command, in_own_network, installed};

/// An address at which no connection stands and none fails, as behind a firewall that drops: a
/// backlog that is full drops SYNs (listen(2)).
pub(crate) struct BlackHole {
    pub(crate) address: SocketAddr,
    _listener: Socket,
    _waiting: Vec<TcpStream>,
}

impl BlackHole {
    pub(crate) fn open() -> Self {
        let listener = without_backlog();
        let address = address_of(&listener);
        let connect = || TcpStream::connect_timeout(&address, Duration::from_secs(1));
        let waiting: Vec<TcpStream> = std::iter::from_fn(|| connect().ok()).take(8).collect();
        assert!(waiting.len() < 8, "the backlog is never full");
        Self {
            address,
            _listener: listener,
            _waiting: waiting,
        }
    }
}

/// A listener with room for a single connection, which nobody accepts; further ones are dropped.
pub(crate) fn without_backlog() -> Socket {
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    listener.bind(&any.into()).expect("a free port");
    listener.listen(0).expect("a listener");
    listener
}

pub(crate) fn address_of(listener: &Socket) -> SocketAddr {
    let address = listener.local_addr().expect("an address");
    address.as_socket().expect("an address of IP")
}

/// Puts the first file in the place of the second, and runs the command behind them.
const REPLACE: &str = r#"mount --bind "$0" "$1" && shift && exec "$@""#;

/// A file that takes the place of another one, for one command.
pub(crate) struct Replaced {
    file: NamedTempFile,
    path: &'static str,
}

impl Replaced {
    pub(crate) fn new(path: &'static str, content: &str) -> Self {
        let mut file = NamedTempFile::new().expect("a file");
        file.write_all(content.as_bytes()).expect("room for it");
        Self { file, path }
    }

    /// The host names that programs know are those of `content` alone.
    pub(crate) fn hosts(content: &str) -> Self {
        Self::new("/etc/hosts", content)
    }

    /// A client in these surroundings; `None`, said on standard error, where there are none.
    pub(crate) fn command(&self, program: Program) -> Option<Command> {
        let own = ["--user", "--map-root-user", "--mount"];
        let replaced = |program: &std::path::Path| {
            let shell = installed("unshare", own)?.with(["sh", "-c", REPLACE]);
            Some(self.with_files(shell).with([program]))
        };
        let probe = run(replaced("true".as_ref())?);
        if probe.code != Some(0) {
            eprintln!("skipped: no mount namespace here: {}", probe.stderr);
            return None;
        }
        replaced(program.path())
    }

    /// The same in a network of its own, where `shell` is run first, in the background.
    pub(crate) fn command_in_own_network(&self, shell: &str, program: Program) -> Option<Command> {
        let script = format!(
            "{shell}\nprogram=$1; shift\n\
             unshare --mount sh -c '{REPLACE}' {} {} \"$program\" \"$@\"",
            self.file.path().display(),
            self.path
        );
        let shell = in_own_network("sh")?;
        Some(shell.with(["-c", &script, "sh"]).with([program.path()]))
    }

    fn with_files(&self, shell: Command) -> Command {
        shell.with([self.file.path()]).with([self.path])
    }
}

/// A script in a network of its own, whose clients have the local ports `ports`, with the paths of
/// `programs` as `$1`, `$2` and so on.
pub(crate) fn with_local_ports(ports: &str, script: &str, programs: &[Program]) -> Option<Command> {
    installed("sysctl", "")?;
    let script = format!("set -e\nsysctl -qw net.ipv4.ip_local_port_range='{ports}'\n{script}");
    let shell = in_own_network("sh")?.with(["-c", &script, "sh"]);
    Some(
        shell.with(
            programs
                .iter()
                .map(|program| program.path())
                .collect::<Vec<_>>()
                .as_slice(),
        ),
    )
}

/// A program under a limit of open files, as the shell's `ulimit` takes it.
pub(crate) fn with_open_files(limit: &str, program: Program) -> Command {
    let script = format!(r#"ulimit {limit} && exec "$0" "$@""#);
    command("sh", ["-c", &script]).with([program.path()])
}
