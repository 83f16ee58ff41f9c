//! SIGTERM while a thousand clients are in the middle of a transfer.

use std::collections::HashMap;
use std::iter;

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::harness::measured::figure;
use crate::harness::{Finished, Server, TcpServer, alone, count, crowd};

const CLIENTS: usize = 1000;

fn by_address(events: Vec<Value>, key: &str) -> HashMap<String, Value> {
    let address = |event: &Value| event[key].as_str().unwrap().to_owned();
    let pairs = events.into_iter().map(|event| (address(&event), event));
    pairs.collect()
}

/// Time without a byte after which a server that drains takes a client for idle.
const QUIET_S: f64 = 0.5;

/// The crowd has compared every byte; here both sides count the same ones. What a client sent behind
/// the end was never read. A client that got no processor for long enough was idle.
fn assert_everything_read_came_back(end: &Finished, left: Vec<Value>, how: &str) {
    let closings = by_address(end.events_of("closed"), "peer");
    let departures = by_address(left, "client");
    assert_eq!((closings.len(), departures.len()), (CLIENTS, CLIENTS));
    for (client, left) in departures {
        let closed = &closings[&client];
        let is_idle = closed["reason"] == "drained" && figure(&left, "silent_s") >= QUIET_S;
        assert!(is_idle || closed["reason"] != "drained", "{left} {closed}");
        assert!(is_idle || left["how"] == how, "{left} {closed}");
        assert_eq!(left["received"], closed["bytes"], "{left} {closed}");
        assert_eq!(closed["undelivered"], closed["unread"], "{closed}");
        let accounted = count(closed, "bytes") + count(closed, "undelivered");
        assert!(accounted <= count(&left, "sent"), "{left} {closed}");
    }
}

fn stream_through_the_end(drain_timeout: &str, amount: &str, how: &str) -> Finished {
    let _machine = alone();
    let arguments = format!("--json --drain-timeout {drain_timeout}");
    let server = Server::start(TcpServer, &arguments);
    // Without a window, so many streams would fill all memory that the kernel has for TCP.
    let role = format!("stream --window 65536 --clients {CLIENTS} --warm-up 50000 {amount}");
    let crowd = crowd(server.address, &role);
    // A few may have left already.
    let events = iter::repeat_with(|| crowd.event());
    let first = events.take_while(|event| event["event"] != "streaming");
    let mut left: Vec<Value> = first.collect();
    assert!(left.len() < CLIENTS / 2, "{} have left", left.len());
    server.signal(Signal::SIGTERM);
    left.extend(iter::repeat_with(|| crowd.event()).take(CLIENTS - left.len()));
    crowd.wait().assert_code(0);
    let end = server.wait();
    println!("{}", end.stderr.trim());
    end.assert_code(0);
    assert_everything_read_came_back(&end, left, how);
    end
}

#[test]
fn transfers_that_can_finish_in_the_drain_time_do() {
    stream_through_the_end("1m", "--bytes 1000000", "complete").assert_clean();
}

#[test]
fn transfers_without_end_are_ended_in_order_behind_the_last_byte_read() {
    let end = stream_through_the_end("10s", "", "ended");
    let cut = end.events_of("closed");
    let cut = cut.iter().filter(|closed| closed["reason"] == "cut");
    match cut.count() {
        0 => assert_eq!(end.stderr, ""),
        cut => {
            let cut = format!("cut {cut} that were not done after 10s");
            end.assert_error(0, &[&cut, "bytes of echo were not delivered"]);
        }
    }
}
