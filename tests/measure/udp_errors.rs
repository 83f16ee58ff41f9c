//! Refusals and stops that pass: they cost messages, are told once, and the run goes on.

use std::net::UdpSocket;
use std::time::Duration;

use serde_json::Value;

use crate::harness::alone;
use crate::harness::echoes::hold_up;
use crate::harness::measured::{assert_adds_up, count, measure, summary};
use crate::harness::process::{Running, run};
use crate::harness::program::{UdpClient, UdpServer, With, in_own_network, installed};
use crate::harness::server::Server;
use crate::harness::udp::{closed_to_others, socket_on};

#[test]
fn a_closed_port_is_told_once_and_ends_in_exit_4_with_the_whole_summary() {
    let socket = closed_to_others("127.0.0.1");
    let address = socket.local_addr().unwrap();
    for arguments in [
        "-c 20 -i 10ms -w 2s",
        "-c 2 -i 0 -w 200ms",
        "-c 20 --rate 1000 -P 3 -w 2s",
    ] {
        let end = measure(UdpClient, address, arguments);
        end.assert_code(4);
        let lines: Vec<&str> = end.stderr.lines().collect();
        assert_eq!(lines.len(), 2, "{}", end.stderr);
        assert!(
            lines[0].contains("refused") && lines[0].contains("the run goes on"),
            "{lines:?}"
        );
        assert!(
            lines[1].contains("refused") && lines[1].contains("is a server listening"),
            "{lines:?}"
        );
        let summary = summary(&end);
        assert_adds_up(&summary);
        assert_eq!(count(&summary, "received"), 0);
        assert_eq!(count(&summary, "lost"), count(&summary, "sent"));
    }
}

#[test]
fn a_server_that_starts_in_the_middle_is_measured_from_then_on() {
    let socket = socket_on("127.0.0.1");
    let address = socket.local_addr().unwrap();
    drop(socket);
    // It may have to be built first.
    UdpServer.path();
    let client = Running::start(UdpClient.to(address, "-i 10ms -P 2 -w 1s --json"));
    assert!(client.error_line().contains("refused"));
    let server = Server::start_at(address, UdpServer, "--echo --json");
    // Both flows live; the first messages have had their time.
    for flow in [0, 1] {
        let is_awaited =
            |reply: &Value| count(reply, "flow") == flow && count(reply, "sequence") > 200;
        while !is_awaited(&client.event()) {}
    }
    let end = client.interrupt();
    end.assert_code(0);
    let summary = summary(&end);
    assert_adds_up(&summary);
    assert!(
        count(&summary, "lost") > 0 && count(&summary, "received") > 0,
        "{summary}"
    );
    server.interrupt().assert_code(0);
}

#[test]
fn an_address_that_cannot_be_reached_is_exit_6() {
    let Some(client) = in_own_network(UdpClient.path()) else {
        return;
    };
    let end = run(client.with("-c 3 -i 10ms -w 100ms 240.0.0.1 9"));
    end.assert_error(6, &["240.0.0.1", "network is unreachable"]);
}

/// Networks behind a router that knows no way, or lets nobody pass: it answers with ICMP, as often as
/// it is asked. The router is a process in a network of its own, as long as this shell lives.
const ROUTER: &str = r#"
set -e
unshare --net sleep 60 & router=$!
trap 'kill $router' EXIT
until [ "$(readlink /proc/$router/ns/net)" != "$(readlink /proc/$$/ns/net)" ]; do :; done
there() { nsenter --net --target $router "$@"; }
ip link add near type veth peer name far netns $router
ip addr add 10.77.0.2/24 dev near; ip addr add fd77::2/64 dev near nodad; ip link set near up
there ip addr add 10.77.0.1/24 dev far; there ip addr add fd77::1/64 dev far nodad
there ip link set far up; there ip link set lo up
there sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0
ip route add default via 10.77.0.1; ip -6 route add default via fd77::1
there ip route add prohibit 10.78.0.1; there ip route add unreachable 10.78.0.2
there ip -6 route add prohibit fd78::1
"$0" "$@"
"#;

#[test]
fn icmp_errors_are_named_on_both_families() {
    let needed = ["ip", "nsenter", "sysctl"];
    if needed
        .iter()
        .any(|program| installed(program, "").is_none())
    {
        return;
    }
    for (address, reason) in [
        ("10.78.0.1", "administratively prohibited"),
        ("10.78.0.2", "host unreachable"),
        ("10.99.0.1", "network unreachable"),
        ("fd78::1", "administratively prohibited"),
        ("fd99::1", "network unreachable"),
    ] {
        let Some(shell) = in_own_network("sh") else {
            return;
        };
        let arguments = [
            address, "-p", "9", "-c", "20", "-i", "20ms", "-w", "1s", "-q",
        ];
        let end = run(shell
            .with(["-c", ROUTER])
            .with([UdpClient.path()])
            .with(arguments));
        end.assert_code(6);
        assert!(
            end.stderr.lines().all(|line| line.contains(reason)),
            "{}",
            end.stderr
        );
    }
}

#[test]
fn after_a_stop_missed_messages_are_unsent_and_not_sent_in_a_burst() {
    let _machine = alone();
    for arguments in [
        "-t 2s --rate 500 --report 300ms --json",
        "-c 20 -i 100ms --json",
    ] {
        let counter = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = counter.local_addr().unwrap();
        let echo = counter.try_clone().unwrap();
        std::thread::spawn(move || {
            let mut buffer = [0; 2048];
            while let Ok((length, peer)) = echo.recv_from(&mut buffer) {
                drop(echo.send_to(&buffer[..length], peer));
            }
        });
        let client = Running::start(UdpClient.to(address, arguments));
        client.line();
        client.pause();
        hold_up(Duration::from_millis(900));
        client.resume();
        let end = client.wait();
        let summary = summary(&end);
        assert_adds_up(&summary);
        assert!(count(&summary, "unsent") > 0, "{summary}");
        let due = if arguments.contains("500") { 1000 } else { 20 };
        assert_eq!(
            count(&summary, "sent") + count(&summary, "unsent"),
            due,
            "{summary}"
        );
        assert!(end.stderr.contains("never sent"), "{}", end.stderr);
    }
}
