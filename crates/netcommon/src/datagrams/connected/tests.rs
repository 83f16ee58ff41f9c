//! A pair of sockets on loopback.

use std::io;
use std::net::UdpSocket;
use std::time::Instant;

use super::*;

const DEADLINE: Duration = Duration::from_secs(60);

fn pair(place: &str) -> (UdpSocket, UdpSocket) {
    let [one, other] = [place; 2].map(|place| UdpSocket::bind(place).unwrap());
    one.connect(other.local_addr().unwrap()).unwrap();
    other.connect(one.local_addr().unwrap()).unwrap();
    prepare(&one).unwrap();
    (one, other)
}

/// The next result that is not "nothing yet".
fn next<T>(mut receive: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    let start = Instant::now();
    loop {
        match receive() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                assert!(start.elapsed() < DEADLINE, "nothing comes");
            }
            result => return result,
        }
    }
}

#[test]
fn a_datagram_tells_how_long_it_has_waited() {
    for place in ["127.0.0.1:0", "[::1]:0"] {
        let (socket, peer) = pair(place);
        let start = Instant::now();
        peer.send(b"hola").unwrap();
        let mut buffer = vec![0; MAX_MESSAGE];
        next(|| receive(&socket, &mut buffer).map(drop)).unwrap();
        peer.send(b"hola").unwrap();
        let waited = next(|| receive(&socket, &mut buffer).map(|message| message.waited));
        assert!(waited.unwrap().unwrap() <= start.elapsed());
    }
}

#[test]
fn a_closed_port_is_named() {
    for place in ["127.0.0.1:0", "[::1]:0"] {
        let (socket, peer) = pair(place);
        drop(peer);
        socket.send(b"?").unwrap();
        let mut buffer = vec![0; MAX_MESSAGE];
        let error = next(|| receive(&socket, &mut buffer).map(drop)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        assert_eq!(icmp_error(&socket), Some(IcmpError::PortUnreachable));
        assert_eq!(icmp_error(&socket), None);
    }
}

#[test]
fn drops_are_counted_without_a_further_datagram() {
    let (socket, peer) = pair("127.0.0.1:0");
    assert_eq!(dropped(&socket), Some(0));
    socket2::SockRef::from(&socket)
        .set_recv_buffer_size(1)
        .unwrap();
    let start = Instant::now();
    while dropped(&socket) == Some(0) {
        assert!(start.elapsed() < DEADLINE, "nothing is dropped");
        peer.send(&[b'x'; 1_000]).unwrap();
    }
}
