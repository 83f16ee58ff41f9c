//! `udp-client`: what it sends, what it waits for, and how it fails.

use std::net::UdpSocket;
use std::thread;

use crate::harness::compat::{client_of, run};
use crate::harness::data::noise;
use crate::harness::udp::{receive, socket_on};

/// Answers `count` datagrams with what `reply` makes of them.
fn answering(
    server: &UdpSocket,
    count: usize,
    reply: impl Fn(Vec<u8>) -> Vec<u8> + Send + 'static,
) -> thread::JoinHandle<()> {
    let server = server.try_clone().unwrap();
    thread::spawn(move || {
        let mut buffer = vec![0; 1 << 16];
        for _ in 0..count {
            let (length, peer) = server.recv_from(&mut buffer).unwrap();
            server
                .send_to(&reply(buffer[..length].to_vec()), peer)
                .unwrap();
        }
    })
}

#[test]
fn messages_files_and_standard_input_are_one_datagram_each() {
    let server = socket_on("127.0.0.1");
    let address = server.local_addr().unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    let bytes = noise(3, 10_000);
    std::fs::write(file.path(), &bytes).unwrap();
    let table: [(&[&str], &[u8], &[u8]); 5] = [
        (&[], b"", "Hola se está tensando muchísimo".as_bytes()),
        (&["-m", "ñandú"], b"", "ñandú".as_bytes()),
        (&["-m", ""], b"", b""),
        (&["-f", file.path().to_str().unwrap()], b"", &bytes),
        (&["-f", "-"], b"two\nlines\n\xff", b"two\nlines\n\xff"),
    ];
    for (arguments, input, expected) in table {
        let finished = run(client_of(address, arguments), input);
        finished.assert_code(0);
        assert_eq!((finished.text(), finished.stderr.as_str()), ("", ""));
        assert_eq!(receive(&server), expected);
    }
}

#[test]
fn each_line_is_a_datagram() {
    let server = socket_on("127.0.0.1");
    let client = client_of(server.local_addr().unwrap(), &["--lines"]);
    run(client, "uno\n\ndos\r\ntres").assert_code(0);
    for line in ["uno", "", "dos\r", "tres"] {
        assert_eq!(receive(&server), line.as_bytes());
    }
}

#[test]
fn an_over_long_message_is_refused_before_anything_is_sent() {
    for (place, limit) in [("127.0.0.1", 65_507), ("::1", 65_527)] {
        let server = socket_on(place);
        let address = server.local_addr().unwrap();
        let refused = run(client_of(address, &["-f", "-"]), vec![b'x'; limit + 1]);
        refused.assert_code(2);
        refused.assert_one_line_error(&["udp-client: usage: ", &limit.to_string()]);
        run(client_of(address, &["-f", "-"]), vec![b'y'; limit]).assert_code(0);
        assert_eq!(
            receive(&server),
            vec![b'y'; limit],
            "the refused one was not sent"
        );
        let lines = [b"first\n".to_vec(), vec![b'x'; limit + 1]].concat();
        let refused = run(client_of(address, &["--lines"]), lines);
        refused.assert_code(2);
        refused.assert_one_line_error(&["line 2", &limit.to_string()]);
    }
}

#[test]
fn nothing_listening_is_refused() {
    for place in ["127.0.0.1", "::1"] {
        let closed = socket_on(place).local_addr().unwrap();
        let finished = run(client_of(closed, &["-w", "60"]), "");
        finished.assert_code(4);
        finished.assert_one_line_error(&[
            &format!("udp-client: cannot send to {closed} ({place}): connection refused"),
            "is a server listening there?",
        ]);
    }
    let closed = socket_on("127.0.0.1").local_addr().unwrap();
    run(client_of(closed, &["--lines"]), "a\nb\n").assert_code(4);
}

#[test]
fn a_reply_that_does_not_come_is_a_time_out() {
    let silent = socket_on("127.0.0.1");
    let address = silent.local_addr().unwrap();
    let finished = run(client_of(address, &["-w", "20ms"]), "");
    finished.assert_code(5);
    finished.assert_one_line_error(&[
        "udp-client: no reply from",
        &address.to_string(),
        "timed out after 20ms",
    ]);
    let json = run(client_of(address, &["-w", "20ms", "--json"]), "");
    json.assert_code(5);
    assert_eq!(json.events()[0]["kind"], "timed out");
}

#[test]
fn lines_without_a_reply_are_counted_and_the_others_go_on() {
    let server = socket_on("127.0.0.1");
    let echo = answering(&server, 1, |payload| payload);
    let client = client_of(server.local_addr().unwrap(), &["--lines", "-w", "1s"]);
    let finished = run(client, "a\nb\nc\n");
    echo.join().unwrap();
    finished.assert_code(5);
    finished.assert_one_line_error(&["no reply", "to 2 of 3 datagrams"]);
    assert_eq!(finished.text(), "\n[+] Mensaje recibido del servidor: a\n");
}

#[test]
fn a_reply_is_shown_in_every_style() {
    let server = socket_on("127.0.0.1");
    let address = server.local_addr().unwrap();
    let table: [(&[&str], &str); 6] = [
        (&[], "\n[+] Mensaje recibido del servidor: \\u{1b}ñ\\xff\n"),
        (
            &["--lang", "en"],
            "\n[+] Message received from the server: \\u{1b}ñ\\xff\n",
        ),
        (
            &["-x"],
            "\n[+] Mensaje recibido del servidor: \\u{1b}ñ\\xff\n\
             00000000  1b c3 b1 ff                                       |....|\n",
        ),
        (&["-q"], ""),
        (
            &["-J"],
            "{\"event\":\"reply\",\"peer\":\"PEER\",\"bytes\":4,\"base64\":\"G8Ox/w==\"}\n",
        ),
        (&["--raw"], "\u{1b}ñ"),
    ];
    for (style, expected) in table {
        let echo = answering(&server, 1, |_| b"\x1b\xc3\xb1\xff".to_vec());
        let mut client = client_of(address, &["-w", "60"]);
        client.args(style);
        let finished = run(client, "");
        echo.join().unwrap();
        finished.assert_code(0);
        let mut expected = expected.replace("PEER", &address.to_string()).into_bytes();
        if style == ["--raw"] {
            expected.push(0xff);
        }
        assert_eq!(finished.stdout, expected, "{style:?}");
    }
}

#[test]
fn an_empty_reply_is_a_reply_and_the_largest_comes_whole() {
    let server = socket_on("127.0.0.1");
    let address = server.local_addr().unwrap();
    for size in [0, 65_507] {
        let echo = answering(&server, 1, move |_| vec![b'z'; size]);
        let finished = run(client_of(address, &["-w", "60", "--raw"]), "");
        echo.join().unwrap();
        finished.assert_code(0);
        assert_eq!(finished.stdout, vec![b'z'; size]);
    }
}

#[test]
fn the_local_end_is_the_one_asked_for() {
    let server = socket_on("127.0.0.1");
    let address = server.local_addr().unwrap();
    let free = socket_on("127.0.0.6").local_addr().unwrap();
    let mut buffer = [0; 64];
    for (end, port) in [
        (free.to_string(), Some(free.port())),
        ("127.0.0.6".to_owned(), None),
    ] {
        run(client_of(address, &["-B", &end]), "").assert_code(0);
        let (_, peer) = server.recv_from(&mut buffer).unwrap();
        assert_eq!(peer.ip(), free.ip());
        assert!(port.is_none_or(|port| port == peer.port()), "{peer}");
    }
    let foreign = run(client_of(address, &["-B", "192.0.2.1"]), "");
    foreign.assert_code(8);
    foreign.assert_one_line_error(&["cannot bind to 192.0.2.1", "not one of this machine's"]);
}

#[test]
fn contradictions_and_missing_files_are_named() {
    let address = socket_on("127.0.0.1").local_addr().unwrap();
    let table: [(&[&str], i32, &str); 4] = [
        (&["-m", "a", "-f", "b"], 2, "cannot be used with"),
        (&["-w", "0"], 2, "'0'"),
        (
            &["-f", "/nowhere/file"],
            2,
            "cannot read '/nowhere/file': no such file",
        ),
        (&["-p", "9"], 2, "two different ports"),
    ];
    for (arguments, code, part) in table {
        let finished = run(client_of(address, arguments), "");
        finished.assert_code(code);
        finished.assert_one_line_error(&["udp-client: ", part]);
    }
}
