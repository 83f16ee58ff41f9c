//! Connecting: every wait has an end, every address gets its chance, and every local port its use.

use std::fs;
use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::thread;

use crate::harness::surroundings::{
    BlackHole, Replaced, address_of, with_local_ports, without_backlog,
};
use crate::harness::{
    Program, Running, Server, TcpClient, TcpServer, UdpClient, UdpServer, With, command, run,
    socket_on,
};

/// The kernel would try for two minutes, which is past the deadline of every test.
#[test]
fn a_firewall_that_drops_ends_every_way_of_connecting_in_its_time() {
    let hole = BlackHole::open();
    let address = hole.address.to_string();
    for arguments in [
        "-w 300ms",
        "--connect-timeout 300ms",
        "--connect-timeout 300ms -w 10m",
        "-f /dev/null -w 300ms",
        "-c 1 -w 300ms",
        "-t 300ms",
        "-t 300ms -P 3",
        "-t 300ms --retry 10m",
        "--stream -t 300ms -w 10m",
        "-c 1 --connect-timeout 300ms -w 10m",
    ] {
        let end = run(TcpClient.to(hole.address, arguments));
        let parts = ["cannot connect to", &address, "timed out", "firewall"];
        end.assert_error(5, &parts);
    }
}

#[test]
fn further_connections_that_are_dropped_end_in_their_time_too() {
    for arguments in ["-P 3 -w 300ms -c 1", "-P 3 -t 300ms"] {
        let listener = without_backlog();
        let end = run(TcpClient.to(address_of(&listener), arguments));
        end.assert_error(5, &["cannot connect to", "timed out", "firewall"]);
    }
}

/// A name server in the network of the test that hears everything and says nothing.
const SILENT_NAME_SERVER: &str = r#"
"$2" -q 127.0.0.1 53 & server=$!
trap 'kill $server' EXIT
until grep -q :0035 /proc/net/udp; do :; done
program=$1; shift 2; set -- "$program" "$@"
"#;

#[test]
fn a_name_server_that_keeps_silent_is_waited_for_no_longer_than_asked() {
    let silent = Replaced::new("/etc/resolv.conf", "nameserver 127.0.0.1\n");
    for (client, arguments) in [
        (TcpClient, "-w 300ms"),
        (TcpClient, "--connect-timeout 300ms"),
        (TcpClient, "-t 300ms"),
        (UdpClient, "-w 300ms"),
        (UdpClient, "-t 300ms"),
    ] {
        let Some(command) = silent.command_in_own_network(SILENT_NAME_SERVER, client) else {
            return;
        };
        let command = command.with([UdpServer.path()]).with(arguments);
        let end = run(command.with("silent.example"));
        end.assert_error(5, &["name 'silent.example' not resolved", "timed out"]);
    }
}

#[test]
fn an_address_is_not_looked_up_however_short_the_time_is() {
    for client in [TcpClient, UdpClient] {
        for host in ["127.0.0.1", "::1"] {
            let end = run(client.command(&format!("-w 1ns {host} 9")));
            assert!(matches!(end.code, Some(4 | 5)), "{end:?}");
            assert!(!end.stderr.contains("not resolved"), "{end:?}");
        }
    }
}

fn fifo(place: &Path) -> String {
    let path = place.join("fifo").display().to_string();
    run(command("mkfifo", [&path])).assert_clean();
    path
}

#[test]
fn a_fifo_that_nobody_writes_is_waited_for_no_longer_than_asked() {
    let place = tempfile::tempdir().unwrap();
    let path = fifo(place.path());
    let peer = socket_on("127.0.0.1");
    let address = peer.local_addr().unwrap();
    let end = run(UdpClient.to(address, ["-w", "300ms", "-f", &path]));
    end.assert_error(5, &["cannot read", &path, "timed out", "nobody writes"]);
    // A connection stands meanwhile, and nothing passes on it.
    let server = Server::start(TcpServer, "");
    let end = run(TcpClient.to(server.address, ["-w", "300ms", "-f", &path]));
    end.assert_error(5, &["timed out", "0 bytes sent"]);
}

#[test]
fn a_fifo_that_somebody_writes_is_sent() {
    let server = Server::start(TcpServer, "");
    let place = tempfile::tempdir().unwrap();
    let path = fifo(place.path());
    let writer = thread::spawn({
        let path = path.clone();
        move || fs::write(path, "through a fifo").unwrap()
    });
    let end = run(TcpClient.to(server.address, ["-e", "-w", "1m", "-f", &path]));
    assert_eq!(end.assert_clean().text(), "through a fifo");
    writer.join().unwrap();
}

/// `both.example` is the IPv4 and the IPv6 loopback.
fn both() -> Replaced {
    Replaced::hosts("127.0.0.1 both.example\n::1 both.example\n")
}

/// A black hole at 127.0.0.1, and a listener at the same port of `::1`.
fn hole_and_listener() -> (BlackHole, TcpListener) {
    loop {
        let hole = BlackHole::open();
        if let Ok(listener) = TcpListener::bind(("::1", hole.address.port())) {
            return (hole, listener);
        }
    }
}

#[test]
fn an_address_that_does_not_answer_delays_the_next_one_a_little() {
    let hosts = both();
    let Some(client) = hosts.command(TcpClient) else {
        return;
    };
    let (hole, listener) = hole_and_listener();
    let port = hole.address.port();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"from ::1").unwrap();
    });
    let client = client.with(&format!("-f /dev/null -w 10m -vv both.example {port}"));
    let end = run(client);
    assert_eq!(end.assert_code(0).text(), "from ::1");
    let tried = |place: &str| end.stderr.find(&format!("connecting to {place}:{port}"));
    assert!(tried("127.0.0.1").is_some(), "{}", end.stderr);
    assert!(tried("127.0.0.1") < tried("[::1]"), "{}", end.stderr);
    server.join().unwrap();
}

#[test]
fn all_addresses_that_fail_are_listed_each_with_its_reason() {
    let hosts = both();
    let Some(client) = hosts.command(TcpClient) else {
        return;
    };
    let (hole, listener) = hole_and_listener();
    drop(listener);
    let client = client.with("-w 2s both.example");
    let end = run(client.with([hole.address.port().to_string()]));
    end.assert_error(5, &["(127.0.0.1: timed out, ::1: connection refused)"]);
}

#[test]
fn a_second_address_is_tried_at_once_when_the_first_refuses() {
    let hosts = both();
    for (program, arguments) in [(TcpClient, "-e"), (TcpClient, "-c 1")] {
        let Some(client) = hosts.command(program) else {
            return;
        };
        let server = Server::start(TcpServer, "::1");
        let port = server.address.port().to_string();
        run(client.with(arguments).with(["both.example", &port])).assert_clean();
    }
}

/// A local address with a port that is free.
fn free_local_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.8:0").unwrap();
    listener.local_addr().unwrap()
}

#[test]
fn a_fixed_local_port_can_be_used_again_at_once() {
    let servers = [(); 2].map(|()| Server::start(TcpServer, ""));
    let local = free_local_address();
    for server in [&servers[0], &servers[1], &servers[0]] {
        run(TcpClient.to(server.address, &format!("-e -B {local}"))).assert_clean();
    }
}

#[test]
fn a_fixed_local_port_in_use_is_named_with_a_hint_for_clients() {
    let server = Server::start(TcpServer, "");
    let taken = TcpListener::bind("127.0.0.8:0").unwrap();
    let local = taken.local_addr().unwrap();
    for arguments in ["-e", "-c 1"] {
        let end = run(TcpClient.to(server.address, &format!("{arguments} -B {local}")));
        let refused = format!("cannot bind to {local}: address already in use");
        end.assert_error(8, &[&refused, "another local port"]);
    }
    let taken = socket_on("127.0.0.8");
    let local = taken.local_addr().unwrap();
    let end = run(UdpClient.to(server.address, &format!("-B {local}")));
    let refused = format!("cannot bind to {local}: address already in use");
    end.assert_error(8, &[&refused, "another local port"]);
}

#[test]
fn a_second_connection_from_the_same_port_to_the_same_server_is_told_as_that() {
    let server = Server::start(TcpServer, "--json");
    let arguments = format!("-f - -B {}", free_local_address());
    let first = Running::start(TcpClient.to(server.address, &arguments));
    assert_eq!(server.event()["event"], "connected");
    let second = run(TcpClient.to(server.address, &arguments));
    second.assert_error(8, &["the local port has such a connection already"]);
    first.wait().assert_code(0);
}

/// The server `$1` at the ports 1 and 2; the client is `$2`.
const TWO_SERVERS: &str = r#"
"$1" -q 127.0.0.1 1 & first=$!
"$1" -q 127.0.0.1 2 & second=$!
trap 'kill $first $second' EXIT
"#;

fn in_a_network_of_ten_ports(script: &str, program: [Program; 2]) -> Option<std::process::Command> {
    with_local_ports("40000 40009", &format!("{TWO_SERVERS}{script}"), &program)
}

#[test]
fn local_ports_that_are_used_up_are_told_and_another_address_helps() {
    let script = r#"
        "$2" -q --retry 1m -c 1 -P 20 127.0.0.1 1 && exit 99
        "$2" -q --retry 1m -c 1 -P 8 -B 127.0.0.7 127.0.0.1 1
    "#;
    let Some(command) = in_a_network_of_ten_ports(script, [TcpServer, TcpClient]) else {
        return;
    };
    let end = run(command);
    end.assert_error(0, &["no local port is free (local limit)", "--bind"]);
}

#[test]
fn udp_ports_that_are_used_up_are_told_too() {
    for arguments in ["", "-B 127.0.0.7"] {
        let script = format!(r#""$2" -q -c 1 -P 20 {arguments} 127.0.0.1 1"#);
        let Some(command) = in_a_network_of_ten_ports(&script, [UdpServer, UdpClient]) else {
            return;
        };
        let end = run(command);
        end.assert_error(8, &["no local port is free (local limit)", "--bind"]);
    }
}

#[test]
fn a_local_address_without_a_port_has_all_its_ports_for_each_server() {
    let script = r#"
        listens() { grep -q ":000$1 00000000:0000 0A" /proc/net/tcp; }
        until listens 1 && listens 2; do :; done
        "$2" -q -t 2 -P 8 -B 127.0.0.7 127.0.0.1 1 & other=$!
        "$2" -q -t 2 -P 8 -B 127.0.0.7 127.0.0.1 2
        wait $other
    "#;
    let Some(command) = in_a_network_of_ten_ports(script, [TcpServer, TcpClient]) else {
        return;
    };
    run(command).assert_clean();
}
