//! Bad arguments: one line that names the input, and exit code 2.

use std::process::Command;

use crate::harness::compat::{run, tcp_client, tcp_server};

fn with(mut command: Command, arguments: &[&str]) -> Command {
    command.args(arguments);
    command
}

#[test]
fn bad_arguments_of_either_program_are_exit_2_and_name_the_input() {
    let table: &[(&[&str], &str)] = &[
        (&["--port", "abc"], "abc"),
        (&["--port", "65536"], "65536"),
        (&["host:port"], "host:port"),
        (&["[::1"], "[::1"),
        (&["localhost:80", "81"], "81"),
        (&["--rcvbuf", "12x"], "12x"),
        (&["--sndbuf", "99999999999G"], "99999999999G"),
        (&["--dscp", "fast"], "fast"),
        (&["--ttl", "0"], "0"),
        (&["--keepalive=soon"], "soon"),
        (&["--lang", "fr"], "fr"),
        (&["--json", "--raw"], "--raw"),
        (&["-4", "-6"], "--ipv6"),
        (&["--nonsense"], "--nonsense"),
        (&["one", "2", "three"], "three"),
    ];
    for (arguments, named) in table {
        for command in [tcp_server(), tcp_client()] {
            let refused = run(with(command, arguments), "");
            refused
                .assert_code(2)
                .assert_one_line_error(&["usage: ", named, ": "]);
            let json = arguments.contains(&"--json");
            assert_eq!(refused.text().is_empty(), !json, "{arguments:?}");
        }
    }
}

#[test]
fn bad_arguments_of_one_program_are_exit_2_too() {
    let refused = |command, arguments: &[&str], named: &str| {
        run(with(command, arguments), "")
            .assert_code(2)
            .assert_one_line_error(&["usage", named]);
    };
    refused(tcp_server(), &["--max-clients", "0"], "0");
    refused(tcp_server(), &["--idle-timeout", "0"], "more than 0");
    refused(tcp_client(), &["-w", "0"], "more than 0");
    refused(tcp_client(), &["-m", "a", "-f", "b"], "--file");
    refused(tcp_client(), &["-B", "eth0"], "eth0");
    refused(tcp_client(), &["--port", "0"], "port 0");
    refused(tcp_client(), &["-f", "/nowhere/at/all"], "/nowhere/at/all");
    refused(tcp_client(), &["-f", "/"], "'/'");
}

#[test]
fn a_usage_error_is_a_json_event_too_where_json_was_asked_for() {
    let refused = run(with(tcp_client(), &["--json", "--port", "abc"]), "");
    refused.assert_code(2);
    let events = refused.events();
    assert_eq!(
        (&events[0]["event"], &events[0]["kind"]),
        (&"error".into(), &"usage".into())
    );
    assert!(
        refused
            .stderr
            .contains(events[0]["message"].as_str().unwrap())
    );
}

#[test]
fn a_time_beyond_any_clock_is_exit_2() {
    let forever = "18446744073709551615s";
    let refused = run(with(tcp_server(), &["--drain-timeout", forever]), "");
    refused
        .assert_code(2)
        .assert_one_line_error(&[forever, "too long"]);
}

#[test]
fn an_unknown_name_is_exit_3() {
    for command in [tcp_server(), tcp_client()] {
        let unknown = run(with(command, &["no-such-host.invalid"]), "");
        unknown
            .assert_code(3)
            .assert_one_line_error(&["no-such-host.invalid", "not resolved"]);
    }
}

#[test]
fn a_name_without_the_wanted_family_is_exit_3() {
    let unresolved = run(with(tcp_client(), &["-6", "127.0.0.1"]), "");
    unresolved
        .assert_code(3)
        .assert_one_line_error(&["127.0.0.1", "no IPv6 address"]);
}

#[test]
fn an_address_of_another_machine_cannot_be_listened_on() {
    // 192.0.2.0/24 is for documentation (RFC 5737): it is nobody's.
    let refused = run(with(tcp_server(), &["192.0.2.1", "0"]), "");
    refused
        .assert_code(8)
        .assert_one_line_error(&["192.0.2.1:0", "not one of this machine's"]);
}

#[test]
fn help_goes_to_standard_output_and_lists_the_exit_codes() {
    for command in [tcp_server(), tcp_client()] {
        let help = run(with(command, &["--help"]), "");
        help.assert_code(0);
        assert!(
            help.text().contains("Exit codes:") && help.text().contains("--json"),
            "{}",
            help.text()
        );
        assert_eq!(help.stderr, "");
    }
}

#[test]
fn the_shared_options_stand_in_the_same_words_in_both_helps() {
    let lines = |command| {
        let help = run(with(command, &["--help"]), "");
        let text = help.text().split_whitespace().collect::<Vec<_>>().join(" ");
        let (start, end) = (
            text.find("Output:").unwrap(),
            text.find("Sockets:").unwrap(),
        );
        text[start..end].to_owned()
    };
    assert_eq!(lines(tcp_server()), lines(tcp_client()));
}
