//! A TCP proxy of the test's own that ends a session at a half-close, as nginx's stream proxy does.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;

/// The address of a proxy before `server`. When a client half-closes, both connections end at once,
/// with whatever was still to come back.
pub(crate) fn ending_proxy(server: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for client in listener.incoming() {
            let client = client.expect("a client");
            thread::spawn(move || relay(&client, server));
        }
    });
    address
}

fn relay(client: &TcpStream, server: SocketAddr) {
    let server = TcpStream::connect(server).expect("the server accepts");
    for stream in [client, &server] {
        stream.set_nodelay(true).expect("TCP_NODELAY");
    }
    thread::scope(|scope| {
        for (mut from, mut to) in [(client, &server), (&server, client)] {
            scope.spawn(move || {
                // It fails when the other direction has ended the session.
                let _ = io::copy(&mut from, &mut to);
                let _ = from.shutdown(Shutdown::Both);
                let _ = to.shutdown(Shutdown::Both);
            });
        }
    });
}
