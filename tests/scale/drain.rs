//! SIGTERM while a thousand clients are in the middle of a transfer.

use std::collections::HashMap;
use std::time::Instant;

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::harness::compat::{serve, tcp_server};
use crate::harness::crowd::crowd;
use crate::harness::one_at_a_time;
use crate::harness::process::{Finished, Running};

const CLIENTS: usize = 1000;

/// How each client left, by its address.
fn departures(crowd: Running, mut events: Vec<Value>) -> HashMap<String, Value> {
    while events.len() < CLIENTS {
        events.push(crowd.event());
    }
    crowd.wait().assert_code(0);
    let by_client = |event: Value| (event["client"].as_str().unwrap().to_owned(), event);
    events.into_iter().map(by_client).collect()
}

/// What the server says of each connection that is over.
fn closings(end: &Finished) -> HashMap<String, Value> {
    let events = end.events().into_iter();
    let closed = events.filter(|event| event["event"] == "closed");
    closed
        .map(|event| (event["peer"].as_str().unwrap().to_owned(), event))
        .collect()
}

/// The crowd has compared every byte; here both sides count the same ones.
fn assert_everything_read_came_back(
    end: &Finished,
    departures: &HashMap<String, Value>,
    how: &str,
) {
    let closings = closings(end);
    assert_eq!(closings.len(), CLIENTS);
    assert_eq!(departures.len(), CLIENTS);
    for (client, left) in departures {
        let closed = &closings[client];
        assert_eq!(left["how"], how, "{left} {closed}");
        assert_eq!(left["received"], closed["bytes"], "{left} {closed}");
        assert_eq!(closed["undelivered"], 0, "{closed}");
    }
}

fn stream_through_the_end(drain_timeout: &str, role: &[&str], how: &str) -> Finished {
    let _machine = one_at_a_time();
    let (server, address) = serve(tcp_server(), &["--drain-timeout", drain_timeout]);
    // With buffers that grow, so many streams would fill all memory that the kernel has for TCP.
    let clients = [
        "--buffers",
        "65536",
        "stream",
        "--clients",
        "1000",
        "--warm-up",
        "50000",
    ];
    let crowd = crowd(address, &[&clients, role].concat());
    // A few may be done already.
    let events = std::iter::repeat_with(|| crowd.event());
    let first = events.take_while(|event| event["event"] != "streaming");
    let first: Vec<Value> = first.collect();
    assert!(first.len() < CLIENTS / 2, "{} have left", first.len());
    let start = Instant::now();
    server.signal(Signal::SIGTERM);
    let departures = departures(crowd, first);
    let end = server.wait();
    println!(
        "ended {:?} after the signal: {}",
        start.elapsed(),
        end.stderr.trim()
    );
    end.assert_code(0);
    assert_everything_read_came_back(&end, &departures, how);
    end
}

#[test]
fn transfers_that_can_finish_in_the_drain_time_do() {
    let end = stream_through_the_end("1m", &["--bytes", "1000000"], "complete");
    assert_eq!(end.stderr, "");
}

#[test]
fn transfers_without_end_are_ended_in_order_behind_the_last_byte_read() {
    let end = stream_through_the_end("5s", &[], "ended");
    let parts = ["cut ", "after 5s", " 0 bytes of echo were not delivered"];
    end.assert_one_line_error(&parts);
}
