//! Arguments that cannot be obeyed: one line that names the input, and the right exit code. And help.

use serde_json::json;

use crate::harness::{ALL, Finished, assert_has, run};

#[test]
fn bad_arguments_of_any_program_are_exit_2_and_name_the_input() {
    for (arguments, named) in [
        ("--port abc", "abc"),
        ("--port 65536", "65536"),
        ("host:port", "host:port"),
        ("[::1", "[::1"),
        ("localhost:80 81", "81"),
        ("-p 9 localhost:80", "two different ports"),
        ("--rcvbuf 12x", "12x"),
        ("--sndbuf 99999999999G", "99999999999G"),
        ("--dscp fast", "fast"),
        ("--ttl 0", "0"),
        ("--lang fr", "fr"),
        ("--json --raw", "--raw"),
        ("-4 -6", "--ipv6"),
        ("--nonsense", "--nonsense"),
        ("one 2 three", "three"),
        ("--generate powershell", "man, bash, zsh, fish"),
    ] {
        for program in ALL {
            let refused = run(program.command(arguments));
            let usage = format!("{}: usage: ", program.name());
            refused.assert_error(2, &[&usage, named, ": "]);
            let is_json = arguments.contains("--json");
            assert_eq!(refused.text().is_empty(), !is_json, "{arguments}");
        }
    }
}

/// Runs a command line that begins with a program's name.
fn run_line(line: &str) -> Finished {
    let (name, arguments) = line.split_once(' ').unwrap();
    let program = ALL.iter().find(|program| program.name() == name);
    run(program.unwrap().command(arguments))
}

#[test]
fn bad_arguments_of_one_program_are_exit_2_too() {
    for (line, named) in [
        ("tcp-server --max-clients 0", "0"),
        ("tcp-server --idle-timeout 0", "more than 0"),
        ("tcp-server --keepalive=soon", "soon"),
        // A time beyond any clock.
        (
            "tcp-server --drain-timeout 9999999999999999999s",
            "too long",
        ),
        ("tcp-client --keepalive=soon", "soon"),
        ("tcp-client -w 0", "more than 0"),
        ("tcp-client -m a -f b", "--file"),
        ("tcp-client -B eth0", "eth0"),
        ("tcp-client --port 0", "port 0"),
        ("tcp-client -f /nowhere/at/all", "/nowhere/at/all"),
        ("tcp-client -f /", "'/'"),
        ("udp-server --count 0", "'0'"),
        ("udp-server --time soon", "'soon'"),
        ("udp-server --join 10.0.0.1", "'10.0.0.1'"),
        ("udp-client -w 0", "'0'"),
        ("udp-client -m a -f b", "cannot be used with"),
        (
            "udp-client -f /nowhere",
            "cannot read '/nowhere': no such file",
        ),
    ] {
        run_line(line).assert_error(2, &["usage", named]);
    }
}

#[test]
fn names_and_addresses_that_lead_nowhere_are_exit_3() {
    for program in ALL {
        let unknown = run(program.command("no-such-host.invalid"));
        unknown.assert_error(3, &["no-such-host.invalid", "not resolved"]);
        let unresolved = run(program.command("-6 127.0.0.1"));
        unresolved.assert_error(3, &["127.0.0.1", "no IPv6 address"]);
    }
}

#[test]
fn what_this_machine_does_not_have_is_exit_8_and_named() {
    let foreign = "not one of this machine's";
    for (line, named, why) in [
        // 192.0.2.0/24 is for documentation (RFC 5737): no machine has such an address.
        ("tcp-server 192.0.2.1 0", "192.0.2.1:0", foreign),
        (
            "tcp-client -B 192.0.2.1",
            "cannot bind to 192.0.2.1",
            foreign,
        ),
        ("udp-server 192.0.2.1 0", "192.0.2.1:0", foreign),
        (
            "udp-client -B 192.0.2.1",
            "cannot bind to 192.0.2.1",
            foreign,
        ),
        ("tcp-server 0 -I no0", "'no0'", "no such device"),
        ("tcp-client 9 -I no0", "'no0'", "no such device"),
        ("udp-server 0 -I no0", "'no0'", "no such device"),
        ("udp-client 9 -I no0", "'no0'", "no such device"),
        (
            "udp-server 0 --join 239.1.2.3@no0",
            "239.1.2.3@no0",
            "no such device",
        ),
    ] {
        run_line(line).assert_error(8, &[named, why]);
    }
}

#[test]
fn errors_are_json_events_too_where_json_was_asked_for() {
    for (line, kind) in [
        ("tcp-server --json --port abc", "usage"),
        ("udp-client --json --nonsense", "usage"),
        ("udp-server -vJ --port abc", "usage"),
        ("tcp-client --json no-such-host.invalid", "not resolved"),
        ("udp-server --json 192.0.2.1 0", "local limit"),
    ] {
        let end = run_line(line);
        let events = end.events();
        assert_eq!(events.len(), 1, "{events:?}");
        assert_has(&events[0], json!({ "event": "error", "kind": kind }));
        assert!(end.stderr.contains(events[0]["message"].as_str().unwrap()));
    }
}

#[test]
fn help_lists_the_exit_codes_and_the_shared_options_in_the_same_words() {
    let mut shared = Vec::new();
    for program in ALL {
        let help = run(program.command("--help"));
        let words: Vec<&str> = help.assert_clean().text().split_whitespace().collect();
        let text = words.join(" ");
        assert!(text.contains("Exit codes:"), "{text}");
        let (_, options) = text.split_once("Output:").unwrap();
        let (output, _) = options.split_once("Sockets:").unwrap();
        assert!(output.contains("--json"), "{output}");
        shared.push(output.to_owned());
    }
    shared.dedup();
    assert_eq!(shared.len(), 1, "{shared:#?}");
}
