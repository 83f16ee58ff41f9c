//! An idle time-out beside clients that read slowly, or not at all.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use socket2::{Domain, Socket, Type};

use crate::harness::echoes::hold_up;
use crate::harness::{DEADLINE, Server, TcpServer, count, noise, send_without_end};

/// A client with a small receive buffer and the segments of an Ethernet, whose window opens in small steps.
fn connect_narrowly(server: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(8192).unwrap();
    socket.set_tcp_mss(1460).unwrap();
    socket.connect(&server.into()).unwrap();
    socket.set_read_timeout(Some(DEADLINE)).unwrap();
    socket.into()
}

#[test]
fn a_client_that_reads_steadily_is_not_idle_however_slow_it_is() {
    let server = Server::start(TcpServer, "--json --idle-timeout 3s");
    let mut client = connect_narrowly(server.address);
    let message = noise(1, 150_000);
    client.write_all(&message).unwrap();
    // 30 KB a second: all of it was handed to the server's kernel long before.
    let mut echo = Vec::new();
    while echo.len() < message.len() {
        let mut chunk = [0; 1500];
        let count = client.read(&mut chunk).unwrap();
        assert!(count > 0, "closed after {} bytes", echo.len());
        echo.extend_from_slice(&chunk[..count]);
        hold_up(Duration::from_millis(50));
    }
    assert!(echo == message);
    drop(client);
    assert_eq!(server.finish().pop().unwrap()["reason"], "finished");
}

#[test]
fn a_client_that_never_reads_is_idle_and_its_bytes_are_counted() {
    let server = Server::start(TcpServer, "--json --idle-timeout 300ms");
    let client = connect_narrowly(server.address);
    let sending = send_without_end(&client);
    assert_eq!(server.event()["event"], "connected");
    let closed = server.event();
    assert_eq!(closed["reason"], "idle");
    assert!(count(&closed, "undelivered") > 0, "{closed}");
    sending.join().unwrap();
    server.interrupt().assert_clean();
}
