//! As many clients at once as a process may have descriptors for.

use std::io::Write;
use std::thread;

use nix::sys::resource::{Resource, getrlimit};

use crate::harness::compat::{serve, tcp_server};
use crate::harness::crowd::crowd;
use crate::harness::figures::Figures;
use crate::harness::one_at_a_time;

/// A main thread, one for signals, and a worker for each processor.
fn handful() -> u64 {
    2 + thread::available_parallelism().unwrap().get() as u64
}

const ROUNDS: usize = 3;

/// 18,000 where the hard limit of open files bears so many.
fn clients() -> u64 {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    hard.saturating_sub(100).min(18_000)
}

#[test]
fn eighteen_thousand_clients_cost_four_kibibytes_each_and_a_handful_of_threads() {
    let _machine = one_at_a_time();
    let clients = clients();
    let (server, address) = serve(tcp_server(), &[]);
    let role = [
        "exchange",
        "--bytes",
        "1000",
        "--clients",
        &clients.to_string(),
    ];
    let mut crowd = crowd(address, role);
    let mut go = crowd.stdin();
    assert_eq!(crowd.event()["clients"], clients);
    for _ in 0..ROUNDS {
        go.write_all(b"\n").unwrap();
        assert_eq!(crowd.event()["served"], clients);
        let figures = Figures::of(&server);
        println!("{clients} clients at rest: {figures:?}");
        assert!(figures.threads <= handful(), "{figures:?}");
        assert!(figures.kibibytes <= 4 * clients, "{figures:?}");
        assert!(figures.descriptors as u64 >= clients);
    }
    drop(go);
    crowd.wait().assert_code(0);
    server.interrupt().assert_code(0);
}
