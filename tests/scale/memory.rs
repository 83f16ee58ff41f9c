//! Clients that do not read, where memory is short: the others are served, and nothing aborts.

use crate::harness::{Server, TcpServer, With, alone, behind, crowd};

/// A hundred honest clients are served beside so many that never read, in 200 MB of address space.
fn honest_clients_are_served_beside(never_read: usize) {
    let _machine = alone();
    let limited = behind("ulimit -v 200000", TcpServer.path());
    let server = Server::start_command(limited.with("-p 0 --json -v --rcvbuf 64Ki"));
    let role = format!("hostile --never-reads {never_read}");
    let hostile = crowd(server.address, &role);
    assert_eq!(hostile.event()["event"], "hostile");
    let warning = loop {
        let line = server.error_line();
        if line.contains("warning") {
            break line;
        }
    };
    let expected = "bytes of echo wait for clients that do not read";
    assert!(warning.contains(expected), "{warning}");
    let role = "exchange --clients 100 --bytes 300000 --messages 2";
    let mut honest = crowd(server.address, role);
    assert_eq!(honest.event()["event"], "connected");
    honest.say("");
    println!("{}", honest.event());
    println!("beside {never_read}: {:?}", server.figures());
    drop(hostile);
    honest.say("");
    println!("afterwards: {}", honest.event());
    honest.wait().assert_code(0);
    let end = server.interrupt();
    end.assert_code(0);
    assert!(!end.stderr.contains("failed"), "{}", end.stderr);
}

#[test]
fn two_thousand_clients_that_never_read_do_not_exhaust_200_megabytes() {
    honest_clients_are_served_beside(2_000);
}

#[test]
#[ignore = "takes a while: scripts/soak.sh runs it"]
fn four_thousand_clients_that_never_read_do_not_exhaust_200_megabytes() {
    honest_clients_are_served_beside(4_000);
}
