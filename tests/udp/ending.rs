//! The end of `udp-server`, by a signal.

use std::thread;

use nix::sys::signal::Signal;

use super::burst::assert_accounted;
use crate::harness::{
    Server, UdpServer, alone, burst, connected_to, count, dropped_before_sockets,
};

#[test]
fn each_signal_prints_the_summary_and_ends_with_0() {
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let server = Server::start(UdpServer, "");
        connected_to(server.address).send(b"hola").unwrap();
        server.text_line();
        server.line();
        server.signal(signal);
        let end = server.wait();
        let text = end.assert_clean().text();
        let summary = "\n[+] Resumen: datagramas recibidos 1, bytes 4, ";
        assert!(text.starts_with(summary), "{text}");
    }
}

#[test]
fn what_the_socket_holds_when_the_signal_comes_is_still_shown() {
    let _machine = alone();
    let server = Server::start(UdpServer, "--json");
    let client = connected_to(server.address);
    let lost_before = dropped_before_sockets();
    server.pause();
    burst(&client, b"late", 4_000);
    server.signal(Signal::SIGINT);
    server.resume();
    let mut events = server.wait().assert_code(0).events();
    let summary = events.pop().unwrap();
    assert!(events.iter().all(|event| event["text"] == "late"));
    let shown = events.len() as u64;
    assert_eq!(count(&summary, "datagrams"), shown);
    // On a machine with a small net.core.rmem_max the buffer does not hold them all.
    assert_accounted(4_000, shown, count(&summary, "dropped"), lost_before);
    assert!(shown > 64, "only {shown}");
}

#[test]
fn a_sender_that_goes_on_does_not_keep_the_server() {
    let _machine = alone();
    let server = Server::start(UdpServer, "--json");
    let client = connected_to(server.address);
    // An error is the port that is closed: the server has ended.
    let sender = thread::spawn(move || while client.send(b"more").is_ok() {});
    assert_eq!(server.event()["text"], "more");
    server.interrupt().assert_code(0);
    sender.join().unwrap();
}
