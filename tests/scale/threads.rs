//! Few threads, or none to be had: clients take turns.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::unistd::geteuid;
use tempfile::TempDir;

use crate::harness::{
    ALL, Program, Running, Server, TcpClient, TcpServer, UdpClient, UdpServer, With, command,
    crowd, eventually, installed, run,
};

/// The main thread and the two that wait for signals.
const NO_WORKERS: u64 = 3;

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

/// A program as a user that has no other threads, and may have `limit` of them.
fn limited(program: &Path, user: u32, limit: u32) -> Command {
    let user = format!("--reuid {user} --regid {user} --clear-groups");
    let limited = command("setpriv", &user).with(["prlimit", &format!("--nproc={limit}:")]);
    limited.with([program])
}

fn limited_server(program: &Path, limit: u32) -> Command {
    limited(program, 54321, limit).with("-p 0 --json --max-threads 6")
}

/// A copy of a program that every user may run.
fn public(program: Program, place: &TempDir) -> PathBuf {
    let copy = place.path().join(program.name());
    fs::copy(program.path(), &copy).unwrap();
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).unwrap();
    copy
}

/// False, and said on standard error, where no other user's threads can be limited.
fn can_limit() -> bool {
    if installed("prlimit", "").is_none() || installed("setpriv", "").is_none() {
        return false;
    }
    if !geteuid().is_root() {
        eprintln!("skipped: only root can be another user");
        return false;
    }
    true
}

#[test]
fn a_program_that_is_refused_a_thread_names_the_limit() {
    if !can_limit() {
        return;
    }
    let echo = Server::start(TcpServer, "");
    let handlers = "cannot handle signals";
    let table = [
        (TcpServer, "-p 0", 1, handlers),
        (UdpServer, "-p 0", 2, handlers),
        (TcpClient, "", 1, handlers),
        (UdpClient, "", 2, handlers),
        (TcpClient, "", 3, "cannot start the sending thread"),
        (TcpClient, "-c 1", 3, "cannot start the measuring threads"),
        (UdpClient, "-c 1", 3, "cannot start the measuring threads"),
    ];
    let place = tempfile::tempdir().unwrap();
    for program in ALL {
        public(program, &place);
    }
    for (program, arguments, limit, what) in table {
        let client = match program {
            TcpServer | UdpServer => String::new(),
            TcpClient | UdpClient => echo.address.to_string(),
        };
        let copy = place.path().join(program.name());
        let limited = limited(&copy, 54322, limit).with(arguments).with(&client);
        run(limited).assert_error(8, &[what, "no more threads", "ulimit -u", "local limit"]);
    }
}

#[test]
fn a_server_that_is_refused_threads_serves_with_those_it_has() {
    if !can_limit() {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let program = public(TcpServer, &place);
    let other = Server::start_command(limited_server(&program, 1000));
    eventually("the other server has its threads", || {
        other.figures().threads == NO_WORKERS + 6
    });
    let server = Server::start_command(limited_server(&program, 14));
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
    run(limited_server(&program, 12)).assert_error(8, &reason);
    other.interrupt().assert_code(0);
}
