//! Servers that misbehave: the right exit code and message for each.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::process::Command;
use std::sync::mpsc;

use crate::harness::compat::{is_there, run, tcp_client};
use crate::harness::data::noise;
use crate::harness::peers::{closed_port, reset, serve_one};
use crate::harness::process::Finished;

const SENT: usize = 300_000;

fn expect_echo(server: SocketAddr, arguments: &[&str]) -> Finished {
    let mut command = tcp_client();
    command
        .args(["-e", "-f", "-", &server.to_string()])
        .args(arguments);
    run(command, noise(1, SENT))
}

/// Echoes until the end, after `alter` has had its way with each piece.
fn echo(mut stream: TcpStream, mut alter: impl FnMut(&mut [u8], usize)) {
    let mut piece = [0; 10_000];
    let mut offset = 0;
    while let Ok(count @ 1..) = stream.read(&mut piece) {
        alter(&mut piece[..count], offset);
        offset += count;
        if stream.write_all(&piece[..count]).is_err() {
            return;
        }
    }
}

#[test]
fn an_honest_echo_is_exit_0() {
    let server = serve_one(|stream| echo(stream, |_, _| ()));
    let end = expect_echo(server, &[]);
    end.assert_code(0);
    assert!(end.stdout == noise(1, SENT));
    assert_eq!(end.stderr, "");
}

#[test]
fn an_altered_byte_is_exit_1_and_named_with_its_offset_and_both_sides() {
    let altered = 123_456_usize;
    let server = serve_one(move |stream| {
        echo(stream, |piece, offset| {
            if let Some(byte) = altered.checked_sub(offset).and_then(|at| piece.get_mut(at)) {
                *byte ^= 0xff;
            }
        });
    });
    let sent = noise(1, SENT)[altered];
    let end = expect_echo(server, &[]);
    let sides = [
        format!("sent {sent:02x} "),
        format!("received {:02x} ", sent ^ 0xff),
    ];
    end.assert_code(1).assert_one_line_error(&[
        "check failed",
        "offset 123456",
        &sides[0],
        &sides[1],
    ]);
}

#[test]
fn more_bytes_than_were_sent_are_exit_1() {
    let server = serve_one(|mut stream| {
        echo(stream.try_clone().unwrap(), |_, _| ());
        stream.write_all(b"!").unwrap();
    });
    expect_echo(server, &[])
        .assert_code(1)
        .assert_one_line_error(&["offset 300000", "nothing more was sent", "21"]);
}

#[test]
fn a_truncated_echo_is_exit_7_with_both_counts() {
    let server = serve_one(|mut stream| {
        let mut all = Vec::new();
        stream.read_to_end(&mut all).unwrap();
        stream.write_all(&all[..100_000]).unwrap();
    });
    let end = expect_echo(server, &[]);
    end.assert_code(7)
        .assert_one_line_error(&["closed early", "100000 of 300000 bytes"]);
    assert!(end.stdout == noise(1, SENT)[..100_000]);
}

#[test]
fn a_server_that_closes_before_it_has_read_everything_is_exit_7() {
    let server = serve_one(|mut stream| stream.read_exact(&mut [0; 10]).unwrap());
    let end = expect_echo(server, &[]);
    end.assert_code(7);
    assert_eq!(end.stderr.lines().count(), 1, "{}", end.stderr);
}

#[test]
fn a_reset_in_the_middle_is_exit_7() {
    let server = serve_one(|mut stream| {
        stream.read_exact(&mut [0; 10]).unwrap();
        reset(stream);
    });
    expect_echo(server, &[])
        .assert_code(7)
        .assert_one_line_error(&["127.0.0.1:", "reset"]);
}

#[test]
fn a_reset_at_once_is_exit_7_and_names_the_server() {
    for _ in 0..20 {
        let server = serve_one(reset);
        let mut command = tcp_client();
        command.arg(server.to_string());
        run(command, "")
            .assert_code(7)
            .assert_one_line_error(&[&server.to_string(), "reset"]);
    }
}

#[test]
fn a_server_that_half_closes_first_still_gets_everything() {
    let (sender, receiver) = mpsc::channel();
    let server = serve_one(move |mut stream| {
        stream.shutdown(Shutdown::Write).unwrap();
        sender
            .send(std::io::copy(&mut stream, &mut std::io::sink()).unwrap())
            .unwrap();
    });
    let mut command = tcp_client();
    command.args(["-f", "-", &server.to_string()]);
    let sent = 100 << 20;
    run(command, noise(1, sent)).assert_code(0);
    assert_eq!(receiver.recv().unwrap(), sent as u64);
}

#[test]
fn an_echo_that_ends_early_is_told_at_once_however_much_is_left_to_send() {
    let (release, released) = mpsc::channel::<()>();
    let server = serve_one(move |stream| {
        stream.shutdown(Shutdown::Write).unwrap();
        let _ = released.recv();
    });
    let mut command = tcp_client();
    command.args(["-e", "-f", "/dev/zero", &server.to_string()]);
    run(command, "")
        .assert_code(7)
        .assert_one_line_error(&["closed early", "0 of "]);
    drop(release);
}

#[test]
fn a_connection_to_itself_is_a_refusal() {
    let place = closed_port().to_string();
    let mut command = tcp_client();
    command.args(["-e", "-B", &place, &place]);
    run(command, "")
        .assert_code(4)
        .assert_one_line_error(&[&place, "refused"]);
}

#[test]
fn a_network_without_a_route_is_exit_6() {
    // A network of its own, in which nothing leads anywhere.
    if !is_there("unshare") {
        return;
    }
    let mut command = Command::new("unshare");
    command
        .args(["--user", "--map-root-user", "--net"])
        .arg(tcp_client().get_program())
        .arg("192.0.2.1:9");
    let end = run(command, "");
    if end.stderr.contains("unshare") {
        return println!("skipped: no network namespace here: {}", end.stderr);
    }
    end.assert_code(6)
        .assert_one_line_error(&["192.0.2.1:9", "unreachable"]);
}

#[test]
fn a_server_that_stalls_is_exit_5_after_the_timeout() {
    let (release, released) = mpsc::channel::<()>();
    let server = serve_one(move |stream| {
        let _ = released.recv();
        drop(stream);
    });
    let end = expect_echo(server, &["-w", "300ms"]);
    end.assert_code(5).assert_one_line_error(&[
        "timed out",
        "300ms",
        &server.to_string(),
        "300000 bytes sent",
    ]);
    drop(release);
}

#[test]
fn a_slow_server_that_never_pauses_for_long_is_not_timed_out() {
    // Each pause is far shorter than the time-out, all of them together are longer.
    let server = serve_one(|mut stream| {
        let pause = |stream: &TcpStream| {
            stream
                .set_read_timeout(Some(std::time::Duration::from_millis(100)))
                .unwrap();
            let _ = stream.peek(&mut [0]);
        };
        let mut all = vec![0; 10];
        stream.read_exact(&mut all).unwrap();
        for byte in all {
            pause(&stream);
            stream.write_all(&[byte]).unwrap();
        }
    });
    let mut command = tcp_client();
    command.args([
        "--no-shutdown",
        "-e",
        "-w",
        "600ms",
        "-m",
        "0123456789",
        &server.to_string(),
    ]);
    let end = run(command, "");
    end.assert_code(0);
    assert_eq!(
        end.text(),
        "\n[+] Mensaje recibido del servidor: 0123456789\n"
    );
}

#[test]
fn nobody_there_is_exit_4() {
    let end = expect_echo(closed_port(), &[]);
    end.assert_code(4)
        .assert_one_line_error(&["cannot connect to 127.0.0.1:", "connection refused"]);
}

#[test]
fn a_message_without_any_reply_is_exit_1() {
    let server = serve_one(|mut stream| {
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let mut command = tcp_client();
    command.arg(server.to_string());
    let end = run(command, "");
    end.assert_code(1)
        .assert_one_line_error(&["check failed", "sent no reply"]);
    assert_eq!(end.text(), "");
}

#[test]
fn a_connection_that_nobody_answers_is_exit_5_after_the_connect_timeout() {
    // A backlog of 0 that is full drops further SYNs (listen(2)).
    let listener =
        socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
    listener.bind(&any.into()).unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap().as_socket().unwrap();
    let _waiting = TcpStream::connect(address).unwrap();
    let mut command = tcp_client();
    command.args(["--connect-timeout", "200ms", &address.to_string()]);
    run(command, "")
        .assert_code(5)
        .assert_one_line_error(&["timed out", &address.to_string()]);
}

#[test]
fn errors_are_json_events_too() {
    let mut command = tcp_client();
    command.args(["--json", &closed_port().to_string()]);
    let end = run(command, "");
    end.assert_code(4);
    let events = end.events();
    assert_eq!(events.len(), 1);
    assert_eq!(
        (events[0]["event"].as_str(), events[0]["kind"].as_str()),
        (Some("error"), Some("refused"))
    );
    assert!(end.stderr.contains(events[0]["message"].as_str().unwrap()));
}
