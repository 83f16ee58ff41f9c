//! Round trips over UDP against every echo server at hand, and what delays them.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;

use crate::harness::echoes::{echo_datagrams, hold_up};
use crate::harness::measured::{
    assert_adds_up, assert_all_at_least, assert_carries_the_stall, count, figure, measure, summary,
};
use crate::harness::process::{Running, run};
use crate::harness::program::{UdpClient, UdpServer, installed, python};
use crate::harness::server::Server;
use crate::harness::udp::{address_of, socket_on};

/// Measures, and demands that every probe came back.
#[track_caller]
fn all_come_back(server: SocketAddr, arguments: &str) -> Value {
    let end = measure(UdpClient, server, &format!("{arguments} -w 30s"));
    end.assert_code(0);
    let summary = summary(&end);
    assert_adds_up(&summary);
    assert!(count(&summary, "sent") > 0, "{summary}");
    assert_eq!(
        count(&summary, "received"),
        count(&summary, "sent"),
        "{summary}"
    );
    summary
}

#[test]
fn every_way_to_measure_works_against_our_server() {
    let server = Server::start(UdpServer, "--echo");
    for (arguments, sent) in [
        ("-c 20 -i 0", 20),
        ("-c 5 -i 10ms", 5),
        ("-c 50 --rate 1000 -P 3", 150),
        ("-c 7 -i 0 -P 5", 35),
        ("-c 20 -i 0 -l 44", 20),
        ("-c 5 -i 0 -l 65507", 5),
        ("-t 500ms --rate 100 -P 4", 50),
    ] {
        let summary = all_come_back(server.address, arguments);
        // A sender that got no processor for half a second does not make up for it.
        let due = count(&summary, "sent") + count(&summary, "unsent");
        assert_eq!(due, sent, "{arguments}: {summary}");
        assert_eq!(
            count(&summary, "bytes_received"),
            count(&summary, "bytes_sent")
        );
    }
    all_come_back(server.address, "-t 300ms -P 2");
    server.interrupt().assert_code(0);
}

/// An echo server of Python's.
const PYTHON_ECHO: &str = "
import socket
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
    server.bind(('127.0.0.1', 0))
    print('listening', '%s:%d' % server.getsockname())
    while True:
        message, peer = server.recvfrom(65536)
        server.sendto(message, peer)
";

#[test]
fn an_echo_of_python_is_measured() {
    let Some(command) = python(PYTHON_ECHO) else {
        return;
    };
    let server = Server::start_command(command);
    all_come_back(server.address, "-c 100 -i 0 -P 4");
    all_come_back(server.address, "-c 50 --rate 200");
}

#[test]
fn an_echo_of_socat_is_measured() {
    let Some(command) = installed("socat", "UDP-LISTEN:0,bind=127.0.0.1 PIPE") else {
        return;
    };
    let server = Running::start(command);
    // One at a time: its pipe joins datagrams that come close together.
    all_come_back(address_of(&server), "-c 100 -i 0");
}

#[test]
fn no_percentile_is_below_a_known_delay() {
    const DELAY: Duration = Duration::from_millis(20);
    for arguments in ["-c 100 -i 0", "-c 100 --rate 40"] {
        let server = echo_datagrams(|_| hold_up(DELAY));
        assert_all_at_least(&all_come_back(server, arguments), DELAY);
    }
}

#[test]
fn replies_behind_a_stall_carry_it_from_when_they_were_due() {
    let server = echo_datagrams(|number| {
        if number == 100 {
            hold_up(Duration::from_millis(500));
        }
    });
    assert_carries_the_stall(&all_come_back(server, "-c 200 --rate 200"));
}

#[test]
fn silence_is_exit_1_and_all_is_lost() {
    let silent = socket_on("127.0.0.1");
    let address = silent.local_addr().unwrap();
    for arguments in ["-c 5 -i 10ms -w 200ms", "-c 3 -i 0 -w 200ms"] {
        let end = measure(UdpClient, address, arguments);
        end.assert_error(1, &["check failed", "no reply"]);
        let summary = summary(&end);
        assert_adds_up(&summary);
        assert_eq!(count(&summary, "lost"), count(&summary, "sent"));
        assert_eq!(figure(&summary, "loss_percent"), 100.0);
    }
}

#[test]
fn what_is_in_flight_at_ctrl_c_is_not_lost() {
    let silent = socket_on("127.0.0.1");
    let arguments = "-i 10ms -w 1m --report 50ms -J";
    let command = UdpClient.to(silent.local_addr().unwrap(), arguments);
    let client = Running::start(command);
    client.line();
    let end = client.interrupt();
    end.assert_code(1);
    let summary = summary(&end);
    assert_adds_up(&summary);
    assert!(count(&summary, "in_flight") > 0, "{summary}");
    assert_eq!(count(&summary, "lost"), 0);
}

#[test]
fn ctrl_c_gives_the_whole_summary() {
    let server = Server::start(UdpServer, "--echo");
    for way in ["-i 10ms", "-t 3600 -P 2", "-t 3600 --rate 1000"] {
        let arguments = format!("{way} --report 50ms -w 30s -J");
        let client = Running::start(UdpClient.to(server.address, &arguments));
        client.line();
        let end = client.interrupt();
        end.assert_code(0);
        let summary = summary(&end);
        assert_adds_up(&summary);
        assert_eq!(count(&summary, "lost"), 0, "{way}");
        assert!(count(&summary, "received") > 0, "{way}");
    }
}

#[test]
fn contradictions_are_usage_errors() {
    for (arguments, named) in [
        ("-c 3 -m hola", "--message"),
        ("-c 3 --lines", "--lines"),
        ("-c 3 -l 43", "44 to 65507"),
        ("-c 3 -l 65508", "44 to 65507"),
        ("-c 3 239.1.2.3:1234", "group"),
        ("--report 1", "--report"),
    ] {
        run(UdpClient.command(arguments)).assert_error(2, &["usage", named]);
    }
}
