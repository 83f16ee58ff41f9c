//! Servers that misbehave: the right exit code and message for each.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::mpsc;
use std::time::Duration;

use crate::harness::{
    Finished, TcpClient, With, closed_port, in_own_network, noise, reply_with, reset, run,
    run_with, serve_one,
};

const SENT: usize = 300_000;

/// Sends noise to a server of this behaviour and demands it back.
fn expect_echo(behave: impl FnOnce(TcpStream) + Send + 'static) -> Finished {
    let server = serve_one(behave);
    run_with(TcpClient.to(server, "-e -f -"), noise(1, SENT))
}

/// Echoes to the end, with one byte changed.
fn echo_altered(mut stream: TcpStream, altered: usize) {
    let mut buffer = [0; 10_000];
    let mut offset = 0;
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        let chunk = &mut buffer[..count];
        if let Some(byte) = altered
            .checked_sub(offset)
            .and_then(|place| chunk.get_mut(place))
        {
            *byte ^= 0xff;
        }
        offset += count;
        if stream.write_all(chunk).is_err() {
            return;
        }
    }
}

#[test]
fn an_altered_byte_is_exit_1_and_named_with_its_offset_and_both_sides() {
    let altered = 123_456;
    let sent = noise(1, SENT)[altered];
    let end = expect_echo(move |stream| echo_altered(stream, altered));
    let sent_side = format!("sent {sent:02x} ");
    let received_side = format!("received {:02x} ", sent ^ 0xff);
    let parts = ["check failed", "offset 123456", &sent_side, &received_side];
    end.assert_error(1, &parts);
}

#[test]
fn more_bytes_than_were_sent_are_exit_1() {
    let end = expect_echo(|mut stream| {
        io::copy(&mut &stream, &mut &stream).unwrap();
        stream.write_all(b"!").unwrap();
    });
    end.assert_error(1, &["offset 300000", "nothing more was sent", "21"]);
}

#[test]
fn a_truncated_echo_is_exit_7_with_both_counts() {
    let end = expect_echo(|mut stream| {
        let mut all = Vec::new();
        stream.read_to_end(&mut all).unwrap();
        stream.write_all(&all[..100_000]).unwrap();
    });
    end.assert_error(7, &["closed early", "100000 of 300000 bytes"]);
    assert!(end.stdout == noise(1, SENT)[..100_000]);
}

#[test]
fn a_server_that_closes_or_resets_before_it_has_read_everything_is_exit_7() {
    let end = expect_echo(|mut stream| stream.read_exact(&mut [0; 10]).unwrap());
    end.assert_error(7, &[]);
    let end = expect_echo(|mut stream| {
        stream.read_exact(&mut [0; 10]).unwrap();
        reset(stream);
    });
    end.assert_error(7, &["127.0.0.1:", "reset"]);
}

#[test]
fn a_reset_at_once_is_exit_7_and_names_the_server() {
    for _ in 0..20 {
        let server = serve_one(reset);
        run(TcpClient.to(server, "")).assert_error(7, &[&server.to_string(), "reset"]);
    }
}

#[test]
fn a_server_that_half_closes_first_still_gets_everything() {
    let (sender, receiver) = mpsc::channel();
    let server = serve_one(move |mut stream| {
        stream.shutdown(Shutdown::Write).unwrap();
        let received = io::copy(&mut stream, &mut io::sink()).unwrap();
        sender.send(received).unwrap();
    });
    let sent = 100 << 20;
    run_with(TcpClient.to(server, "-f -"), noise(1, sent)).assert_code(0);
    assert_eq!(receiver.recv().unwrap(), sent as u64);
}

#[test]
fn an_echo_that_ends_early_is_told_at_once_however_much_is_left_to_send() {
    let (release, released) = mpsc::channel::<()>();
    let server = serve_one(move |stream| {
        stream.shutdown(Shutdown::Write).unwrap();
        let _ = released.recv();
    });
    let end = run(TcpClient.to(server, "-e -f /dev/zero"));
    end.assert_error(7, &["closed early", "0 of "]);
    drop(release);
}

#[test]
fn a_connection_to_itself_is_a_refusal() {
    let address = closed_port();
    let end = run(TcpClient.to(address, &format!("-e -B {address}")));
    end.assert_error(4, &[&address.to_string(), "refused"]);
}

#[test]
fn a_network_without_a_route_is_exit_6() {
    if let Some(client) = in_own_network(TcpClient.path()) {
        let end = run(client.with("192.0.2.1:9"));
        end.assert_error(6, &["192.0.2.1:9", "unreachable"]);
    }
}

#[test]
fn a_server_that_stalls_is_exit_5_after_the_timeout() {
    let (release, released) = mpsc::channel::<()>();
    let server = serve_one(move |_stream| {
        let _ = released.recv();
    });
    let end = run_with(TcpClient.to(server, "-e -f - -w 2s"), noise(1, SENT));
    let server = server.to_string();
    end.assert_error(5, &["timed out", "2s", &server, "300000 bytes sent"]);
    drop(release);
}

#[test]
fn a_slow_server_that_never_pauses_for_long_is_not_timed_out() {
    // Each pause is far shorter than the time-out, all of them together are longer.
    let server = serve_one(|mut stream| {
        let pause = Duration::from_millis(300);
        let mut all = [0; 10];
        stream.read_exact(&mut all).unwrap();
        stream.set_read_timeout(Some(pause)).unwrap();
        for byte in all {
            let _ = stream.peek(&mut [0]);
            stream.write_all(&[byte]).unwrap();
        }
    });
    let end = run(TcpClient.to(server, "--no-shutdown -e -w 2s -m 0123456789"));
    let expected = "\n[+] Mensaje recibido del servidor: 0123456789\n";
    assert_eq!(end.assert_clean().text(), expected);
}

#[test]
fn a_message_without_any_reply_is_exit_1() {
    let end = run(TcpClient.to(reply_with(b""), ""));
    end.assert_error(1, &["check failed", "sent no reply"]);
    assert_eq!(end.text(), "");
}
