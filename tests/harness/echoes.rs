//! Echo servers made in the test, that treat each message as the test says.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

use super::peers::serve_one;

/// Echoes the messages of one client, each of `length` bytes and numbered from 1, after `treat` has
/// had its way with them; when that returns false, the connection is closed instead.
pub(crate) fn echo_messages(
    length: usize,
    treat: impl FnMut(u64, &mut [u8]) -> bool + Send + 'static,
) -> SocketAddr {
    serve_one(move |stream| serve(stream, length, treat))
}

fn serve(mut stream: TcpStream, length: usize, mut treat: impl FnMut(u64, &mut [u8]) -> bool) {
    stream.set_nodelay(true).expect("TCP_NODELAY");
    let mut message = vec![0; length];
    for number in 1.. {
        if stream.read_exact(&mut message).is_err() || !treat(number, &mut message) {
            return;
        }
        if stream.write_all(&message).is_err() {
            return;
        }
    }
}

/// An honest echo of one client that holds message `stalled`, and so all behind it, up for `time`.
pub(crate) fn echo_with_stall(length: usize, stalled: u64, time: Duration) -> SocketAddr {
    echo_messages(length, move |number, _| {
        if number == stalled {
            hold_up(time);
        }
        true
    })
}

/// An honest echo of one client that holds every message up for `time`.
pub(crate) fn echo_with_delay(length: usize, time: Duration) -> SocketAddr {
    echo_messages(length, move |_, _| {
        hold_up(time);
        true
    })
}

/// Lets `time` pass: the delay or stall that a path would make. It is never shorter.
pub(crate) fn hold_up(time: Duration) {
    let start = Instant::now();
    while let Some(left) = time
        .checked_sub(start.elapsed())
        .filter(|left| !left.is_zero())
    {
        thread::park_timeout(left);
    }
}

/// An echo server of the test's own that `treat`s each datagram, numbered from 1, before it answers.
pub(crate) fn echo_datagrams(treat: impl Fn(u64) + Send + 'static) -> SocketAddr {
    let server = UdpSocket::bind("127.0.0.1:0").expect("a port is free");
    let address = server.local_addr().expect("an address");
    thread::spawn(move || {
        let mut buffer = vec![0; 1 << 16];
        for number in 1.. {
            let Ok((length, client)) = server.recv_from(&mut buffer) else {
                return;
            };
            treat(number);
            drop(server.send_to(&buffer[..length], client));
        }
    });
    address
}
