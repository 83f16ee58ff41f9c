//! Loops between `udp-server --echo` and another echo, begun by one forged datagram: they end.

use std::net::SocketAddr;

use serde_json::json;

use super::echo::{assert_answered, echo_on, fence};
use crate::harness::{
    Running, Server, UdpServer, alone, assert_has, connected_to, eventually, installed, is_bound,
    socket_on,
};

/// Sends one datagram to a server, which is held up, from a port that is free again afterwards.
fn forge(server: &Server) -> SocketAddr {
    server.pause();
    let forger = socket_on("127.0.0.1");
    forger.send_to(b"loop", server.at("127.0.0.1")).unwrap();
    forger.local_addr().unwrap()
}

/// The datagram comes with a hop limit of 64, and each server takes one off.
#[test]
fn a_loop_between_two_servers_ends_with_the_last_hop() {
    for host in ["127.0.0.1", "::"] {
        let second = echo_on(host);
        let forged = forge(&second);
        let place = SocketAddr::new(host.parse().unwrap(), forged.port());
        let first = Server::start_at(place, UdpServer, "--json --echo");
        second.resume();

        let peer = second.at("127.0.0.1").to_string();
        for ttl in (1..64).rev().step_by(2) {
            assert_has(&first.event(), json!({ "peer": peer, "ttl": ttl }));
        }
        let warning = first.error_line();
        let reason = format!("{peer} is not answered: its hop limit (TTL) is used up");
        assert!(warning.contains(&reason), "{warning}");
        for _ in 0..3 {
            fence(&first);
            fence(&second);
        }
        assert_answered(first, 32 + 3, 31 + 3);
        assert_answered(second, 32 + 3, 32 + 3);
    }
}

#[test]
fn a_datagram_without_a_hop_left_is_shown_and_not_answered() {
    let server = echo_on("127.0.0.1");
    let client = connected_to(server.address);
    client.set_ttl(1).unwrap();
    client.send(b"last").unwrap();
    assert_has(&server.event(), json!({ "text": "last", "ttl": 1 }));
    fence(&server);
    assert_answered(server, 2, 1);
}

/// It answers with a full hop limit each time.
#[test]
fn a_loop_with_an_echo_of_socat_ends_too() {
    let _machine = alone();
    let server = echo_on("127.0.0.1");
    let forged = forge(&server);
    let place = format!("UDP4-LISTEN:{},bind=127.0.0.1", forged.port());
    let Some(socat) = installed("socat", &format!("{place} PIPE")) else {
        return;
    };
    let _socat = Running::start(socat);
    eventually("socat listens", || is_bound(forged));
    server.resume();
    let warning = server.error_line();
    let reason = format!("{forged} sends the same bytes again and again");
    assert!(warning.contains(&reason), "{warning}");
    for _ in 0..3 {
        fence(&server);
    }
    assert_answered(server, 65_537 + 3, 65_536 + 3);
}
