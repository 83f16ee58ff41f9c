//! Few threads, or none to be had: clients take turns.

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use nix::unistd::geteuid;
use tempfile::TempDir;

use crate::harness::compat::{is_there, serve, tcp_server};
use crate::harness::crowd::crowd;
use crate::harness::figures::Figures;
use crate::harness::process::{Running, eventually};

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
    let mut crowd = crowd(address, TALKERS);
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

/// `RLIMIT_NPROC` does not bind root, so root does this as somebody else.
fn unprivileged(program: &OsStr) -> Command {
    if !geteuid().is_root() {
        return Command::new(program);
    }
    let mut other = Command::new("setpriv");
    other.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]);
    other.arg(program);
    other
}

/// A copy of the server where everybody may run it.
fn public_server(place: &TempDir) -> PathBuf {
    let copy = place.path().join("tcp-server");
    fs::copy(tcp_server().get_program(), &copy).unwrap();
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).unwrap();
    copy
}

fn limit_threads(server: &Running, limit: &str) {
    let mut prlimit = unprivileged(OsStr::new("prlimit"));
    prlimit.args(["--pid", &server.pid().to_string(), limit]);
    assert!(prlimit.status().unwrap().success());
}

#[test]
fn a_server_that_is_refused_threads_serves_with_those_it_has_and_recovers() {
    if !is_there("prlimit") || (geteuid().is_root() && !is_there("setpriv")) {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let program = public_server(&place);
    let (server, address) = serve(unprivileged(program.as_os_str()), &[]);
    limit_threads(&server, "--nproc=1:");
    let mut crowd = crowd(address, TALKERS);
    let mut go = crowd.stdin();
    assert_eq!(crowd.event()["event"], "connected");
    exchange(&crowd, &mut go);
    let warning = server.error_line();
    assert!(warning.contains("refuses a further thread"), "{warning}");
    assert_eq!(Figures::of(&server).threads, NO_WORKERS + 1);
    limit_threads(&server, "--nproc=1000:");
    eventually("more workers come", || {
        exchange(&crowd, &mut go);
        Figures::of(&server).threads > NO_WORKERS + 1
    });
    drop(go);
    crowd.wait().assert_code(0);
    let end = server.interrupt();
    end.assert_code(0);
    assert_eq!(end.stderr, "", "one warning is enough");
}
