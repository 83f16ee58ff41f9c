//! What help and man pages show: examples that are accepted, and JSON events as they are written.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

use crate::programs::generated::{PROGRAMS, Program, man_page, output_of};

use crate::harness::compat::{run, tcp_client, tcp_server, udp_client, udp_server};
use crate::harness::peers::{assert_echoes, connect};
use crate::harness::process::{Running, parse_event};

/// The command lines under "Examples:", from the program's name on.
fn examples(name: &str, program: Program) -> Vec<String> {
    let help = output_of(program, &["--help"]);
    let (_, rest) = help.split_once("\nExamples:\n").unwrap();
    let (examples, _) = rest.split_once("\n\n").unwrap();
    let lines = examples.lines().filter(|line| !line.starts_with("   "));
    lines
        .map(|line| line[line.find(name).unwrap()..].to_owned())
        .collect()
}

#[test]
fn every_example_is_a_command_line_that_the_program_accepts() {
    let directory = tempfile::tempdir().unwrap();
    for (name, program) in PROGRAMS {
        let examples = examples(name, program);
        assert!(examples.len() >= 3, "{examples:?}");
        let binary = program().get_program().to_owned();
        for example in examples {
            // Generating takes the place of running, after the whole line has been understood.
            let line = example.replacen(name, "\"$0\" --generate man", 1);
            let mut shell = Command::new("sh");
            shell
                .args(["-c", &line])
                .arg(&binary)
                .current_dir(&directory);
            let end = run(shell, "");
            assert_eq!((end.code, end.stderr.as_str()), (Some(0), ""), "{example}");
        }
    }
}

type Keys = BTreeMap<String, BTreeSet<String>>;

fn keys_of<'a>(events: impl IntoIterator<Item = &'a Value>) -> Keys {
    let mut keys = Keys::new();
    for event in events {
        let name = event["event"].as_str().unwrap().to_owned();
        keys.entry(name)
            .or_default()
            .extend(event.as_object().unwrap().keys().cloned());
    }
    keys
}

/// What the man page says about each event.
fn documented(program: Program) -> Keys {
    let page = man_page(program);
    let samples = page.lines().filter(|line| line.starts_with("{\"event\""));
    keys_of(&samples.map(parse_event).collect::<Vec<_>>())
}

#[track_caller]
fn assert_documented(program: Program, events: &[Value]) {
    let (said, documented) = (keys_of(events), documented(program));
    for (name, keys) in said {
        assert_eq!(Some(&keys), documented.get(&name), "{name}");
    }
}

/// Starts a server that speaks JSON; returns what it said first, and its address.
fn start(mut command: Command, arguments: &[&str]) -> (Running, Value, String) {
    command.args(["-p", "0", "--json"]).args(arguments);
    let server = Running::start(command);
    let listening = parse_event(&server.line());
    let address = listening["address"].as_str().unwrap().to_owned();
    (server, listening, address)
}

#[test]
fn json_events_of_the_tcp_pair_have_the_keys_that_the_man_pages_show() {
    let (server, listening, address) = start(tcp_server(), &[]);
    assert_echoes(&mut connect(address.parse().unwrap()), b"hola");
    let (connected, closed) = (parse_event(&server.line()), parse_event(&server.line()));
    let mut client = tcp_client();
    client.args(["--json", &address]);
    assert_documented(tcp_client, &run(client, "").events());
    assert_documented(tcp_server, &[listening, connected, closed]);
    server.interrupt().assert_code(0);
}

#[test]
fn json_events_of_the_udp_pair_have_the_keys_that_the_man_pages_show() {
    let (server, listening, address) = start(udp_server(), &["--echo"]);
    let mut client = udp_client();
    client.args(["--json", "-w", "30s", &address]);
    assert_documented(udp_client, &run(client, "").events());
    let datagram = parse_event(&server.line());
    let mut rest = server.interrupt().events();
    let summary = rest.pop().unwrap();
    assert_documented(udp_server, &[listening, datagram, summary]);
}

#[test]
fn json_errors_have_the_keys_that_the_man_pages_show() {
    for (_, program) in PROGRAMS {
        let mut command = program();
        command.args(["--json", "no-such-host.invalid"]);
        let events = run(command, "").events();
        assert_eq!(events.len(), 1);
        assert_documented(program, &events);
    }
}
