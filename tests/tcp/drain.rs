//! The end of a server whose clients do not behave.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use nix::sys::signal::Signal;
use socket2::{Domain, Socket, Type};

use crate::harness::DEADLINE;

use crate::harness::compat::{load_while_silent, serve, tcp_server};
use crate::harness::crowd::crowd;
use crate::harness::data::noise;
use crate::harness::one_at_a_time;
use crate::harness::process::eventually;

/// A client for which the kernel keeps a few bytes only, so that what it does not read waits at the server.
fn connect_narrowly(server: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    socket.connect(&server.into()).unwrap();
    socket.set_read_timeout(Some(DEADLINE)).unwrap();
    socket.into()
}

#[test]
fn a_client_that_reads_late_is_not_taken_for_a_silent_one() {
    let (server, address) = serve(tcp_server(), &["--drain-timeout", "10m"]);
    let mut client = connect_narrowly(address);
    let message = noise(1, 200_000);
    client.write_all(&message).unwrap();
    client.peek(&mut [0]).unwrap();
    server.signal(Signal::SIGTERM);
    // Longer than a client may be silent that has its echo.
    assert_eq!(server.error_line_within(Duration::from_secs(2)), None);
    client.write_all(b"and this").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    let mut echo = Vec::new();
    client.read_to_end(&mut echo).unwrap();
    assert!(echo == [&message[..], b"and this"].concat());
    let end = server.wait();
    end.assert_code(0);
    assert_eq!(end.stderr, "");
}

#[test]
fn a_client_that_never_stops_gets_all_that_was_read_and_an_orderly_end() {
    let (server, address) = serve(tcp_server(), &["--drain-timeout", "2s"]);
    let mut client = connect_narrowly(address);
    let mut writer = client.try_clone().unwrap();
    let message = noise(2, 64 << 20);
    let echo = std::thread::scope(|scope| {
        scope.spawn(|| writer.write_all(&message));
        client.peek(&mut [0]).unwrap();
        server.signal(Signal::SIGTERM);
        let mut echo = Vec::new();
        client.read_to_end(&mut echo).unwrap();
        client.shutdown(Shutdown::Both).unwrap();
        echo
    });
    assert!(message.starts_with(&echo));
    let end = server.wait();
    let events = end.assert_code(0).events();
    let closed = events.iter().find(|event| event["event"] == "closed");
    let closed = closed.unwrap();
    assert_eq!(closed["bytes"], echo.len(), "{closed}");
    assert_eq!(closed["undelivered"], 0, "{closed}");
}

#[test]
fn a_drain_that_waits_for_clients_that_never_read_does_not_spin() {
    let _machine = one_at_a_time();
    let (server, address) = serve(tcp_server(), &["--drain-timeout", "4s"]);
    let role = [
        "hurt", "--deaf", "300", "--drip", "0", "--reset", "0", "--leave", "0",
    ];
    let crowd = crowd(address, role);
    assert_eq!(crowd.event()["event"], "hurting");
    eventually("the server is at rest", || {
        load_while_silent(&server, Duration::from_millis(500)) == 0.0
    });
    server.signal(Signal::SIGTERM);
    let load = load_while_silent(&server, Duration::from_secs(2));
    println!("draining, it takes {:.1} % of a processor", load * 100.0);
    assert!(load <= 0.1, "{load} of a processor");
    let end = server.wait();
    end.assert_code(0)
        .assert_one_line_error(&["cut 300", "bytes of echo were not delivered"]);
}
