//! More clients than places: some are served, some wait, nobody is turned away.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::harness::compat::{load_while_silent, serve, tcp_server};
use crate::harness::peers::connect;
use crate::harness::process::Running;

const PLACES: usize = 100;

/// What a server at rest may take of a processor: nothing but what noise the machine makes.
const NEAR_ZERO: f64 = 0.05;

/// Clients that have spoken, each with a word of its own.
fn speakers(address: SocketAddr, count: u32) -> Vec<TcpStream> {
    let speak = |number: u32| {
        let mut client = connect(address);
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

fn assert_at_rest(server: &Running) {
    let load = load_while_silent(server, Duration::from_secs(1));
    println!(
        "full and at rest, it takes {:.1} % of a processor",
        load * 100.0
    );
    assert!(load <= NEAR_ZERO, "{load} of a processor");
}

#[test]
fn clients_beyond_the_places_wait_and_are_served_as_places_fall_free() {
    let (server, address) = serve(tcp_server(), &["--max-clients", "100"]);
    let mut clients = speakers(address, 300);
    let warning = server.error_line();
    assert!(warning.contains("all 100 places"), "{warning}");
    for first in [0, PLACES, 2 * PLACES] {
        assert_served(first, &mut clients[..PLACES]);
        assert_waiting(&mut clients[PLACES..]);
        assert_at_rest(&server);
        clients.drain(..PLACES);
    }
    let end = server.interrupt();
    end.assert_code(0);
    assert_eq!(end.stderr, "", "one warning is enough");
    let events = end.events();
    let connected = events.iter().filter(|event| event["event"] == "connected");
    assert_eq!(connected.count(), 3 * PLACES);
}

#[test]
fn places_that_fall_free_one_by_one_serve_everybody_in_turn() {
    let (server, address) = serve(tcp_server(), &["--max-clients", "1"]);
    let mut clients = speakers(address, 50);
    for number in 0..50 {
        assert_served(number, &mut clients[..1]);
        clients.remove(0);
    }
    server.interrupt().assert_code(0);
}
