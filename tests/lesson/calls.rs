//! The narrated calls beside those that strace saw.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::harness::{
    Finished, Program, Server, TcpClient, TcpServer, UdpClient, UdpServer, With, installed, run,
};

/// A call with its descriptor and its result; an errno instead where it failed. A new socket is named
/// by its result.
#[derive(Debug, PartialEq)]
struct Call {
    name: String,
    descriptor: String,
    result: String,
}

const TRACED: &str =
    "socket,setsockopt,bind,listen,accept,accept4,connect,sendto,recvfrom,shutdown,close";

/// The program under strace, which writes to `trace`.
fn traced(program: Program, trace: &Path) -> Option<Command> {
    let strace = installed("strace", ["-f", "-qq", "-s", "4", "-e"])?;
    let file = trace.to_str().unwrap();
    let command = strace.with([&format!("trace={TRACED}"), "-e", "signal=none", "-o", file]);
    Some(command.with([program.path()]))
}

/// The calls of an internet socket in a trace, in the order in which they returned.
fn calls_of_trace(trace: &str) -> Vec<Call> {
    let mut sockets = HashSet::new();
    let mut calls = Vec::new();
    let mut begun: Vec<(String, String)> = Vec::new();
    for line in trace.lines() {
        let (thread, rest) = line.split_once(' ').unwrap();
        let rest = rest.trim_start();
        if let Some(start) = rest.strip_suffix(" <unfinished ...>") {
            begun.push((thread.to_owned(), start.to_owned()));
            continue;
        }
        let whole = match rest.strip_prefix("<... ") {
            Some(resumed) => {
                let at = begun.iter().position(|(other, _)| other == thread).unwrap();
                let (_, end) = resumed.split_once("resumed>").unwrap();
                begun.remove(at).1 + end
            }
            None => rest.to_owned(),
        };
        calls.extend(call_of_trace(&whole, &mut sockets));
    }
    calls
}

fn call_of_trace(line: &str, sockets: &mut HashSet<String>) -> Option<Call> {
    let (name, rest) = line.split_once('(')?;
    let (arguments, result) = rest.rsplit_once(" = ")?;
    let arguments = arguments.trim_end().trim_end_matches(')');
    let result = result.strip_prefix("-1 ").unwrap_or(result);
    let result = result.split(' ').next()?.to_owned();
    if result == "?" {
        // A signal came; the kernel makes the call once more.
        return None;
    }
    let descriptor = arguments.split(',').next()?.to_owned();
    let has_address = arguments.contains("sa_family");
    let name = match (name, has_address) {
        ("accept4", _) => "accept",
        ("sendto", false) => "send",
        ("recvfrom", false) => "recv",
        (other, _) => other,
    };
    if name == "socket" && !arguments.starts_with("AF_INET") {
        return None;
    }
    if name != "socket" && !sockets.contains(&descriptor) {
        return None;
    }
    match name {
        "socket" | "accept" => sockets.insert(result.clone()),
        "close" => sockets.remove(&descriptor),
        _ => false,
    };
    let descriptor = if name == "socket" {
        String::new()
    } else {
        descriptor
    };
    let name = name.to_owned();
    Some(Call {
        name,
        descriptor,
        result,
    })
}

/// The narrated calls of sockets that have returned.
fn calls_of_lesson(end: &Finished) -> Vec<Call> {
    let lines = end
        .stderr
        .lines()
        .filter(|line| line.starts_with(['·', '→', '←', '…']));
    let calls = lines.filter_map(call_of_lesson);
    calls.filter(|call| call.name != "getaddrinfo").collect()
}

fn call_of_lesson(line: &str) -> Option<Call> {
    let (_, call) = line.split_once(' ')?;
    let (name, rest) = call.split_once('(')?;
    let (arguments, rest) = rest.split_once(") = ")?;
    let result = rest.strip_prefix("-1 ").unwrap_or(rest);
    let descriptor = arguments.split(',').next()?;
    Some(Call {
        name: name.to_owned(),
        descriptor: if name == "socket" { "" } else { descriptor }.to_owned(),
        result: result.split(' ').next()?.to_owned(),
    })
}

/// A server and a client under strace, each with its arguments: what was told is what was traced.
fn compare(server: (Program, &str), client: (Program, &str)) {
    let directory = tempfile::tempdir().unwrap();
    let [served, asked] = ["server", "client"].map(|name| directory.path().join(name));
    let Some(command) = traced(server.0, &served) else {
        return;
    };
    let running = Server::start_command(command.with("-p 0 --explain").with(server.1));
    let command = traced(client.0, &asked).unwrap().with("--explain");
    let end = run(command.with(client.1).with([running.address.to_string()]));
    if let Some(pid) = child_of(running.pid()) {
        kill(pid, Signal::SIGINT).unwrap();
    }
    for (end, trace) in [(running.wait(), served), (end, asked)] {
        let trace = fs::read_to_string(trace).unwrap();
        let (mut told, mut made) = (calls_of_lesson(&end), calls_of_trace(&trace));
        // A shutdown and the accept that it ends return in any order.
        for calls in [&mut told, &mut made] {
            let rest = calls.len().saturating_sub(3);
            calls[rest..].sort_by(|one, other| one.name.cmp(&other.name));
        }
        assert!(told.len() > 4, "{}", end.stderr);
        assert_eq!(told, made, "{}\n{trace}", end.stderr);
    }
}

/// strace passes no signal on: the program it traces is its only child, unless that has ended.
fn child_of(strace: u32) -> Option<Pid> {
    let children = fs::read_to_string(format!("/proc/{strace}/task/{strace}/children"));
    Some(Pid::from_raw(children.ok()?.trim().parse().ok()?))
}

#[test]
fn what_is_told_of_tcp_is_what_was_called() {
    compare((TcpServer, ""), (TcpClient, ""));
    compare(
        (TcpServer, "--once --keepalive=5s"),
        (TcpClient, "-e --sndbuf 10000"),
    );
    compare(
        (TcpServer, "--backlog 3 --dscp EF"),
        (TcpClient, "-f /etc/passwd"),
    );
}

#[test]
fn what_is_told_of_udp_is_what_was_called() {
    compare((UdpServer, "--echo"), (UdpClient, "-w 5s"));
    compare((UdpServer, "--rcvbuf 100000"), (UdpClient, "--ttl 9"));
}
