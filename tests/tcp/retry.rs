//! `--retry`: a client that comes too early waits for its server.

use std::net::SocketAddr;

use crate::harness::program::{Program, in_own_network};
use crate::harness::surroundings::BlackHole;
use crate::harness::{
    Running, Server, TcpClient, TcpServer, UdpClient, UdpServer, With, closed_port,
    closed_to_others, receive, run, socket_on,
};

/// Starts a client, and a server as soon as the client has failed twice.
#[track_caller]
fn assert_waits(client: Program, arguments: &str, server: Program, address: SocketAddr) {
    let client = client.to(address, arguments).with("--retry 10m -v");
    let client = Running::start(client);
    for number in 1..=2 {
        let failed = format!("try {number}: ");
        while !client.error_line().contains(&failed) {}
    }
    let server = Server::start_at(
        address,
        server,
        if server == UdpServer { "--echo" } else { "" },
    );
    client.wait().assert_code(0);
    server.interrupt().assert_code(0);
}

#[test]
fn a_client_waits_for_a_server_that_starts_later() {
    for arguments in ["-e -m hola", "-c 2 -i 10ms", "-c 2 -i 10ms -P 3"] {
        assert_waits(TcpClient, arguments, TcpServer, closed_port());
    }
    let free = socket_on("127.0.0.1").local_addr().unwrap();
    assert_waits(UdpClient, "-m hola -w 100ms", UdpServer, free);
}

#[test]
fn the_number_of_tries_and_the_last_reason_are_told_when_the_time_is_over() {
    let hole = BlackHole::open();
    let silent = socket_on("127.0.0.1");
    let silent_address = silent.local_addr().unwrap();
    let socket = closed_to_others("127.0.0.1");
    let closed = socket.local_addr().unwrap();
    for (client, address, arguments, code, reason) in [
        (TcpClient, closed_port(), "-e", 4, "connection refused"),
        (TcpClient, closed_port(), "-c 1", 4, "connection refused"),
        (TcpClient, hole.address, "-w 50ms", 5, "timed out"),
        (UdpClient, closed, "-w 50ms", 4, "connection refused"),
        (UdpClient, silent_address, "-w 50ms", 5, "no reply"),
    ] {
        let end = run(client.to(address, arguments).with("--retry 3s"));
        end.assert_error(code, &[": after ", " tries in 3s: ", reason]);
    }
}

#[test]
fn a_try_under_way_ends_with_the_time() {
    let hole = BlackHole::open();
    for arguments in ["--retry 300ms", "--retry 300ms -c 1 -w 10m"] {
        let end = run(TcpClient.to(hole.address, arguments));
        end.assert_error(5, &["after 1 try in 300ms: cannot connect", "timed out"]);
    }
    let silent = socket_on("127.0.0.1");
    let address = silent.local_addr().unwrap();
    let end = run(UdpClient.to(address, "-w 10m --retry 300ms"));
    end.assert_error(5, &["after 1 try in 300ms: no reply", "ms; perhaps"]);
}

#[test]
fn the_time_of_a_run_bounds_its_tries() {
    let end = run(TcpClient.to(closed_port(), "-t 3s --retry 10m"));
    end.assert_error(4, &["tries in 3s: "]);
}

#[test]
fn a_name_that_is_not_resolved_and_a_network_that_is_not_there_are_tried_again() {
    for client in [TcpClient, UdpClient] {
        for (place, code, reason) in [
            ("nowhere.invalid", 3, "not resolved"),
            ("192.0.2.1", 6, "unreachable"),
        ] {
            let Some(command) = in_own_network(client.path()) else {
                return;
            };
            let end = run(command.with("--retry 3s -w 10m").with([place]));
            end.assert_error(code, &["tries in 3s: ", reason]);
        }
    }
}

#[test]
fn a_reason_that_does_not_pass_is_not_tried_again() {
    for client in [TcpClient, UdpClient] {
        let command = client.to(closed_port(), "--retry 10m -w 1s -B 192.0.2.1");
        let end = run(command);
        end.assert_error(8, &["cannot bind to 192.0.2.1:0"]);
        assert!(!end.stderr.contains("tries"), "{}", end.stderr);
    }
}

#[test]
fn a_datagram_is_sent_again_until_one_has_a_reply() {
    let server = socket_on("127.0.0.1");
    let address = server.local_addr().unwrap();
    let command = UdpClient.to(address, "--lines -w 100ms --retry 10m --lang en");
    let mut client = Running::start(command);
    client.say("one");
    client.say("two");
    assert_eq!(receive(&server), b"one");
    assert_eq!(receive(&server), b"one");
    let mut buffer = [0; 8];
    let (length, peer) = server.recv_from(&mut buffer).unwrap();
    assert_eq!(&buffer[..length], b"one");
    server.send_to(b"uno", peer).unwrap();
    // The further ones are sent once.
    while receive(&server) != b"two" {}
    let end = client.wait();
    end.assert_error(5, &["no reply", "1 of 2"]);
    assert!(end.text().contains("uno"), "{end:?}");
}

#[test]
fn an_interrupt_ends_the_tries_at_once() {
    for (client, arguments) in [
        (TcpClient, "-e"),
        (TcpClient, "-c 1"),
        (UdpClient, "-w 50ms"),
    ] {
        let address = socket_on("127.0.0.1").local_addr().unwrap();
        let client = Running::start(client.to(address, arguments).with("--retry 10m -v"));
        while !client.error_line().contains("try 1: ") {}
        let end = client.interrupt();
        // Killed by the signal, or told it by the code.
        assert!(matches!(end.code, None | Some(130)), "{end:?}");
    }
}
