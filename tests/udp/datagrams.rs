//! Every sender, every boundary, every size; and the bounds that end a server.

use std::collections::BTreeMap;
use std::net::UdpSocket;

use crate::harness::compat::{UdpServer, client_of, run, server_command};
use crate::harness::data::noise;
use crate::harness::udp::{connected_to, socket_on};

#[test]
fn three_hundred_senders_are_all_heard() {
    let server = UdpServer::start(&[]);
    let senders: Vec<UdpSocket> = (0..300).map(|_| connected_to(server.address)).collect();
    let mut expected = BTreeMap::new();
    for round in 0..2 {
        for (number, sender) in senders.iter().enumerate() {
            let message = format!("sender {number} round {round}");
            sender.send(message.as_bytes()).unwrap();
            expected.insert(message, sender.local_addr().unwrap().to_string());
        }
    }
    let mut heard = BTreeMap::new();
    for _ in 0..600 {
        let message = server.running.text_line();
        let sender = server.running.line();
        heard.insert(
            message.rsplit(": ").next().unwrap().to_owned(),
            sender.rsplit(": ").next().unwrap().to_owned(),
        );
    }
    assert_eq!(heard, expected);
    assert!(server.running.interrupt().text().contains("recibidos 600,"));
}

#[test]
fn empty_datagrams_are_shown_and_boundaries_kept() {
    let server = UdpServer::start_json("127.0.0.1:0", &[]);
    let client = connected_to(server.address);
    let sent = ["a", "", "bc", "", "", "d"];
    for payload in sent {
        client.send(payload.as_bytes()).unwrap();
    }
    for payload in sent {
        let datagram = server.event();
        assert_eq!(datagram["text"], payload);
        assert_eq!(datagram["bytes"], payload.len());
    }
}

#[test]
fn the_largest_datagram_of_each_family_comes_whole() {
    let directory = tempfile::tempdir().unwrap();
    for (place, size) in [("127.0.0.1:0", 65_507), ("[::1]:0", 65_527)] {
        let server = UdpServer::start_json(place, &["--count", "1"]);
        let text = noise(1, size / 2)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
            + "!";
        assert_eq!(text.len(), size);
        let path = directory.path().join("largest");
        std::fs::write(&path, &text).unwrap();
        let client = run(
            client_of(server.address, &["-f", path.to_str().unwrap()]),
            "",
        );
        client.assert_code(0);
        let datagram = server.event();
        assert_eq!(datagram["bytes"], size);
        assert!(datagram["text"] == text.as_str(), "the bytes differ");
    }
}

#[test]
fn datagrams_that_the_kernel_joined_are_shown_apart() {
    use nix::sys::socket::{ControlMessage, MsgFlags, SockaddrStorage, sendmsg};
    let server = UdpServer::start_json("127.0.0.1:0", &[]);
    let client = connected_to(server.address);
    let bytes = b"one--two--threefour-5";
    let slices = [std::io::IoSlice::new(bytes)];
    let descriptor = std::os::fd::AsRawFd::as_raw_fd(&client);
    let joined = [ControlMessage::UdpGsoSegments(&5)];
    sendmsg::<SockaddrStorage>(descriptor, &slices, &joined, MsgFlags::empty(), None).unwrap();
    for expected in ["one--", "two--", "three", "four-", "5"] {
        let datagram = server.event();
        assert_eq!(datagram["text"], expected);
        assert_eq!(datagram["peer"], client.local_addr().unwrap().to_string());
    }
}

#[test]
fn a_count_ends_the_server_after_exactly_so_many() {
    let server = UdpServer::start_json("127.0.0.1:0", &["--count", "3", "--echo"]);
    server.pause();
    let client = connected_to(server.address);
    for number in 0..10 {
        client.send(&[b'0' + number]).unwrap();
    }
    server.resume();
    let finished = server.running.wait();
    finished.assert_code(0);
    let events = finished.events();
    let shown: Vec<_> = events
        .iter()
        .filter_map(|event| event["text"].as_str())
        .collect();
    assert_eq!(shown, ["0", "1", "2"]);
    assert_eq!(
        (&events[3]["datagrams"], &events[3]["answered"]),
        (&3.into(), &3.into())
    );
}

#[test]
fn a_time_ends_the_server_without_any_datagram() {
    let finished = run(
        server_command("127.0.0.1:0", &["--time", "50ms", "--json"]),
        "",
    );
    finished.assert_code(0);
    let summary = finished.events().pop().unwrap();
    assert_eq!(
        (&summary["event"], &summary["datagrams"]),
        (&"summary".into(), &0.into())
    );
    assert!(summary["duration_s"].as_f64().unwrap() >= 0.05);
}

#[test]
fn two_servers_share_a_port_only_if_both_want_to() {
    let server = UdpServer::start(&["--reuse-port"]);
    let place = server.address.to_string();
    let refused = run(server_command(&place, &[]), "");
    refused.assert_code(8);
    refused.assert_one_line_error(&[
        "udp-server: cannot listen on",
        &place,
        "is another server running there?",
    ]);
    let shared = run(
        server_command(&place, &["--reuse-port", "--time", "1ms"]),
        "",
    );
    shared.assert_code(0);
}

#[test]
fn an_ipv4_sender_reaches_a_server_on_every_address() {
    let server = UdpServer::start_json("0.0.0.0:0", &[]);
    let sender = socket_on("127.0.0.5");
    sender.send_to(b"hola", server.at("127.0.0.9")).unwrap();
    let datagram = server.event();
    assert_eq!(datagram["peer"], sender.local_addr().unwrap().to_string());
    assert_eq!(datagram["destination"], server.at("127.0.0.9").to_string());
}
