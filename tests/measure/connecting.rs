//! Many flows: they connect in parallel, each from its own local port, as far as descriptors last.

use std::net::{SocketAddr, TcpListener, UdpSocket};

use crate::harness::measured::{count, measure, summary};
use crate::harness::process::run;
use crate::harness::program::{Program, TcpClient, TcpServer, UdpClient, UdpServer, With};
use crate::harness::server::Server;
use crate::harness::surroundings::{BlackHole, Replaced, with_open_files};

#[test]
fn a_first_address_that_does_not_answer_delays_all_flows_once() {
    let hosts = Replaced::hosts("127.0.0.1 both.example\n::1 both.example\n");
    let Some(client) = hosts.command(TcpClient) else {
        return;
    };
    let hole = BlackHole::open();
    let port = hole.address.port();
    let server = Server::start_at(SocketAddr::new("::1".parse().unwrap(), port), TcpServer, "");
    let arguments = format!("-P 20 -c 2 -i 100ms --json -vv both.example {port}");
    let end = run(client.with(&arguments));
    end.assert_code(0);
    assert_eq!(count(&summary(&end), "received"), 40);
    let tries = |place: &str| {
        let line = format!("connecting to {place}:{port}");
        end.stderr.matches(&line).count()
    };
    assert_eq!((tries("127.0.0.1"), tries("[::1]")), (1, 20));
    server.interrupt().assert_code(0);
}

/// The first of four neighbouring ports of a local address that are free for TCP and UDP. Each test has
/// an address of its own.
fn four_free_ports(address: &str) -> u16 {
    let is_free = |port: &u16| {
        let place = (address, *port);
        TcpListener::bind(place).is_ok() && UdpSocket::bind(place).is_ok()
    };
    let first = |port: u16| (port..port + 4).all(|port| is_free(&port));
    (20_000..30_000)
        .step_by(4)
        .find(|port| first(*port))
        .unwrap()
}

/// The ports of the peers that a server has told of, sorted.
fn ports_of_peers(server: Server, kind: &str) -> Vec<u16> {
    let events = server.finish();
    let events = events.iter().filter(|event| event["event"] == kind);
    let peers = events.filter_map(|event| event["peer"].as_str()?.parse().ok());
    let mut ports: Vec<u16> = peers.map(|peer: SocketAddr| peer.port()).collect();
    ports.sort_unstable();
    ports
}

#[test]
fn each_flow_has_the_next_local_port() {
    let clients = [
        (TcpServer, "--json", TcpClient, "connected"),
        (UdpServer, "--echo --json", UdpClient, "summary"),
    ];
    for (server, options, client, kind) in clients {
        let server = Server::start(server, options);
        let first = four_free_ports("127.0.0.9");
        let end = measure(
            client,
            server.address,
            &format!("-P 4 -c 1 -B 127.0.0.9:{first}"),
        );
        end.assert_code(0);
        let expected: Vec<u16> = (first..first + 4).collect();
        assert_eq!(ports_of_peers(server, kind), expected);
    }
}

#[test]
fn a_local_port_past_the_last_or_in_use_is_refused() {
    for (server, client) in [(TcpServer, TcpClient), (UdpServer, UdpClient)] {
        let end = run(client.command("-P 4 -c 1 -B :65533"));
        end.assert_error(2, &["usage", "--bind", "65535"]);
        let server = Server::start(server, "");
        let first = four_free_ports("127.0.0.10");
        let taken = SocketAddr::from(([127, 0, 0, 10], first + 2));
        let _tcp = TcpListener::bind(taken).unwrap();
        let _udp = UdpSocket::bind(taken).unwrap();
        let end = measure(
            client,
            server.address,
            &format!("-P 4 -c 1 -B 127.0.0.10:{first}"),
        );
        let refused = format!("cannot bind to {taken}: address already in use");
        end.assert_error(8, &[&refused, "another local port"]);
    }
}

const PAIRS: [(Program, &str, Program); 2] =
    [(TcpServer, "", TcpClient), (UdpServer, "--echo", UdpClient)];

#[test]
fn a_soft_limit_of_open_files_is_raised_for_many_flows() {
    for (server, options, client) in PAIRS {
        let server = Server::start(server, options);
        let poor = with_open_files("-S -n 64", client).with("-q -P 100 -c 1");
        run(poor.with([server.address.to_string()])).assert_clean();
    }
}

#[test]
fn a_hard_limit_of_open_files_is_named_when_it_is_met() {
    for (server, options, client) in PAIRS {
        let server = Server::start(server, options);
        for limit in ["-n 64", "-n 12"] {
            let poor = with_open_files(limit, client).with("-q -P 100 -c 1");
            let end = run(poor.with([server.address.to_string()]));
            end.assert_error(8, &["too many open files (local limit)", "ulimit -n"]);
        }
    }
}
