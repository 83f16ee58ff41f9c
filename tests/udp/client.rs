//! `udp-client`: its messages, the replies that it waits for, and its failures.

use std::fs;
use std::net::UdpSocket;
use std::thread::{self, JoinHandle};

use crate::harness::{UdpClient, closed_to_others, noise, receive, run, run_with, socket_on};

/// Answers one datagram.
fn answer(server: &UdpSocket, reply: &[u8]) -> JoinHandle<()> {
    let (server, reply) = (server.try_clone().unwrap(), reply.to_vec());
    thread::spawn(move || {
        let (_, peer) = server.recv_from(&mut [0; 64]).unwrap();
        server.send_to(&reply, peer).unwrap();
    })
}

#[test]
fn a_message_a_file_or_standard_input_is_one_datagram_and_lines_are_one_each() {
    let server = socket_on("127.0.0.1");
    let address = server.local_addr().unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap();
    let bytes = noise(3, 10_000);
    fs::write(path, &bytes).unwrap();
    let default = "Hola se está tensando muchísimo".as_bytes();
    type Row<'a> = (&'a [&'a str], &'a [u8], &'a [&'a [u8]]);
    let lines: [&[u8]; 4] = [b"uno", b"", b"dos\r", b"tres"];
    let table: [Row<'_>; 6] = [
        (&[], b"", &[default]),
        (&["-m", "ñandú"], b"", &["ñandú".as_bytes()]),
        (&["-m", ""], b"", &[b""]),
        (&["-f", path], b"", &[&bytes]),
        (&["-f", "-"], b"two\nlines\n\xff", &[b"two\nlines\n\xff"]),
        (&["--lines"], b"uno\n\ndos\r\ntres", &lines),
    ];
    for (arguments, input, expected) in table {
        let end = run_with(UdpClient.to(address, arguments), input);
        assert_eq!(end.assert_clean().text(), "");
        for datagram in expected {
            assert_eq!(receive(&server), *datagram);
        }
    }
}

#[test]
fn an_over_long_message_is_refused_before_anything_is_sent() {
    for (place, limit) in [("127.0.0.1", 65_507), ("::1", 65_527)] {
        let server = socket_on(place);
        let address = server.local_addr().unwrap();
        let send = |arguments, input| run_with(UdpClient.to(address, arguments), input);
        let limit_text = limit.to_string();
        let refused = send("-f -", vec![b'x'; limit + 1]);
        refused.assert_error(2, &["udp-client: usage: ", &limit_text]);
        send("-f -", vec![b'y'; limit]).assert_code(0);
        let first = receive(&server);
        assert!(first == vec![b'y'; limit], "the refused one was sent");
        let lines = [b"first\n".to_vec(), vec![b'x'; limit + 1]].concat();
        send("--lines", lines).assert_error(2, &["line 2", &limit_text]);
    }
}

#[test]
fn nothing_listening_is_refused() {
    for place in ["127.0.0.1", "::1"] {
        let socket = closed_to_others(place);
        let closed = socket.local_addr().unwrap();
        let message = format!("udp-client: cannot send to {closed} ({place}): connection refused");
        let end = run(UdpClient.to(closed, "-w 60"));
        end.assert_error(4, &[&message, "is a server listening there?"]);
    }
    let socket = closed_to_others("127.0.0.1");
    let closed = socket.local_addr().unwrap();
    run_with(UdpClient.to(closed, "--lines"), "a\nb\n").assert_code(4);
}

#[test]
fn a_reply_that_does_not_come_is_a_time_out() {
    let silent = socket_on("127.0.0.1");
    let address = silent.local_addr().unwrap();
    let end = run(UdpClient.to(address, "-w 20ms --json"));
    let peer = address.to_string();
    end.assert_error(
        5,
        &["udp-client: no reply from", &peer, "timed out after 20ms"],
    );
    assert_eq!(end.events()[0]["kind"], "timed out");
}

#[test]
fn lines_without_a_reply_are_counted_and_the_others_go_on() {
    let server = socket_on("127.0.0.1");
    let echo = answer(&server, b"a");
    let client = UdpClient.to(server.local_addr().unwrap(), "--lines -w 3s");
    let end = run_with(client, "a\nb\nc\n");
    echo.join().unwrap();
    end.assert_error(5, &["no reply", "to 2 of 3 datagrams"]);
    assert_eq!(end.text(), "\n[+] Mensaje recibido del servidor: a\n");
}

#[test]
fn a_reply_is_shown_in_every_style() {
    let server = socket_on("127.0.0.1");
    let address = server.local_addr().unwrap();
    let reply = b"\x1b\xc3\xb1\xff";
    let spanish = "\n[+] Mensaje recibido del servidor: \\u{1b}ñ\\xff\n";
    let english = "\n[+] Message received from the server: \\u{1b}ñ\\xff\n";
    let dump = "00000000  1b c3 b1 ff                                       |....|\n";
    let event =
        format!(r#"{{"event":"reply","peer":"{address}","bytes":4,"base64":"G8Ox/w=="}}"#) + "\n";
    let table: [(&str, &[u8]); 6] = [
        ("", spanish.as_bytes()),
        ("--lang en", english.as_bytes()),
        ("-x", &[spanish, dump].concat().into_bytes()),
        ("-q", b""),
        ("-J", event.as_bytes()),
        ("--raw", reply),
    ];
    for (style, expected) in table {
        let echo = answer(&server, reply);
        let end = run(UdpClient.to(address, &format!("-w 60 {style}")));
        echo.join().unwrap();
        assert_eq!(end.assert_clean().stdout, expected, "{style}");
    }
}

#[test]
fn an_empty_reply_is_a_reply_and_the_largest_comes_whole() {
    let server = socket_on("127.0.0.1");
    let address = server.local_addr().unwrap();
    for size in [0, 65_507] {
        let reply = vec![b'z'; size];
        let echo = answer(&server, &reply);
        let end = run(UdpClient.to(address, "-w 60 --raw"));
        echo.join().unwrap();
        assert_eq!(end.assert_clean().stdout, reply);
    }
}
