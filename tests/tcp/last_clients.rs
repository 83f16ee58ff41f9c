//! Clients that connect in the instant of a signal: they are served or refused, and never reset.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;

use nix::sys::signal::Signal;

use crate::harness::{DEADLINE, Running, TcpServer, closed_port, eventually};

/// As many clients as the server takes before it closes its listener, up to 400. Each has sent a word.
fn connect_until_refused(server: SocketAddr) -> Vec<TcpStream> {
    let connections = (0..400).map_while(|_| match TcpStream::connect(server) {
        Ok(mut client) => {
            client.set_read_timeout(Some(DEADLINE)).unwrap();
            client.write_all(b"hola").unwrap();
            Some(client)
        }
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
            None
        }
    });
    connections.collect()
}

#[test]
fn clients_that_connect_in_the_instant_of_a_signal_are_never_reset() {
    let mut served = 0;
    for _ in 0..8 {
        let address = closed_port();
        // The listening line is not waited for: the first connection is the first sign of life.
        let server = Running::start(TcpServer.to(address, "--json"));
        eventually("the server listens", || TcpStream::connect(address).is_ok());
        let clients = thread::scope(|scope| {
            let crowd = [(); 4].map(|()| scope.spawn(|| connect_until_refused(address)));
            server.signal(Signal::SIGTERM);
            crowd.map(|clients| clients.join().unwrap())
        });
        for mut client in clients.into_iter().flatten() {
            let mut echo = Vec::new();
            client.read_to_end(&mut echo).unwrap();
            assert_eq!(echo, b"hola");
            served += 1;
        }
        server.wait().assert_clean();
    }
    assert!(served > 0);
    println!("{served} clients came between the first and the last instant");
}
