//! Few threads, or none to be had: clients take turns.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::unistd::geteuid;
use tempfile::TempDir;

use crate::harness::binaries::tcp_server;
use crate::harness::crowd::{crowd, serve};
use crate::harness::figures::Figures;
use crate::harness::process::{Running, eventually};
use crate::harness::python::is_there;

/// The main thread and the one that waits for signals.
const NO_WORKERS: u64 = 2;

/// Every one of 200 clients gets 50 messages back.
fn exchange(crowd: &Running, mut go: impl Write) {
    go.write_all(b"\n").unwrap();
    assert_eq!(crowd.event()["messages"], 200 * 50);
}

const TALKERS: [&str; 7] = [
    "exchange",
    "--clients",
    "200",
    "--bytes",
    "5000",
    "--messages",
    "50",
];

#[test]
fn four_threads_serve_two_hundred_clients() {
    let (server, address) = serve(tcp_server(), &["--max-threads", "4"]);
    let mut crowd = crowd(address, &TALKERS);
    let mut go = crowd.stdin();
    assert_eq!(crowd.event()["event"], "connected");
    for _ in 0..3 {
        exchange(&crowd, &mut go);
        let figures = Figures::of(&server);
        assert!(figures.threads <= NO_WORKERS + 4, "{figures:?}");
    }
    drop(go);
    crowd.wait().assert_code(0);
    let end = server.interrupt();
    end.assert_code(0);
    assert_eq!(end.stderr, "");
}

/// The server as a user that has no other threads, and may have `limit` of them.
fn limited_server(program: &Path, limit: u32) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--reuid", "54321", "--regid", "54321", "--clear-groups"]);
    command.args(["prlimit", &format!("--nproc={limit}:")]);
    command.arg(program);
    command
}

/// A copy of the server where everybody may run it.
fn public_server(place: &TempDir) -> PathBuf {
    let copy = place.path().join("tcp-server");
    fs::copy(tcp_server().get_program(), &copy).unwrap();
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).unwrap();
    copy
}

#[test]
fn a_server_that_is_refused_threads_serves_with_those_it_has() {
    if !is_there("prlimit") || !is_there("setpriv") {
        return;
    }
    if !geteuid().is_root() {
        return println!("skipped: only root can be another user");
    }
    let place = tempfile::tempdir().unwrap();
    let program = public_server(&place);
    let six = ["--max-threads", "6"];
    let (other, _) = serve(limited_server(&program, 1000), &six);
    eventually("the other server has its threads", || {
        Figures::of(&other).threads == NO_WORKERS + 6
    });

    let (server, address) = serve(limited_server(&program, 12), &six);
    let warning = server.error_line();
    assert!(warning.contains("refuses some of 6 workers"), "{warning}");
    assert!(warning.contains("2 serve all clients"), "{warning}");
    let mut crowd = crowd(address, &TALKERS);
    let mut go = crowd.stdin();
    assert_eq!(crowd.event()["event"], "connected");
    exchange(&crowd, &mut go);
    assert_eq!(Figures::of(&server).threads, NO_WORKERS + 2);
    drop(go);
    crowd.wait().assert_code(0);
    let end = server.interrupt();
    end.assert_code(0);
    assert_eq!(end.stderr, "", "one warning is enough");

    let (server, _) = serve(limited_server(&program, 10), &six);
    let reason = ["cannot start the server", "no more threads", "local limit"];
    server.wait().assert_code(8).assert_one_line_error(&reason);
    other.interrupt().assert_code(0);
}
