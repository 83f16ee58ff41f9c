//! When the client ends its side, and what it says of servers that end theirs after that.

use std::io::{self, Read, Seek, Write};
use std::process::Stdio;
use std::time::Duration;

use crate::harness::echoes::hold_up;
use crate::harness::proxy::ending_proxy;
use crate::harness::{
    Noise, Running, Server, TcpClient, TcpServer, alone, noise, reply_with, run, run_with,
    serve_one, wait_for_bytes,
};

#[test]
fn messages_come_back_through_a_proxy_that_ends_sessions_at_a_half_close() {
    // A silence of 250 ms would be a half-close.
    let _machine = alone();
    let server = Server::start(TcpServer, "");
    let proxy = ending_proxy(server.address);
    let label = "\n[+] Mensaje recibido del servidor: ";
    for _ in 0..5 {
        let end = run(TcpClient.to(proxy, ""));
        let expected = format!("{label}Hola, servidor!\n");
        assert_eq!(end.assert_clean().text(), expected);
    }
    for _ in 0..20 {
        let end = run(TcpClient.to(proxy, "-e -m hi"));
        assert_eq!(end.assert_clean().text(), format!("{label}hi\n"));
    }
}

#[test]
fn two_hundred_megabytes_come_back_through_such_a_proxy() {
    let _machine = alone();
    let server = Server::start(TcpServer, "");
    let mut file = tempfile::tempfile().unwrap();
    io::copy(&mut Noise::new(1, 200_000_000), &mut file).unwrap();
    file.rewind().unwrap();
    let mut client = TcpClient.to(ending_proxy(server.address), "-e -f -");
    client.stdin(file).stdout(Stdio::null());
    client.stderr(Stdio::piped());
    Running::spawn(client).wait().assert_clean();
}

#[test]
fn a_reply_that_is_longer_than_what_was_sent_is_not_cut_by_such_a_proxy() {
    let _machine = alone();
    let page = noise(2, 1_000_000);
    let pieces = page.clone();
    let server = serve_one(move |mut stream| {
        stream.read_exact(&mut [0; 4]).unwrap();
        for piece in pieces.chunks(100_000) {
            stream.write_all(piece).unwrap();
            hold_up(Duration::from_millis(20));
        }
    });
    let end = run_with(TcpClient.to(ending_proxy(server), "-f -"), "GET\n");
    end.assert_clean();
    assert!(end.stdout == page);
}

#[test]
fn an_end_that_follows_the_half_close_names_the_option_that_does_without() {
    // It waits for the end of its input, and so never answers.
    let late = || ending_proxy(reply_with(b"hi"));
    let hint = "--no-shutdown";
    run(TcpClient.to(late(), "-m hi")).assert_error(1, &["sent no reply", hint]);
    run(TcpClient.to(late(), "-e -m hi")).assert_error(7, &["0 of 2 bytes", hint]);
}

#[test]
fn an_end_that_precedes_the_half_close_is_not_blamed_on_it() {
    let server = serve_one(|mut stream| stream.read_exact(&mut [0; 2]).unwrap());
    let end = run(TcpClient.to(server, "-e -m hi"));
    end.assert_error(7, &["0 of 2 bytes came back"]);
    assert!(!end.stderr.contains("--no-shutdown"), "{}", end.stderr);
}

#[test]
fn a_server_that_speaks_first_is_told_from_one_that_alters_bytes() {
    let server = serve_one(|mut stream| {
        wait_for_bytes(&stream);
        stream.write_all(b"220 hello\r\n").unwrap();
        io::copy(&mut &stream, &mut &stream).unwrap();
    });
    let end = run(TcpClient.to(server, "-q -e -m hola"));
    let difference = "offset 0: sent 68 6f 6c 61, received 32 32 30";
    let remark = "the server sent 11 bytes before anything was echoed";
    end.assert_error(1, &["check failed", difference, remark]);

    let server = serve_one(|mut stream| {
        stream.read_exact(&mut [0; 4]).unwrap();
        stream.write_all(b"Hola").unwrap();
    });
    let end = run(TcpClient.to(server, "-q -e -m hola"));
    end.assert_error(1, &["offset 0: sent 68 6f 6c 61, received 48 6f 6c 61"]);
    assert!(!end.stderr.contains("before anything"), "{}", end.stderr);
}

#[test]
fn bytes_that_come_before_anything_was_sent_are_told() {
    let server = serve_one(|mut stream| {
        stream.write_all(b"220 hello\r\n").unwrap();
        let _ = stream.read(&mut [0]);
    });
    let (reader, _writer) = io::pipe().unwrap();
    let mut client = TcpClient.to(server, "-e -f -");
    client.stdin(reader).stdout(Stdio::null());
    client.stderr(Stdio::piped());
    let end = Running::spawn(client).wait();
    end.assert_error(1, &["offset 0", "11 bytes before anything was sent"]);
}
