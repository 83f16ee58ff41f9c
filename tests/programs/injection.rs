//! Text that is not ours: arguments, names of files and interfaces, and what peers send. Whatever is in
//! it, no program writes a character to a terminal, as text or as JSON, that could steer it.

use std::os::unix::process::CommandExt;

use crate::harness::{
    ALL, Finished, Program, Server, TcpClient, UdpClient, UdpServer, With, connected_to,
    in_own_network, parse_event, reply_with, run, socket_on,
};

/// Escape sequences in C0 and C1, ends of lines, DEL, a bidirectional control, and what is drawn as
/// nothing: a variation selector, a joiner, a Hangul filler, a tag.
const HOSTILE: &str =
    "\u{1b}[2J\u{9b}31m\r\n\n\u{7f}\u{202e}\u{fe0f}\u{34f}\u{3164}\u{200d}\u{e0041}.";

/// The same on a terminal.
const SHOWN: &str =
    r"\u{1b}[2J\u{9b}31m\r\n\n\u{7f}\u{202e}\u{fe0f}\u{34f}\u{3164}\u{200d}\u{e0041}.";

/// Demands that nothing in `text` can steer a terminal but the ends of its lines.
#[track_caller]
fn assert_harmless(text: &str) {
    let is_hostile = |character: char| {
        let is_control = character.is_control() && character != '\n';
        is_control || (!character.is_ascii() && HOSTILE.contains(character))
    };
    assert!(!text.contains(is_hostile), "{text:?}");
}

/// One line on standard error that shows the hostile text, and the same in JSON where it was asked for.
#[track_caller]
fn assert_refused(end: &Finished, program: Program, shown: &str) {
    assert_ne!(end.code, Some(0), "{end:?}");
    let line = end.stderr.strip_suffix('\n').expect("a line");
    assert_harmless(&end.stderr);
    assert!(!line.contains('\n'), "{line:?}");
    assert!(line.contains(shown), "no '{shown}' in {line:?}");
    assert!(line.starts_with(program.name()), "{line:?}");
    assert_harmless(end.text());
    if !end.text().is_empty() {
        let message = &end.events()[0]["message"];
        assert_eq!(
            line,
            format!("{}: {}", program.name(), message.as_str().unwrap())
        );
    }
}

#[test]
fn arguments_are_repeated_without_their_control_characters() {
    for program in ALL {
        let json = program.command("--json");
        assert_refused(&run(json.with([HOSTILE])), program, SHOWN);
        for option in [
            "--port",
            "--lang",
            "--rcvbuf",
            "--sndbuf",
            "--dscp",
            "--ttl",
            "--nonsense",
            "--generate",
        ] {
            for command in [program.command(""), program.command("-J")] {
                let refused = run(command.with([format!("{option}={HOSTILE}")]));
                let shown = if option == "--nonsense" {
                    option
                } else {
                    SHOWN
                };
                assert_refused(&refused, program, shown);
            }
        }
        let address = [format!("{HOSTILE}:port"), format!("[fe80::1%{HOSTILE}]x")];
        for address in address {
            assert_refused(&run(program.command([address])), program, SHOWN);
        }
        let unknown = run(program.command([format!("--{HOSTILE}")]));
        assert_refused(&unknown, program, SHOWN);
        let interface = run(program.command(["-I", "\u{1b}[2J\u{9b}\r\n", "-p", "9"]));
        assert_refused(&interface, program, r"\u{1b}[2J\u{9b}\r\n");
    }
}

#[test]
fn arguments_of_one_program_are_repeated_safely_too() {
    for (program, option) in [
        (TcpClient, "--file"),
        (UdpClient, "--file"),
        (TcpClient, "--bind"),
        (UdpClient, "--bind"),
        (TcpClient, "--timeout"),
        (UdpClient, "--rate"),
        (UdpClient, "--max-loss"),
        (UdpServer, "--join"),
        (UdpServer, "--count"),
    ] {
        let end = run(program.command([option, HOSTILE]));
        assert_refused(&end, program, SHOWN);
    }
    let group = run(UdpServer.command(["-p", "0", "--join", "239.1.2.3@\u{1b}[2J\u{9b}\r\n"]));
    assert_refused(&group, UdpServer, r"\u{1b}[2J\u{9b}\r\n");
}

#[test]
fn the_name_of_the_program_and_the_log_filter_are_arguments_too() {
    for program in ALL {
        let mut command = program.command("--help");
        command.arg0(HOSTILE);
        assert_harmless(run(command).assert_clean().text());
    }
    let filter = UdpClient
        .command("-m hola -p 9")
        .with_env("RUST_LOG", format!("a={HOSTILE}"));
    let end = run(filter);
    assert!(end.stderr.contains(SHOWN), "{}", end.stderr);
    assert_harmless(&end.stderr);
}

/// Listens to a group on an interface whose name has escape sequences in it.
const NAMED: &str = r#"
set -e
ip link add "$NAME" type veth peer name far
ip addr add fe80::1/64 dev "$NAME" nodad
ip link set "$NAME" up; ip link set far up; ip addr add fe80::2/64 dev far nodad
"$0" :: -p 0 -t 1ms -vv -I "$NAME" --join "ff02::1234@$NAME"
"#;

#[test]
fn an_interface_may_have_any_name() {
    let Some(shell) = in_own_network("sh") else {
        return;
    };
    let server = shell.with(["-c", NAMED]).with([UdpServer.path()]);
    let end = run(server.with_env("NAME", "e\u{1b}[2J\u{9b}"));
    end.assert_code(0);
    assert!(end.stderr.contains(r"e\u{1b}[2J\u{9b}"), "{end:?}");
    assert_harmless(end.text());
    assert_harmless(&end.stderr);
}

#[test]
fn json_is_harmless_on_a_terminal_and_reads_as_what_was_sent() {
    let server = Server::start(UdpServer, "--json --echo");
    connected_to(server.address)
        .send(HOSTILE.as_bytes())
        .unwrap();
    let datagram = server.line();
    assert_harmless(&datagram);
    assert!(
        datagram.contains(r"\u001b[2J\u009b31m\r\n\n\u007f\u202e\ufe0f\u034f"),
        "{datagram}"
    );
    assert!(datagram.contains(r"\udb40\udc41"), "{datagram}");
    assert_eq!(parse_event(&datagram)["text"], HOSTILE);
    let replies = [
        run(TcpClient.to(reply_with(HOSTILE.as_bytes()), "--json")),
        run(UdpClient
            .to(server.address, "--json -w 30s")
            .with(["-m", HOSTILE])),
    ];
    for end in replies {
        assert_harmless(end.assert_clean().text());
        let texts = end
            .events()
            .into_iter()
            .filter(|event| event["text"] == HOSTILE);
        assert_eq!(texts.count(), 1, "{end:?}");
    }
}

/// Invisible characters of every kind, as ranges.
const INVISIBLE: [(u32, u32); 18] = [
    (0x00ad, 0x00ad),
    (0x034f, 0x034f),
    (0x061c, 0x061c),
    (0x115f, 0x1160),
    (0x17b4, 0x17b5),
    (0x180b, 0x180f),
    (0x200b, 0x200f),
    (0x2028, 0x202e),
    (0x2060, 0x206f),
    (0x3164, 0x3164),
    (0xfe00, 0xfe0f),
    (0xfeff, 0xfeff),
    (0xffa0, 0xffa0),
    (0xfff0, 0xfffb),
    (0x13430, 0x13438),
    (0x1bca0, 0x1bca3),
    (0x1d173, 0x1d17a),
    (0xe0000, 0xe0fff),
];

#[test]
fn every_invisible_character_of_a_peer_is_shown() {
    let characters = INVISIBLE.into_iter().flat_map(|(first, last)| first..=last);
    let characters: Vec<char> = characters.filter_map(char::from_u32).collect();
    assert!(characters.len() > 4_000);
    let visible = "e\u{301} नमस्ते ᄒ 한 ع 漢 ⊕ 🙂";
    let silent = socket_on("127.0.0.1");
    for part in characters.chunks(500) {
        let text: String = part.iter().collect::<String>() + visible;
        let server = Server::start(UdpServer, "--count 1");
        silent.send_to(text.as_bytes(), server.address).unwrap();
        let shown: String = part
            .iter()
            .map(|&one| one.escape_unicode().to_string())
            .collect();
        let line = server.text_line();
        assert!(line.ends_with(&format!(": {shown}{visible}")), "{line}");
        server.wait().assert_code(0);
    }
}
