//! What the lesson says, and that nothing else changes by it.

use std::io::{Read, Write};

use nix::sys::signal::Signal;

use super::transcript::{keys, names, steps};
use crate::harness::{
    ALL, Finished, Program, Server, TcpClient, TcpServer, UdpClient, UdpServer, With, alone,
    closed_port, connect, eventually, run,
};

/// A conversation of the defaults, each side with the arguments given: the ends of server and client.
fn conversation(server: Program, client: Program, arguments: &str) -> (Finished, Finished) {
    let wait = if client == UdpClient { "-w 5s" } else { "" };
    let echo = if server == UdpServer { "--echo" } else { "" };
    let lessons = server == TcpServer && arguments.contains("--explain");
    let server = Server::start(server, &format!("{arguments} {echo}"));
    let before = server.figures().threads;
    let end = run(client.to(server.address, &format!("{arguments} {wait}")));
    if lessons {
        eventually("the client's thread has ended", || {
            server.figures().threads == before
        });
    }
    (server.interrupt(), end)
}

#[test]
fn the_calls_of_a_tcp_conversation_are_those_of_the_scripts() {
    // The client half-closes before the reply when that takes 250 ms.
    let _machine = alone();
    let (server, client) = conversation(TcpServer, TcpClient, "--json --explain");
    let told = steps(&server);
    let served = [
        "getaddrinfo",
        "socket",
        "setsockopt",
        "bind",
        "listen",
        "accept",
        "thread",
        "recv",
        "send",
        "recv",
        "close",
    ];
    assert_eq!(names(&told)[..served.len()], served);
    let rest = ["shutdown", "accept", "close"];
    assert_eq!(names(&told)[served.len()..], rest);
    assert!(keys(&told).contains(&"close_after_peer"));
    let told = steps(&client);
    assert_eq!(names(&told)[..3], ["socket", "connect", "send"]);
    // A server that is slow to reply is told first that nothing more comes.
    let rest = [
        ["recv", "shutdown", "recv", "close"],
        ["shutdown", "recv", "recv", "close"],
    ];
    assert!(rest.iter().any(|rest| names(&told)[3..] == rest[..]));
    assert!(keys(&told).ends_with(&["recv_end", "close_before_peer"]));
}

#[test]
fn the_calls_of_a_udp_conversation_are_those_of_the_scripts() {
    let (server, client) = conversation(UdpServer, UdpClient, "--json --explain");
    let told = steps(&server);
    assert_eq!(
        names(&told),
        [
            "getaddrinfo",
            "socket",
            "bind",
            "recvfrom",
            "sendto",
            "close"
        ]
    );
    let told = steps(&client);
    let asked = [
        "socket",
        "connect",
        "send",
        "setsockopt",
        "recvfrom",
        "close",
    ];
    assert_eq!(names(&told), asked);
    assert!(
        keys(&told).contains(&"send_text_datagram"),
        "33 bytes, 31 letters"
    );
}

/// Standard output without its numbers, which are ports and, at the end of the last line, a duration.
fn shape(end: &Finished) -> String {
    let text = end.text();
    let text = &text[..text.find(", dura").unwrap_or(text.len())];
    text.replace(|letter: char| letter.is_ascii_digit(), "")
}

#[test]
fn standard_output_is_the_same_with_and_without_the_lesson() {
    for (server, client) in [(TcpServer, TcpClient), (UdpServer, UdpClient)] {
        for style in ["", "--lang en", "-x"] {
            let without = conversation(server, client, style);
            let with = conversation(server, client, &format!("{style} --explain"));
            let name = format!("{} {style}", server.name());
            assert_eq!(shape(&with.0), shape(&without.0), "{name}");
            assert_eq!(with.1.text(), without.1.text(), "{name}");
            assert!(!with.1.stderr.is_empty() && without.1.stderr.is_empty());
        }
    }
}

#[test]
fn the_lesson_is_told_in_spanish_and_in_english() {
    let table = [
        (
            "--lang es",
            "Pido al sistema un extremo TCP; aquí se llama 3.",
        ),
        (
            "--lang en",
            "I ask the system for a TCP endpoint; here it is called 3.",
        ),
    ];
    for (language, sentence) in table {
        let (server, client) = conversation(TcpServer, TcpClient, &format!("{language} --explain"));
        for end in [server, client] {
            let line = end.stderr.lines().find(|line| line.contains(sentence));
            let line = line.unwrap_or_else(|| panic!("no '{sentence}' in {}", end.stderr));
            assert!(
                line.starts_with("· socket(AF_INET, SOCK_STREAM) = 3 "),
                "{line}"
            );
        }
    }
}

#[test]
fn a_refusal_is_told_with_its_errno_and_its_reason() {
    let nobody = closed_port();
    let end = run(TcpClient.to(nobody, "--json --explain"));
    let told = steps(&end);
    let refused = told.last().unwrap();
    assert_eq!(end.code, Some(4));
    assert_eq!(refused["result"], -1);
    assert_eq!(refused["error"], "ECONNREFUSED");
    assert_eq!(refused["key"], "connect_refused");
    let end = run(UdpClient.to(nobody, "--json --explain -w 5s"));
    let told = steps(&end);
    assert_eq!(end.code, Some(4));
    assert_eq!(told.last().unwrap()["key"], "recv_refused");
}

#[test]
fn a_lesson_that_cannot_be_given_is_a_usage_error() {
    for program in ALL {
        run(program.command("--explain=step")).assert_error(2, &["standard input"]);
        run(program.command("--explain=fast")).assert_error(2, &["--explain"]);
    }
    for client in [TcpClient, UdpClient] {
        run(client.command("--explain -c 3")).assert_error(2, &["--explain"]);
    }
    run(TcpClient.command("--explain --stream -t 1")).assert_error(2, &["--explain"]);
    for option in [
        "--max-threads 2",
        "--idle-timeout 2s",
        "--drain-timeout 2s",
        "--max-clients 2",
    ] {
        run(TcpServer.command("--explain").with(option)).assert_error(2, &["--explain"]);
    }
}

#[test]
fn sigterm_ends_a_lesson_too() {
    for program in [TcpServer, UdpServer] {
        let server = Server::start(program, "--explain");
        server.signal(Signal::SIGTERM);
        server.wait().assert_code(0);
    }
}

#[test]
fn a_lesson_has_no_more_than_64_clients_at_once() {
    let server = Server::start(TcpServer, "--explain");
    let clients: Vec<_> = (0..64).map(|_| connect(server.address)).collect();
    let mut one_too_many = connect(server.address);
    assert_eq!(one_too_many.read(&mut [0]).unwrap(), 0);
    let warning = loop {
        let line = server.error_line();
        if line.contains("warning") {
            break line;
        }
    };
    assert!(warning.contains("64 clients at once"), "{warning}");
    drop(clients);
    eventually("a client is served again", || {
        let mut client = connect(server.address);
        client.write_all(b"x").unwrap();
        client.read(&mut [0]).is_ok_and(|count| count == 1)
    });
    server.interrupt().assert_code(0);
}
