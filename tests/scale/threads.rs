//! Few threads, or none to be had: clients take turns.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use nix::unistd::geteuid;
use tempfile::TempDir;

use crate::harness::{
    Running, Server, TcpServer, With, command, crowd, eventually, installed, run,
};

/// The main thread and the one that waits for signals.
const NO_WORKERS: u64 = 2;

fn talkers(server: &Server) -> Running {
    let role = "exchange --clients 200 --bytes 5000 --messages 50";
    let crowd = crowd(server.address, role);
    assert_eq!(crowd.event()["event"], "connected");
    crowd
}

/// Each of the 200 clients gets 50 messages back.
fn exchange(crowd: &mut Running) {
    crowd.say("");
    assert_eq!(crowd.event()["messages"], 200 * 50);
}

#[test]
fn four_threads_serve_two_hundred_clients() {
    let server = Server::start(TcpServer, "--json --max-threads 4");
    let mut crowd = talkers(&server);
    for _ in 0..3 {
        exchange(&mut crowd);
        let figures = server.figures();
        assert!(figures.threads <= NO_WORKERS + 4, "{figures:?}");
    }
    crowd.wait().assert_code(0);
    server.interrupt().assert_clean();
}

/// `RLIMIT_NPROC` does not bind root, so root runs this as another user.
fn unprivileged(program: impl AsRef<OsStr>) -> Command {
    if !geteuid().is_root() {
        return command(program, "");
    }
    let other = command("setpriv", "--reuid 65534 --regid 65534 --clear-groups");
    other.with([program])
}

/// A copy of the server that every user may run.
fn public_server(place: &TempDir) -> PathBuf {
    let copy = place.path().join("tcp-server");
    fs::copy(TcpServer.path(), &copy).unwrap();
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).unwrap();
    copy
}

fn limit_threads(server: &Server, limit: &str) {
    let prlimit = unprivileged("prlimit").with(["--pid", &server.pid().to_string(), limit]);
    run(prlimit).assert_code(0);
}

#[test]
fn a_server_that_is_refused_threads_serves_with_those_it_has_and_recovers() {
    if installed("prlimit", "").is_none() || installed("setpriv", "").is_none() {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let command = unprivileged(public_server(&place)).with("-p 0 --json");
    let server = Server::start_command(command);
    limit_threads(&server, "--nproc=1:");
    let mut crowd = talkers(&server);
    exchange(&mut crowd);
    let warning = server.error_line();
    assert!(warning.contains("refuses a further thread"), "{warning}");
    assert_eq!(server.figures().threads, NO_WORKERS + 1);
    limit_threads(&server, "--nproc=1000:");
    eventually("more workers come", || {
        exchange(&mut crowd);
        server.figures().threads > NO_WORKERS + 1
    });
    crowd.wait().assert_code(0);
    let end = server.interrupt();
    // One warning is enough.
    end.assert_clean();
}
