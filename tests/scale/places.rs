//! More clients than places: some are served, some wait, none is turned away.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::harness::{Server, TcpServer, connect};

const PLACES: usize = 100;

/// Clients that have sent their number.
fn numbered(server: SocketAddr, count: u32) -> Vec<TcpStream> {
    let speak = |number: u32| {
        let mut client = connect(server);
        client.write_all(&number.to_be_bytes()).unwrap();
        client
    };
    (0..count).map(speak).collect()
}

#[track_caller]
fn assert_served(first: usize, clients: &mut [TcpStream]) {
    for (number, client) in (first..).zip(clients) {
        let mut echo = [0; 4];
        client.read_exact(&mut echo).unwrap();
        assert_eq!(u32::from_be_bytes(echo) as usize, number);
    }
}

#[track_caller]
fn assert_waiting(clients: &mut [TcpStream]) {
    for client in clients {
        client.set_nonblocking(true).unwrap();
        let error = client.read(&mut [0]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
        client.set_nonblocking(false).unwrap();
    }
}

#[test]
fn clients_beyond_the_places_wait_and_are_served_as_places_fall_free() {
    let server = Server::start(TcpServer, "--json --max-clients 100");
    let mut clients = numbered(server.address, 300);
    let warning = server.error_line();
    assert!(warning.contains("all 100 places"), "{warning}");
    for first in [0, PLACES, 2 * PLACES] {
        assert_served(first, &mut clients[..PLACES]);
        assert_waiting(&mut clients[PLACES..]);
        let load = server.load_while_silent(Duration::from_secs(1));
        // A server at rest takes nothing; the rest is noise of the machine.
        assert!(load <= 0.05, "full and at rest, {load} of a processor");
        clients.drain(..PLACES);
    }
    let end = server.interrupt();
    // One warning is enough.
    end.assert_clean();
    assert_eq!(end.events_of("connected").len(), 3 * PLACES);
}

#[test]
fn places_that_fall_free_one_by_one_serve_every_client_in_turn() {
    let server = Server::start(TcpServer, "--max-clients 1");
    for (number, client) in numbered(server.address, 50).into_iter().enumerate() {
        assert_served(number, &mut [client]);
    }
    server.interrupt().assert_code(0);
}
