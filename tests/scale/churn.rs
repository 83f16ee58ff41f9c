//! Churn leaves nothing behind.

use std::thread;

use crate::harness::compat::{serve, tcp_server};
use crate::harness::crowd::crowd;
use crate::harness::figures::Figures;
use crate::harness::one_at_a_time;
use crate::harness::process::eventually;

/// What the allocator may keep in reserve, whatever the number of clients.
const RESERVE_KIBIBYTES: u64 = 2048;

fn visits(address: std::net::SocketAddr, visits: &str) {
    let role = [
        "visits",
        "--clients",
        "64",
        "--bytes",
        "100",
        "--visits",
        visits,
    ];
    let crowd = crowd(address, role);
    assert_eq!(crowd.event()["served"].to_string(), visits);
    crowd.wait().assert_code(0);
}

fn churn(count: &str) {
    let _machine = one_at_a_time();
    let (server, address) = serve(tcp_server(), &[]);
    let processors = thread::available_parallelism().unwrap().get();
    // The first worker is there; each of the others has a poller and a waker.
    let descriptors = Figures::of(&server).descriptors + 2 * (processors - 1);
    let rest = || {
        eventually("the last visitors are gone", || {
            Figures::of(&server).descriptors == descriptors
        });
        Figures::of(&server)
    };
    visits(address, "2000");
    let before = rest();
    visits(address, count);
    let after = rest();
    println!("before {count} visits {before:?}, after {after:?}");
    assert_eq!(after.threads, before.threads);
    assert!(
        after.kibibytes <= before.kibibytes + RESERVE_KIBIBYTES,
        "{before:?} {after:?}"
    );
    server.interrupt().assert_code(0);
}

#[test]
fn twenty_thousand_visits_leave_nothing_behind() {
    churn("20000");
}

#[test]
#[ignore = "takes a while: scripts/soak.sh runs it"]
fn two_hundred_thousand_visits_leave_nothing_behind() {
    churn("200000");
}
