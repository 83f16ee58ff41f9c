//! Time-outs and ends that depend on what the peer has acknowledged.

use std::io::{self, Read};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use socket2::{Domain, Socket, Type};

use crate::harness::echoes::hold_up;
use crate::harness::{
    Running, Server, TcpClient, TcpServer, noise, reset, run_with, wait_for_bytes,
};

/// A server with a receive buffer of a few kilobytes: what it has not read stays with its client.
fn serve_narrowly(behave: impl FnOnce(TcpStream) + Send + 'static) -> SocketAddr {
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    listener.set_recv_buffer_size(4096).unwrap();
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    listener.bind(&any.into()).unwrap();
    listener.listen(1).unwrap();
    let address = listener.local_addr().unwrap().as_socket().unwrap();
    thread::spawn(move || behave(listener.accept().unwrap().0.into()));
    address
}

#[test]
fn an_upload_that_the_peer_takes_slowly_is_not_timed_out() {
    // 30 kB/s: all of it is in the client's kernel at once, and takes far longer than the time-out.
    let sent = noise(1, 120_000);
    let server = serve_narrowly(|mut stream| {
        let mut piece = [0; 3_000];
        while let Ok(1..) = stream.read(&mut piece) {
            hold_up(Duration::from_millis(100));
        }
    });
    run_with(TcpClient.to(server, "-f - -w 3s"), sent).assert_clean();
}

#[test]
fn an_upload_that_the_peer_does_not_take_is_timed_out() {
    let sent = noise(2, 120_000);
    let server = serve_narrowly(|stream| {
        wait_for_bytes(&stream);
        hold_up(Duration::from_secs(60));
    });
    let end = run_with(TcpClient.to(server, "-f - -w 500ms"), sent);
    end.assert_error(5, &["timed out", "500ms", "bytes sent"]);
}

#[test]
fn a_reader_of_the_reply_that_pauses_is_not_taken_for_a_silent_server() {
    let server = Server::start(TcpServer, "");
    let mut client = TcpClient.to(server.address, "-e -f /dev/zero");
    let (mut reply, output) = io::pipe().unwrap();
    client.stdin(Stdio::null()).stdout(output);
    client.stderr(Stdio::piped());
    let client = Running::spawn(client);
    reply.read_exact(&mut [0; 1000]).unwrap();
    // The window would grow, with a warning, after a second.
    let said = client.error_line_within(Duration::from_millis(2_500));
    assert_eq!(said, None);
    drop(reply);
    client.wait().assert_clean();
}

#[test]
fn bytes_that_were_lost_after_the_server_s_end_are_exit_7() {
    let server = serve_narrowly(|stream| {
        stream.shutdown(Shutdown::Write).unwrap();
        wait_for_bytes(&stream);
        // Time for the client to hand everything to its kernel.
        hold_up(Duration::from_millis(300));
        reset(stream);
    });
    let end = run_with(TcpClient.to(server, "-f -"), noise(3, 120_000));
    end.assert_error(7, &[]);
}
