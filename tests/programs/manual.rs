//! Help and man pages: their examples are accepted, and their JSON events are those that are written.

use std::collections::BTreeSet;

use serde_json::Value;

use super::generated::{man_page, output_of};
use crate::harness::{
    ALL, Program, Server, TcpClient, TcpServer, UdpClient, UdpServer, With, assert_echoes, command,
    connect, parse_event, run,
};

/// The command lines under "Examples:", from the program's name on.
fn examples(program: Program) -> Vec<String> {
    let help = output_of(program, "--help");
    let (_, rest) = help.split_once("\nExamples:\n").unwrap();
    let (examples, _) = rest.split_once("\n\n").unwrap();
    let lines = examples.lines().filter(|line| !line.starts_with("   "));
    let from_name = |line: &str| line[line.find(program.name()).unwrap()..].to_owned();
    lines.map(from_name).collect()
}

#[test]
fn every_example_is_a_command_line_that_the_program_accepts() {
    let directory = tempfile::tempdir().unwrap();
    for program in ALL {
        let examples = examples(program);
        assert!(examples.len() >= 3, "{examples:?}");
        for example in examples {
            // Generating takes the place of running, after the whole line has been understood.
            let line = example.replacen(program.name(), "\"$0\" --generate man", 1);
            let mut shell = command("sh", ["-c", &line]).with([program.path()]);
            shell.current_dir(&directory);
            run(shell).assert_clean();
        }
    }
}

/// The name of an event and its keys.
fn form(event: &Value) -> (String, BTreeSet<String>) {
    let name = event["event"].as_str().unwrap().to_owned();
    (name, event.as_object().unwrap().keys().cloned().collect())
}

/// Demands that the man page shows each of these events with exactly these keys.
#[track_caller]
fn assert_documented(program: Program, events: &[Value]) {
    let page = man_page(program);
    let samples = page.lines().filter(|line| line.starts_with("{\"event\""));
    let documented: Vec<_> = samples.map(|line| form(&parse_event(line))).collect();
    assert!(!events.is_empty());
    for event in events {
        assert!(documented.contains(&form(event)), "{event}");
    }
}

#[test]
fn json_events_of_the_tcp_pair_have_the_keys_that_the_man_pages_show() {
    let server = Server::start(TcpServer, "--json");
    assert_echoes(&mut connect(server.address), b"hola");
    let listening = parse_event(&server.greeting);
    assert_documented(TcpServer, &[listening, server.event(), server.event()]);
    let client = run(TcpClient.to(server.address, "--json"));
    assert_documented(TcpClient, &client.events());
    server.interrupt().assert_code(0);
}

#[test]
fn json_events_of_the_udp_pair_have_the_keys_that_the_man_pages_show() {
    let server = Server::start(UdpServer, "--json --echo");
    let client = run(UdpClient.to(server.address, "--json -w 30s"));
    assert_documented(UdpClient, &client.events());
    let (listening, datagram) = (parse_event(&server.greeting), server.event());
    let summary = server.finish().pop().unwrap();
    assert_documented(UdpServer, &[listening, datagram, summary]);
}

#[test]
fn json_events_of_measuring_have_the_keys_that_the_man_pages_show() {
    let echo = Server::start(UdpServer, "--json --echo");
    // So many that every percentile has its sample.
    for arguments in ["-c 1500 --rate 5000 --report 100ms", "-c 2 -i 10ms"] {
        let end = run(UdpClient.to(echo.address, arguments).with("--json"));
        let mut events = end.events();
        if arguments.contains("-i") {
            events.retain(|event| event["event"] == "reply");
        }
        // An interval without a reply has no round trip.
        events.retain(|event| event["event"] != "interval" || event["rtt_max_s"].is_number());
        assert_documented(UdpClient, &events);
    }
    let reports = echo.finish();
    assert!(reports[0]["run"].is_string());
    assert_documented(UdpServer, &reports);
    let server = Server::start(TcpServer, "--json");
    let stream = run(TcpClient.to(server.address, "--stream -t 200ms --json"));
    assert_documented(TcpClient, &stream.events());
}

#[test]
fn json_errors_have_the_keys_that_the_man_pages_show() {
    for program in ALL {
        let events = run(program.command("--json no-such-host.invalid")).events();
        assert_eq!(events.len(), 1);
        assert_documented(program, &events);
    }
}
