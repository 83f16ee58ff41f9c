//! As many clients at once as a process may have descriptors for.

use std::thread;

use nix::sys::resource::{Resource, getrlimit};

use crate::harness::{Server, TcpServer, alone, crowd};

/// 18,000 where the hard limit of open files allows so many.
fn clients() -> u64 {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    hard.saturating_sub(100).min(18_000)
}

#[test]
fn eighteen_thousand_clients_cost_four_kibibytes_each_and_a_handful_of_threads() {
    let _machine = alone();
    // The main thread, two for signals, and a worker a processor.
    let threads = 3 + thread::available_parallelism().unwrap().get() as u64;
    let clients = clients();
    let server = Server::start(TcpServer, "--json");
    let role = format!("exchange --bytes 1000 --clients {clients}");
    let mut crowd = crowd(server.address, &role);
    assert_eq!(crowd.event()["clients"], clients);
    for _ in 0..3 {
        crowd.say("");
        assert_eq!(crowd.event()["messages"], clients);
        let figures = server.figures();
        println!("{clients} clients at rest: {figures:?}");
        assert!(figures.threads <= threads, "{figures:?}");
        assert!(figures.kibibytes <= 4 * clients, "{figures:?}");
        assert!(figures.descriptors as u64 >= clients);
    }
    crowd.wait().assert_code(0);
    server.interrupt().assert_code(0);
}
