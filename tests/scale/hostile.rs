//! Honest clients beside thousands that never read, drip, reset and leave.

use std::io::Write;
use std::net::SocketAddr;

use serde_json::Value;

use crate::harness::compat::{serve, tcp_server};
use crate::harness::crowd::crowd;
use crate::harness::figures::Figures;
use crate::harness::one_at_a_time;
use crate::harness::process::{Running, eventually};

/// What may stay of the memory that thousands of clients took.
const MOST_KIBIBYTES: u64 = 16 << 10;

/// A hundred clients, each of which exchanges so many messages of 16 KiB.
fn honest(address: SocketAddr, messages: u32) -> Running {
    let messages = messages.to_string();
    let role = [
        "exchange",
        "--clients",
        "100",
        "--bytes",
        "16384",
        "--messages",
        &messages,
    ];
    let crowd = crowd(address, role);
    assert_eq!(crowd.event()["event"], "connected");
    crowd
}

fn hostile(address: SocketAddr, each: u32) -> Running {
    let each = each.to_string();
    let role = [
        "hurt", "--deaf", &each, "--drip", &each, "--reset", &each, "--leave", &each,
    ];
    let crowd = crowd(address, role);
    assert_eq!(crowd.event()["event"], "hurting");
    crowd
}

fn exchange(crowd: &Running, mut go: impl Write) -> Value {
    go.write_all(b"\n").unwrap();
    crowd.event()
}

fn honest_clients_are_served_beside(each: u32, messages: u32) {
    let _machine = one_at_a_time();
    let (server, address) = serve(tcp_server(), &["--max-threads", "64"]);
    let mut honest = honest(address, messages);
    let mut go = honest.stdin();
    println!("undisturbed: {}", exchange(&honest, &mut go));
    let hostile = hostile(address, each);
    println!("disturbed:   {}", exchange(&honest, &mut go));
    println!(
        "beside {} hostile clients: {:?}",
        4 * each,
        Figures::of(&server)
    );
    assert!(Figures::of(&server).threads <= 2 + 64);
    drop(hostile);
    println!("afterwards:  {}", exchange(&honest, &mut go));
    eventually("memory and descriptors go back", || {
        let figures = Figures::of(&server);
        figures.kibibytes <= MOST_KIBIBYTES && figures.descriptors <= 100 + 2 * 64 + 20
    });
    println!("at rest:     {:?}", Figures::of(&server));
    drop(go);
    honest.wait().assert_code(0);
    let end = server.interrupt();
    end.assert_code(0);
    assert_eq!(end.stderr, "");
}

#[test]
fn a_hundred_honest_clients_are_served_beside_a_thousand_that_hurt() {
    honest_clients_are_served_beside(250, 64);
}

#[test]
#[ignore = "takes a while: scripts/soak.sh runs it"]
fn a_hundred_honest_clients_are_served_beside_four_thousand_that_hurt() {
    honest_clients_are_served_beside(1000, 640);
}
