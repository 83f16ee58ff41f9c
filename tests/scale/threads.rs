//! Few threads, or none to be had: clients take turns.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
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

/// The server as a user that has no other threads, and may have `limit` of them.
fn limited_server(program: &Path, limit: u32) -> Command {
    let user = command("setpriv", "--reuid 54321 --regid 54321 --clear-groups");
    let limited = user.with(["prlimit", &format!("--nproc={limit}:")]);
    limited.with([program]).with("-p 0 --json --max-threads 6")
}

/// A copy of the server that every user may run.
fn public_server(place: &TempDir) -> PathBuf {
    let copy = place.path().join("tcp-server");
    fs::copy(TcpServer.path(), &copy).unwrap();
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).unwrap();
    copy
}

#[test]
fn a_server_that_is_refused_threads_serves_with_those_it_has() {
    if installed("prlimit", "").is_none() || installed("setpriv", "").is_none() {
        return;
    }
    if !geteuid().is_root() {
        return eprintln!("skipped: only root can be another user");
    }
    let place = tempfile::tempdir().unwrap();
    let program = public_server(&place);
    let other = Server::start_command(limited_server(&program, 1000));
    eventually("the other server has its threads", || {
        other.figures().threads == NO_WORKERS + 6
    });
    let server = Server::start_command(limited_server(&program, 12));
    let warning = server.error_line();
    assert!(warning.contains("refuses some of 6 workers"), "{warning}");
    assert!(warning.contains("2 serve all clients"), "{warning}");
    let mut crowd = talkers(&server);
    exchange(&mut crowd);
    assert_eq!(server.figures().threads, NO_WORKERS + 2);
    crowd.wait().assert_code(0);
    // One warning is enough.
    server.interrupt().assert_clean();

    let reason = ["cannot start the server", "no more threads", "local limit"];
    run(limited_server(&program, 10)).assert_error(8, &reason);
    other.interrupt().assert_code(0);
}
