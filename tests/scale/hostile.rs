//! Honest clients beside thousands that never read, drip, reset and leave.

use crate::harness::{Server, TcpServer, alone, crowd, eventually};

/// Memory of a server at rest after thousands of clients.
const MOST_KIBIBYTES: u64 = 16 << 10;

/// A hundred honest clients exchange `messages` messages of 16 KiB each, before, beside and after
/// four times `each` hostile ones.
fn honest_clients_are_served_beside(each: usize, messages: u32) {
    let _machine = alone();
    let server = Server::start(TcpServer, "--json --max-threads 64");
    let role = format!("exchange --clients 100 --bytes 16384 --messages {messages}");
    let mut honest = crowd(server.address, &role);
    assert_eq!(honest.event()["event"], "connected");
    let mut exchange = |when| {
        honest.say("");
        println!("{when}: {}", honest.event());
    };
    exchange("undisturbed");
    let role = format!("hostile --never-reads {each} --drip {each} --reset {each} --leave {each}");
    let hostile = crowd(server.address, &role);
    assert_eq!(hostile.event()["event"], "hostile");
    exchange("disturbed");
    println!("disturbed: {:?}", server.figures());
    assert!(server.figures().threads <= 3 + 64);
    drop(hostile);
    exchange("afterwards");
    eventually("memory and sockets go back", || {
        let figures = server.figures();
        figures.kibibytes <= MOST_KIBIBYTES && figures.sockets == 1 + 100
    });
    println!("at rest: {:?}", server.figures());
    honest.wait().assert_code(0);
    let end = server.interrupt();
    end.assert_clean();
    // Clients that reset or leave have come again.
    let connections = end.events_of("connected").len();
    assert!(connections >= 100 + 6 * each, "{connections} connections");
}

#[test]
fn a_hundred_honest_clients_are_served_beside_a_thousand_hostile_ones() {
    honest_clients_are_served_beside(250, 64);
}

#[test]
#[ignore = "takes a while: scripts/soak.sh runs it"]
fn a_hundred_honest_clients_are_served_beside_four_thousand_hostile_ones() {
    honest_clients_are_served_beside(1000, 640);
}
