//! Peers that stop taking or giving bytes, or never stop giving them: every run ends, and adds up.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::thread;
use std::time::Duration;

use crate::harness::echoes::hold_up;
use crate::harness::measured::{assert_adds_up, count, measure, summary};
use crate::harness::process::{Running, run};
use crate::harness::program::{TcpClient, TcpServer, UdpClient};
use crate::harness::server::Server;
use crate::harness::{DEADLINE, alone};

/// How a peer behaves once it has accepted.
type Behaviour = fn(TcpStream);

fn never_reads(stream: TcpStream) {
    hold(stream);
}

fn never_writes(mut stream: TcpStream) {
    let mut buffer = [0; 65_536];
    while let Ok(1..) = stream.read(&mut buffer) {}
    hold(stream);
}

fn sends_without_end(mut stream: TcpStream) {
    while stream.write_all(&[b'x'; 65_536]).is_ok() {}
}

fn sends_without_end_and_reads(stream: TcpStream) {
    let reader = stream.try_clone().expect("a descriptor");
    thread::spawn(move || never_writes(reader));
    sends_without_end(stream);
}

fn sends_a_byte_a_second(mut stream: TcpStream) {
    while stream.write_all(b"x").is_ok() {
        hold_up(Duration::from_secs(1));
    }
}

/// Keeps a connection open until its peer has gone, or every test has given up.
fn hold(stream: TcpStream) {
    hold_up(DEADLINE);
    drop(stream);
}

/// A server that treats each of its clients like this.
fn serve(behave: Behaviour) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            thread::spawn(move || behave(stream));
        }
    });
    address
}

/// By the clock and in a closed loop; by number and by time.
const ROUND_TRIPS: [&str; 7] = [
    "-c 2 -l 8M -w 500ms",
    "--rate 10 -c 2 -l 4M -w 500ms",
    "-i 0 -c 2 -l 8M -w 500ms",
    "-i 0 -c 2 -w 500ms",
    "-t 1 -w 500ms",
    "-t 1 -l 8M -w 2s",
    "-P 3 -c 2 -l 1M -i 100ms -w 500ms",
];

const STREAMS: [&str; 2] = ["--stream -c 4 -l 8M -w 500ms", "--stream -t 1 -w 500ms"];

#[test]
fn every_measurement_ends_whatever_the_peer_does() {
    let behaviours: [(&str, Behaviour); 5] = [
        ("never reads", never_reads),
        ("never writes", never_writes),
        ("sends without end", sends_without_end),
        ("sends without end and reads", sends_without_end_and_reads),
        ("sends a byte a second", sends_a_byte_a_second),
    ];
    thread::scope(|scope| {
        for (name, behave) in behaviours {
            scope.spawn(move || {
                for arguments in ROUND_TRIPS {
                    let end = measure(TcpClient, serve(behave), arguments);
                    let is_failure = matches!(end.code, Some(1 | 5));
                    assert!(is_failure, "{name}, {arguments}: {end:?}");
                    let summary = summary(&end);
                    assert_adds_up(&summary);
                    assert_eq!(count(&summary, "received"), 0, "{name}, {arguments}");
                }
                for arguments in STREAMS {
                    let end = measure(TcpClient, serve(behave), arguments);
                    // A stream has succeeded where any byte came back.
                    let has_ended = matches!(end.code, Some(0 | 1 | 5));
                    assert!(has_ended, "{name}, {arguments}: {end:?}");
                    assert!(summary(&end)["bytes_sent"].is_u64(), "{name}, {arguments}");
                }
            });
        }
    });
}

#[test]
fn every_exchange_ends_whatever_the_peer_does() {
    let file = tempfile::NamedTempFile::new().unwrap();
    file.as_file().set_len(64 << 20).unwrap();
    let path = file.path().to_str().unwrap();
    let exchanges: [&[&str]; 4] = [
        &["-f", path],
        &["-e", "-f", path],
        &["-m", "hola"],
        &["-e", "-m", "hola"],
    ];
    for arguments in exchanges {
        for behave in [never_reads, never_writes, sends_a_byte_a_second] as [Behaviour; 3] {
            let arguments = [arguments, &["-w", "500ms"]].concat();
            let end = run(TcpClient.to(serve(behave), arguments.as_slice()));
            // A byte that was never sent is a difference, where an echo is demanded.
            let is_difference = arguments.contains(&"-e") && end.code == Some(1);
            assert!(
                is_difference || end.code == Some(5),
                "{arguments:?}: {end:?}"
            );
        }
    }
    // Without -e, what comes is shown as long as it comes.
    for behave in [sends_without_end, sends_without_end_and_reads] as [Behaviour; 2] {
        let end = run(TcpClient.to(serve(behave), ["-e", "-w", "500ms", "-f", path]));
        end.assert_code(1);
    }
}

/// A peer that answers a datagram, and then sends copies until its client is gone.
fn flood() -> SocketAddr {
    let server = UdpSocket::bind("127.0.0.1:0").expect("a port is free");
    let address = server.local_addr().expect("an address");
    thread::spawn(move || {
        let mut buffer = [0; 2048];
        let (length, peer) = server.recv_from(&mut buffer).expect("a probe");
        // Connected, it hears that the port is closed; the next one there would be flooded, too.
        server.connect(peer).expect("loopback is reachable");
        while server.send(&buffer[..length]).is_ok() {}
    });
    address
}

#[test]
fn copies_without_end_do_not_hold_up_the_end_of_a_run() {
    let _machine = alone();
    for arguments in ["-c 1 -w 500ms", "-t 500ms -w 500ms"] {
        let end = measure(UdpClient, flood(), arguments);
        assert_adds_up(&summary(&end));
    }
}

#[test]
fn after_a_stop_a_line_each_interval_goes_on_without_a_burst() {
    let _machine = alone();
    let server = Server::start(TcpServer, "");
    let client = Running::start(TcpClient.to(server.address, "-c 20 -i 100ms --json"));
    client.line();
    client.pause();
    hold_up(Duration::from_millis(900));
    client.resume();
    let end = client.wait();
    let summary = summary(&end);
    assert_adds_up(&summary);
    assert!(count(&summary, "unsent") > 0, "{summary}");
    let due = count(&summary, "sent") + count(&summary, "unsent");
    assert_eq!(due, 20, "{summary}");
}
