//! No descriptor left: connected clients are served, new ones wait in the backlog.

use std::net::TcpStream;
use std::time::Duration;

use crate::harness::{Server, TcpServer, With, assert_echoes, command, connect};

/// A server that may open 64 files.
fn poor_server(arguments: &str) -> Server {
    let shell = command("sh", ["-c", r#"ulimit -n 64; exec "$0" "$@""#]);
    let server = shell.with([TcpServer.path()]).with("-p 0 --json");
    Server::start_command(server.with(arguments))
}

fn assert_all_served(clients: Vec<TcpStream>) {
    for mut client in clients {
        assert_echoes(&mut client, b"served");
    }
}

#[test]
fn a_server_without_descriptors_serves_the_clients_it_has_and_recovers() {
    let server = poor_server("--max-clients 1000 --max-threads 2");
    let mut clients: Vec<TcpStream> = (0..200).map(|_| connect(server.address)).collect();
    let warning = server.error_line();
    assert!(warning.contains("too many open files"), "{warning}");
    assert!(warning.contains("wait in the backlog"), "{warning}");
    // All sockets but the listener.
    let served = server.figures().sockets - 1;
    assert!(served > 40, "{served}");
    for client in &mut clients[..served] {
        assert_echoes(client, b"served");
    }
    let load = server.load_while_silent(Duration::from_secs(2));
    println!("{served} of 200 served, with {load:.3} of a processor");
    assert!(load <= 0.05, "{load} of a processor");
    assert_all_served(clients);
    let end = server.interrupt();
    // One warning is enough.
    end.assert_clean();
}

#[test]
fn the_default_number_of_places_follows_from_the_descriptors() {
    // Many threads leave half of the descriptors to clients.
    for (threads, places) in [("4", "all 40 places"), ("64", "all 32 places")] {
        let server = poor_server(&format!("--max-threads {threads}"));
        let clients: Vec<TcpStream> = (0..100).map(|_| connect(server.address)).collect();
        let warning = server.error_line();
        assert!(warning.contains(places), "{warning}");
        assert_all_served(clients);
        server.interrupt().assert_code(0);
    }
}
