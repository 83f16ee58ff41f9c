//! Arguments that cannot be obeyed: one line that names the input, and the right exit code. And help.

use crate::harness::process::run;
use crate::harness::program::{ALL, TcpClient, TcpServer, UdpClient, UdpServer};

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

#[test]
fn bad_arguments_of_one_program_are_exit_2_too() {
    for (program, arguments, named) in [
        (TcpServer, "--max-clients 0", "0"),
        (TcpServer, "--idle-timeout 0", "more than 0"),
        (TcpServer, "--keepalive=soon", "soon"),
        // A time beyond any clock.
        (
            TcpServer,
            "--drain-timeout 18446744073709551615s",
            "too long",
        ),
        (TcpClient, "--keepalive=soon", "soon"),
        (TcpClient, "-w 0", "more than 0"),
        (TcpClient, "-m a -f b", "--file"),
        (TcpClient, "-B eth0", "eth0"),
        (TcpClient, "--port 0", "port 0"),
        (TcpClient, "-f /nowhere/at/all", "/nowhere/at/all"),
        (TcpClient, "-f /", "'/'"),
        (UdpServer, "--count 0", "'0'"),
        (UdpServer, "--time soon", "'soon'"),
        (UdpServer, "--join 10.0.0.1", "'10.0.0.1'"),
        (UdpClient, "-w 0", "'0'"),
        (UdpClient, "-m a -f b", "cannot be used with"),
        (
            UdpClient,
            "-f /nowhere/file",
            "cannot read '/nowhere/file': no such file",
        ),
    ] {
        run(program.command(arguments)).assert_error(2, &["usage", named]);
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
    // 192.0.2.0/24 is for documentation (RFC 5737): no machine has such an address.
    let foreign = "not one of this machine's";
    for (program, arguments, named, why) in [
        (TcpServer, "192.0.2.1 0", "192.0.2.1:0", foreign),
        (
            TcpClient,
            "-B 192.0.2.1",
            "cannot bind to 192.0.2.1:0",
            foreign,
        ),
        (UdpServer, "192.0.2.1 0", "192.0.2.1:0", foreign),
        (
            UdpClient,
            "-B 192.0.2.1",
            "cannot bind to 192.0.2.1:0",
            foreign,
        ),
        (
            TcpServer,
            "-p 0 -I nowhere0",
            "'nowhere0'",
            "no such device",
        ),
        (TcpClient, "-I nowhere0", "'nowhere0'", "no such device"),
        (
            UdpServer,
            "-p 0 -I nowhere0",
            "'nowhere0'",
            "no such device",
        ),
        (UdpClient, "-I nowhere0", "'nowhere0'", "no such device"),
        (
            UdpServer,
            "0 --join 239.255.77.1@nowhere0",
            "cannot join 239.255.77.1@nowhere0: ",
            "",
        ),
    ] {
        run(program.command(arguments)).assert_error(8, &[program.name(), named, why]);
    }
}

#[test]
fn errors_are_json_events_too_where_json_was_asked_for() {
    for (program, arguments, kind) in [
        (TcpServer, "--json --port abc", "usage"),
        (UdpClient, "--json --nonsense", "usage"),
        (TcpClient, "--json no-such-host.invalid", "not resolved"),
        (UdpServer, "--json 192.0.2.1 0", "local limit"),
    ] {
        let end = run(program.command(arguments));
        let [event] = &end.events()[..] else {
            panic!("{end:?}");
        };
        assert_eq!(
            (&event["event"], &event["kind"]),
            (&"error".into(), &kind.into())
        );
        assert!(end.stderr.contains(event["message"].as_str().unwrap()));
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
