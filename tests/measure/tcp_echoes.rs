//! Round trips and throughput of TCP against every echo server at hand.

use std::net::SocketAddr;

use serde_json::Value;

use crate::harness::measured::{assert_adds_up, count, figure, measure, summary};
use crate::harness::program::{TcpClient, TcpServer};
use crate::harness::server::Server;
use crate::tcp::{python_echo, socat_echo};

/// Measures, and demands that every message came back.
#[track_caller]
fn all_come_back(server: SocketAddr, arguments: &str) -> Value {
    let end = measure(TcpClient, server, arguments);
    end.assert_code(0);
    let summary = summary(&end);
    assert_adds_up(&summary);
    assert!(count(&summary, "sent") > 0, "{summary}");
    // A sender that got no processor for half a second does not make up for it, and says so.
    let is_whole = count(&summary, "unsent") == 0;
    assert_eq!(end.stderr.is_empty(), is_whole, "{end:?}");
    assert_eq!(count(&summary, "received"), count(&summary, "sent"));
    assert_eq!(
        count(&summary, "bytes_received"),
        count(&summary, "bytes_sent")
    );
    summary
}

/// The summary of a stream that passed some bytes, all of them right.
#[track_caller]
fn stream(server: SocketAddr, arguments: &str) -> Value {
    let end = measure(TcpClient, server, &format!("--stream {arguments}"));
    end.assert_clean();
    let summary = summary(&end);
    let (sent, came) = (
        count(&summary, "bytes_sent"),
        count(&summary, "bytes_received"),
    );
    assert!(came >= 128 << 10, "{summary}");
    assert_eq!(sent, came + count(&summary, "bytes_under_way"));
    assert_eq!(count(&summary, "corrupted"), 0);
    summary
}

#[test]
fn every_way_to_measure_works_against_our_server() {
    let server = Server::start(TcpServer, "");
    for (arguments, sent) in [
        ("-c 20 -i 0", 20),
        ("-c 5 -i 10ms", 5),
        ("-c 50 --rate 1000 -P 3", 150),
        ("-c 7 -i 0 -P 5", 35),
        ("-c 100 -i 0 -l 1", 100),
        ("-c 5 -i 0 -l 5M", 5),
        ("-c 20 -l 300K --rate 200", 20),
        ("-t 500ms --rate 100", 50),
        ("-t 500ms --rate 100 -P 4", 50),
    ] {
        let summary = all_come_back(server.address, arguments);
        let due = count(&summary, "sent") + count(&summary, "unsent");
        assert_eq!(due, sent, "{arguments}: {summary}");
    }
    let stream = stream(server.address, "-c 30 -P 2");
    assert_eq!(count(&stream, "bytes_received"), 60 * (128 << 10));
    assert_eq!(count(&stream, "bytes_under_way"), 0);
    server.interrupt().assert_code(0);
}

#[test]
fn a_time_alone_sends_as_soon_as_replies_come() {
    let server = Server::start(TcpServer, "");
    let summary = all_come_back(server.address, "-t 500ms -P 8");
    // A round trip a second is ping's pace; each connection has made its first at once.
    assert!(count(&summary, "sent") > 8, "{summary}");
    assert!(figure(&summary, "messages_per_s") > 0.0);
}

#[test]
fn a_stream_is_throughput_without_round_trips() {
    let server = Server::start(TcpServer, "");
    let summary = stream(server.address, "-t 500ms");
    assert!(figure(&summary, "bytes_per_s") > 0.0);
    let bits = figure(&summary, "bits_per_s");
    assert_eq!(bits, figure(&summary, "bytes_per_s") * 8.0);
    assert!(summary["lost"].is_null() && summary["rtt_min_s"].is_null());
}

#[test]
fn each_connection_has_numbers_of_its_own() {
    let server = Server::start(TcpServer, "");
    let end = measure(TcpClient, server.address, "-c 3 -i 10ms -P 2");
    end.assert_code(0);
    let replies = end.events_of("reply");
    let mut numbers: Vec<_> = replies
        .iter()
        .map(|reply| (count(reply, "flow"), count(reply, "sequence")))
        .collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [(0, 1), (0, 2), (0, 3), (1, 1), (1, 2), (1, 3)]);
}

#[test]
fn an_echo_of_python_is_measured() {
    let Some(server) = python_echo() else {
        return;
    };
    all_come_back(server.address, "-c 100 -i 0 -P 4");
    all_come_back(server.address, "-c 100 --rate 500");
    all_come_back(server.address, "-c 3 -i 0 -l 3M");
    stream(server.address, "-t 300ms");
}

#[test]
fn an_echo_of_socat_is_measured() {
    for arguments in ["-c 100 -i 0", "-c 100 --rate 500", "-c 3 -i 0 -l 40K"] {
        let Some((_server, address)) = socat_echo() else {
            return;
        };
        all_come_back(address, arguments);
    }
}
