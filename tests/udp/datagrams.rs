//! Every sender, every boundary, every size; and the bounds that end a server.

use std::collections::BTreeMap;
use std::fs;
use std::net::UdpSocket;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::harness::{
    Server, UdpClient, UdpServer, assert_has, connected_to, noise, run, send_segmented, socket_on,
};

#[test]
fn three_hundred_senders_are_all_heard() {
    let server = Server::start(UdpServer, "");
    let senders: Vec<UdpSocket> = (0..300).map(|_| connected_to(server.address)).collect();
    let mut expected = BTreeMap::new();
    for round in 0..2 {
        for (number, sender) in senders.iter().enumerate() {
            let message = format!("sender {number} round {round}");
            sender.send(message.as_bytes()).unwrap();
            expected.insert(message, sender.local_addr().unwrap().to_string());
        }
    }
    let behind_colon = |line: String| line.rsplit(": ").next().unwrap().to_owned();
    let mut heard = BTreeMap::new();
    for _ in 0..600 {
        let message = behind_colon(server.text_line());
        heard.insert(message, behind_colon(server.line()));
    }
    assert_eq!(heard, expected);
    assert!(server.interrupt().text().contains("recibidos 600,"));
}

#[test]
fn empty_datagrams_are_shown_and_boundaries_kept() {
    let server = Server::start(UdpServer, "--json");
    let client = connected_to(server.address);
    let sent = ["a", "", "bc", "", "", "d"];
    for payload in sent {
        client.send(payload.as_bytes()).unwrap();
    }
    for payload in sent {
        let expected = json!({ "text": payload, "bytes": payload.len() });
        assert_has(&server.event(), expected);
    }
}

#[test]
fn the_largest_datagram_of_each_family_comes_whole() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap();
    for (place, size) in [("127.0.0.1", 65_507), ("::1", 65_527)] {
        let server = Server::start(UdpServer, &format!("--json --count 1 {place}"));
        let digits = noise(1, size / 2 + 1);
        let mut text: String = digits.iter().map(|byte| format!("{byte:02x}")).collect();
        text.truncate(size);
        fs::write(path, &text).unwrap();
        run(UdpClient.to(server.address, ["-f", path])).assert_code(0);
        let datagram = server.event();
        assert_eq!(datagram["bytes"], size);
        assert!(datagram["text"] == text.as_str(), "the bytes differ");
    }
}

#[test]
fn datagrams_that_the_kernel_joined_are_shown_apart() {
    let server = Server::start(UdpServer, "--json");
    let client = connected_to(server.address);
    send_segmented(&client, b"one--two--threefour-5", 5);
    let peer = client.local_addr().unwrap().to_string();
    for text in ["one--", "two--", "three", "four-", "5"] {
        assert_has(&server.event(), json!({ "text": text, "peer": peer }));
    }
}

#[test]
fn a_count_ends_the_server_after_exactly_so_many() {
    let server = Server::start(UdpServer, "--json --count 3 --echo");
    server.pause();
    let client = connected_to(server.address);
    for number in b'0'..=b'9' {
        client.send(&[number]).unwrap();
    }
    server.resume();
    let events = server.wait().assert_code(0).events();
    let shown: Vec<_> = events
        .iter()
        .filter_map(|event| event["text"].as_str())
        .collect();
    assert_eq!(shown, ["0", "1", "2"]);
    assert_has(&events[3], json!({ "datagrams": 3, "answered": 3 }));
}

#[test]
fn a_time_ends_the_server_without_any_datagram() {
    let start = Instant::now();
    let server = Server::start(UdpServer, "--json --time 50ms");
    let events = server.wait().assert_clean().events();
    assert!(start.elapsed() >= Duration::from_millis(50));
    assert_eq!(events.len(), 1, "{events:?}");
    assert_has(&events[0], json!({ "event": "summary", "datagrams": 0 }));
    assert!(events[0]["duration_s"].as_f64().unwrap() > 0.0);
}

#[test]
fn an_ipv4_sender_reaches_a_server_on_every_address() {
    let server = Server::start(UdpServer, "--json 0.0.0.0");
    let sender = socket_on("127.0.0.5");
    sender.send_to(b"hola", server.at("127.0.0.9")).unwrap();
    let peer = sender.local_addr().unwrap().to_string();
    let destination = server.at("127.0.0.9").to_string();
    let expected = json!({ "peer": peer, "destination": destination });
    assert_has(&server.event(), expected);
}
