//! Standard input with nothing to read when the server ends.

use std::io::{self, PipeWriter, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::process::Stdio;
use std::sync::mpsc;
use std::time::Duration;

use crate::harness::echoes::hold_up;
use crate::harness::{Finished, Running, TcpClient, reset, serve_one};

/// A client whose standard input is a pipe that stays open.
fn piped_client(server: SocketAddr, arguments: &str) -> (Running, PipeWriter) {
    let (reader, writer) = io::pipe().unwrap();
    let mut command = TcpClient.to(server, arguments);
    command.stdin(reader).stdout(Stdio::piped());
    command.stderr(Stdio::piped());
    (Running::spawn(command), writer)
}

/// How a client ends that has sent `message` and gets no more input.
fn end_after(server: SocketAddr, arguments: &str, message: &str) -> Finished {
    let (client, mut writer) = piped_client(server, arguments);
    writer.write_all(message.as_bytes()).unwrap();
    let end = client.wait();
    drop(writer);
    end
}

#[test]
fn a_server_that_closes_ends_a_client_whose_input_is_idle() {
    let server = serve_one(|mut stream| stream.write_all(b"adios\n").unwrap());
    let end = end_after(server, "-f -", "");
    assert_eq!(end.assert_code(0).text(), "adios\n");
    assert!(end.stderr.contains("has closed the connection"), "{end:?}");
}

#[test]
fn a_reset_ends_a_client_whose_input_is_idle() {
    let server = serve_one(|mut stream| {
        stream.read_exact(&mut [0; 4]).unwrap();
        reset(stream);
    });
    end_after(server, "-f -", "hola").assert_error(7, &["reset"]);
}

#[test]
fn an_echo_that_is_whole_is_enough_and_another_is_not() {
    let echo = |length: usize| {
        serve_one(move |mut stream| {
            let mut message = [0; 4];
            stream.read_exact(&mut message).unwrap();
            stream.write_all(&message[..length]).unwrap();
        })
    };
    end_after(echo(4), "-e -f -", "hola").assert_code(0);
    end_after(echo(3), "-e -f -", "hola").assert_error(7, &["3 of 4 bytes came back"]);
}

#[test]
fn an_input_that_flows_is_sent_on_after_the_server_s_end() {
    let (sender, received) = mpsc::channel();
    let server = serve_one(move |mut stream| {
        stream.shutdown(Shutdown::Write).unwrap();
        let mut all = String::new();
        stream.read_to_string(&mut all).unwrap();
        sender.send(all).unwrap();
    });
    let (client, mut writer) = piped_client(server, "-f -");
    // For longer than an idle input is waited for, and with pauses that are far shorter.
    for _ in 0..30 {
        writer.write_all(b"line\n").unwrap();
        hold_up(Duration::from_millis(50));
    }
    drop(writer);
    client.wait().assert_clean();
    assert_eq!(received.recv().unwrap(), "line\n".repeat(30));
}
