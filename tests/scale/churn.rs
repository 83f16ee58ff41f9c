//! Churn leaves nothing behind.

use crate::harness::{Figures, Server, TcpServer, alone, crowd, eventually};

/// Reserve of the allocator, whatever the number of clients.
const RESERVE_KIBIBYTES: u64 = 2048;

/// Lets clients come and go, and returns the server's figures when the last one is gone.
fn figures_after(server: &Server, visits: usize) -> Figures {
    let role = format!("visits --clients 64 --bytes 100 --visits {visits}");
    let crowd = crowd(server.address, &role);
    assert_eq!(crowd.event()["served"], visits);
    crowd.wait().assert_code(0);
    eventually("only the listener is left", || {
        server.figures().sockets == 1
    });
    server.figures()
}

fn visits_leave_nothing_behind(visits: usize) {
    let _machine = alone();
    let server = Server::start(TcpServer, "--json");
    let before = figures_after(&server, 2000);
    let after = figures_after(&server, visits);
    println!("before {visits} visits {before:?}, after {after:?}");
    assert_eq!(after.threads, before.threads);
    assert_eq!(after.descriptors, before.descriptors);
    assert!(after.kibibytes <= before.kibibytes + RESERVE_KIBIBYTES);
    server.interrupt().assert_code(0);
}

#[test]
fn twenty_thousand_visits_leave_nothing_behind() {
    visits_leave_nothing_behind(20_000);
}

#[test]
#[ignore = "takes a while: scripts/soak.sh runs it"]
fn two_hundred_thousand_visits_leave_nothing_behind() {
    visits_leave_nothing_behind(200_000);
}
