//! TCP servers and clients of the test's own, most of which misbehave.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::DEADLINE;
use super::data::noise;

/// A server on a free port that treats its one client as `behave` says.
pub(crate) fn serve_one(behave: impl FnOnce(TcpStream) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || behave(listener.accept().expect("a client").0));
    address
}

/// A server that reads to the end and then sends `reply`.
pub(crate) fn reply_with(reply: &'static [u8]) -> SocketAddr {
    serve_one(|mut stream| {
        let _ = stream.read_to_end(&mut Vec::new());
        stream.write_all(reply).expect("the client reads");
    })
}

/// A port on which nothing listens, on a loopback address of its own: no other test is given it meanwhile.
pub(crate) fn closed_port() -> SocketAddr {
    static NUMBER: AtomicU16 = AtomicU16::new(1);
    let [high, low] = NUMBER.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    let listener = TcpListener::bind((Ipv4Addr::new(127, 77, high, low), 0));
    let address = listener.expect("a free port").local_addr();
    address.expect("an address")
}

/// A client whose reads fail, instead of hanging, past the deadline.
pub(crate) fn connect(server: SocketAddr) -> TcpStream {
    let client = TcpStream::connect(server).expect("the server accepts");
    client.set_read_timeout(Some(DEADLINE)).expect("a time-out");
    client
}

/// Sends `message` and demands it back.
#[track_caller]
pub(crate) fn assert_echoes(client: &mut TcpStream, message: &[u8]) {
    client.write_all(message).expect("the server reads");
    let mut echo = vec![0; message.len()];
    client.read_exact(&mut echo).expect("the echo comes");
    assert!(echo == message, "the echo differs");
}

/// Waits until something can be read.
pub(crate) fn wait_for_bytes(client: &TcpStream) {
    while let Err(error) = client.peek(&mut [0]) {
        // A process that was stopped and goes on (signal(7)).
        assert_eq!(error.kind(), ErrorKind::Interrupted);
    }
}

/// Sends noise until the connection takes no more.
pub(crate) fn send_without_end(client: &TcpStream) -> JoinHandle<()> {
    let mut writer = client.try_clone().expect("a descriptor");
    let bytes = noise(9, 10_000);
    thread::spawn(move || while writer.write_all(&bytes).is_ok() {})
}

/// Closes with RST instead of FIN (`SO_LINGER` of zero, socket(7)).
pub(crate) fn reset(stream: TcpStream) {
    socket2::SockRef::from(&stream)
        .set_linger(Some(Duration::ZERO))
        .expect("SO_LINGER");
}

/// Demands that the server has closed the connection in order and sent nothing more.
#[track_caller]
pub(crate) fn assert_ended(client: &mut TcpStream) {
    let mut rest = Vec::new();
    client.read_to_end(&mut rest).expect("an orderly end");
    assert!(rest.is_empty(), "{} bytes before the end", rest.len());
}
