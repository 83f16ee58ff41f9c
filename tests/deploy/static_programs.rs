//! Programs linked statically, as process 1 on a root that holds nothing else and cannot be written, as
//! a user who is nobody and has no capabilities: a container made of nothing but them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::harness::{
    ALL, Program, Running, Server, TcpClient, TcpServer, UdpClient, UdpServer, With, command,
    eventually, installed, run,
};

/// Makes a folder that cannot be written the root of a process 1 whose user may do nothing.
const ALONE: &str = r#"mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" &&
    exec unshare --user --map-user=54321 --map-group=54321 --pid --fork --kill-child --root="$0" "$@""#;

/// A folder with the four programs; `None`, said on standard error, where they cannot be linked or
/// where it cannot be a root.
fn root() -> Option<&'static Path> {
    static ROOT: OnceLock<Option<PathBuf>> = OnceLock::new();
    ROOT.get_or_init(|| can_link().then(build)?).as_deref()
}

fn can_link() -> bool {
    let Some(cc) = installed("cc", "-print-file-name=libc.a") else {
        return false;
    };
    // Without the file, cc repeats its name.
    let is_there = run(cc).text().starts_with('/');
    if !is_there {
        eprintln!("skipped: no static C library here");
    }
    is_there
}

/// Unoptimised: how they are linked is the matter.
fn build() -> Option<PathBuf> {
    let rustc = run(command(env!("CARGO").replace("cargo", "rustc"), "-vV"));
    let host = rustc
        .text()
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .unwrap();
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("static");
    let _ = fs::remove_dir_all(&root);
    fs::create_dir_all(&root).unwrap();
    for program in ALL {
        let built = escargot::CargoBuild::new()
            .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
            .package(program.name())
            .bin(program.name())
            .target(host)
            .env("CARGO_ENCODED_RUSTFLAGS", "-Ctarget-feature=+crt-static")
            .run()
            .unwrap_or_else(|error| panic!("cannot build {} statically: {error}", program.name()));
        fs::copy(built.path(), root.join(program.name())).unwrap();
    }
    let probe = run(alone_in(&root, TcpClient)?.with("--version"));
    if probe.code != Some(0) {
        eprintln!("skipped: no such root here: {}", probe.stderr);
        return None;
    }
    Some(root)
}

fn alone_in(root: &Path, program: Program) -> Option<Command> {
    let shell = installed("unshare", "--user --map-root-user --mount sh -c")?.with([ALONE]);
    Some(shell.with([root]).with([format!("/{}", program.name())]))
}

fn alone(program: Program, arguments: &str) -> Command {
    let root = root().expect("it was there");
    alone_in(root, program).expect("unshare").with(arguments)
}

/// Process 1, as this side calls it.
fn process_1(wrapper: u32) -> i32 {
    let path = format!("/proc/{wrapper}/task/{wrapper}/children");
    let mut child = None;
    eventually("process 1 is there", || {
        let children = fs::read_to_string(&path).unwrap();
        child = children.split_whitespace().next().map(str::to_owned);
        child.is_some()
    });
    child.unwrap().parse().unwrap()
}

fn assert_may_do_nothing(process: i32) {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    for capabilities in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
        assert!(
            status.contains(&format!("{capabilities}:\t0000000000000000\n")),
            "{status}"
        );
    }
    let ids = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
    assert!(ids.unwrap().ends_with("\t1"), "{status}");
}

fn end(server: Server, process: i32) {
    kill(Pid::from_raw(process), Signal::SIGTERM).unwrap();
    server.wait().assert_code(0);
}

#[test]
fn static_servers_and_clients_need_nothing_but_themselves() {
    if root().is_none() {
        return;
    }
    for (server, client, echo) in [(TcpServer, TcpClient, ""), (UdpServer, UdpClient, "--echo")] {
        let server = Server::from(Running::start(alone(server, &format!("-p 0 {echo}"))));
        let process = process_1(server.pid());
        assert_may_do_nothing(process);
        let port = server.address.port();
        // No file says what localhost is.
        for arguments in [
            format!("-q -e -w 30s localhost:{port}"),
            format!("-q -c 9 -i 0 -p {port}"),
        ] {
            run(alone(client, &arguments)).assert_clean();
        }
        end(server, process);
    }
}

#[test]
fn a_static_program_says_what_its_root_lacks() {
    if root().is_none() {
        return;
    }
    run(alone(TcpClient, "-w 5s name.invalid")).assert_error(3, &["'name.invalid' not resolved"]);
    let nowhere = alone(TcpServer, "-p 0 --openmetrics /metrics.prom");
    run(nowhere).assert_error(8, &["'/metrics.prom'", "read-only file system"]);
    run(alone(TcpClient, "-f /etc/hosts")).assert_error(2, &["/etc/hosts"]);
}
