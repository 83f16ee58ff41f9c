//! Multicast and broadcast, on the loopback interface alone.

use std::fs;
use std::net::SocketAddr;
use std::thread;

use serde_json::json;

use crate::harness::{Server, UdpClient, UdpServer, With, assert_has, receive, run, socket_on};

#[test]
fn a_joined_group_is_heard_and_what_goes_there_has_its_own_time_to_live() {
    let group = "239.255.77.1";
    let server = Server::start(UdpServer, "--json --join 239.255.77.1@lo");
    assert_eq!(server.address, server.at("0.0.0.0"));
    let client = UdpClient.to(server.at(group), "-I lo --mcast-ttl 5");
    run(client.with(["-m", "hola a todos"])).assert_code(0);
    let group = server.at(group).to_string();
    let expected = json!({ "text": "hola a todos", "ttl": 5, "destination": group });
    assert_has(&server.event(), expected);
}

/// Linux routes no IPv6 multicast over the loopback interface; but it knows which groups were joined
/// there (proc_pid_net(5)).
#[test]
fn groups_of_both_families_are_joined_on_the_interface_that_was_named() {
    let is_joined = || {
        let table = fs::read_to_string("/proc/net/igmp6").unwrap();
        let group = "ff020000000000000000000000004d01";
        table
            .lines()
            .any(|line| line.contains(" lo ") && line.contains(group))
    };
    assert!(!is_joined());
    let groups = "--join ff02::4d01@lo --join 239.255.77.2@lo";
    let server = Server::start(UdpServer, &format!("--json {groups}"));
    assert!(is_joined());
    assert_eq!(server.address, server.at("::"));
    let group = server.at("239.255.77.2");
    run(UdpClient.to(group, "-I lo -m hola")).assert_code(0);
    assert_eq!(server.event()["destination"], group.to_string());
    server.finish();
    assert!(!is_joined());
}

/// The loopback network's broadcast address.
fn everyone(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 255, 255, 255], port))
}

#[test]
fn a_broadcast_has_to_be_allowed() {
    let server = socket_on("0.0.0.0");
    let everyone = everyone(server.local_addr().unwrap().port());
    let refused = run(UdpClient.to(everyone, ""));
    refused.assert_error(8, &["permission denied", "--broadcast"]);
    run(UdpClient.to(everyone, "--broadcast -m hola")).assert_code(0);
    assert_eq!(receive(&server), b"hola");
}

#[test]
fn every_answer_to_a_broadcast_is_heard() {
    let (first, second) = (socket_on("0.0.0.0"), socket_on("127.0.0.8"));
    let port = first.local_addr().unwrap().port();
    let other = second.local_addr().unwrap();
    let answers = thread::spawn(move || {
        let (_, peer) = first.recv_from(&mut [0; 64]).unwrap();
        first.send_to(b"uno", peer).unwrap();
        second.send_to(b"dos", peer).unwrap();
    });
    let client = run(UdpClient.to(everyone(port), "--broadcast -w 1s"));
    answers.join().unwrap();
    let expected = format!(
        "\n[+] Mensaje recibido del servidor 127.0.0.1:{port}: uno\n\
         \n[+] Mensaje recibido del servidor {other}: dos\n"
    );
    assert_eq!(client.assert_clean().text(), expected);
}
