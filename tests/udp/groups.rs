//! Multicast and broadcast, on the loopback interface alone.

use crate::harness::compat::{UdpServer, client_of, run};
use crate::harness::udp::{receive, socket_on};

#[test]
fn a_joined_group_is_heard_and_what_goes_there_has_its_own_time_to_live() {
    let group = "239.255.77.1";
    let server = UdpServer::start_json("localhost:0", &["--join", "239.255.77.1@lo"]);
    assert_eq!(server.address, server.at("0.0.0.0"));
    let arguments = ["-I", "lo", "--mcast-ttl", "5", "-m", "hola a todos"];
    run(client_of(server.at(group), &arguments), "").assert_code(0);
    let datagram = server.event();
    assert_eq!(datagram["text"], "hola a todos");
    assert_eq!(datagram["ttl"], 5);
    assert_eq!(datagram["destination"], server.at(group).to_string());
}

/// Linux routes no IPv6 multicast over the loopback interface; but it knows who joined there (proc_pid_net(5)).
#[test]
fn groups_of_both_families_are_joined_on_the_interface_that_was_named() {
    let joined = |group: &str| {
        let table = std::fs::read_to_string("/proc/net/igmp6").unwrap();
        table
            .lines()
            .any(|line| line.contains(" lo ") && line.contains(group))
    };
    let group = "ff020000000000000000000000004d01";
    assert!(!joined(group));
    let arguments = ["--join", "ff02::4d01@lo", "--join", "239.255.77.2@lo"];
    let server = UdpServer::start_json("localhost:0", &arguments);
    assert!(joined(group));
    assert_eq!(server.address, server.at("::"));
    let client = client_of(server.at("239.255.77.2"), &["-I", "lo", "-m", "hola"]);
    run(client, "").assert_code(0);
    assert_eq!(
        server.event()["destination"],
        server.at("239.255.77.2").to_string()
    );
    server.finish();
    assert!(!joined(group));
}

#[test]
fn an_interface_that_does_not_exist_is_named() {
    let mut command = crate::harness::compat::udp_server();
    command.args(["0", "--join", "239.255.77.1@nowhere0"]);
    let finished = run(command, "");
    finished.assert_code(8);
    finished.assert_one_line_error(&["udp-server: cannot join 239.255.77.1@nowhere0: "]);
}

#[test]
fn a_broadcast_has_to_be_allowed() {
    let server = socket_on("0.0.0.0");
    let port = server.local_addr().unwrap().port();
    let everyone = format!("127.255.255.255:{port}").parse().unwrap();
    let refused = run(client_of(everyone, &[]), "");
    refused.assert_code(8);
    refused.assert_one_line_error(&["permission denied", "--broadcast"]);
    run(client_of(everyone, &["--broadcast", "-m", "a todos"]), "").assert_code(0);
    assert_eq!(receive(&server), b"a todos");
}

#[test]
fn everyone_who_answers_a_group_is_heard() {
    let members = [socket_on("0.0.0.0"), socket_on("127.0.0.8")];
    let port = members[0].local_addr().unwrap().port();
    let second = members[1].try_clone().unwrap();
    let first = members[0].try_clone().unwrap();
    let answers = std::thread::spawn(move || {
        let mut buffer = [0; 64];
        let (_, peer) = first.recv_from(&mut buffer).unwrap();
        first.send_to(b"uno", peer).unwrap();
        second.send_to(b"dos", peer).unwrap();
    });
    let everyone = format!("127.255.255.255:{port}").parse().unwrap();
    let client = run(client_of(everyone, &["--broadcast", "-w", "1s"]), "");
    answers.join().unwrap();
    client.assert_code(0);
    let other = members[1].local_addr().unwrap();
    assert_eq!(
        client.text(),
        format!(
            "\n[+] Mensaje recibido del servidor 127.0.0.1:{port}: uno\n\
             \n[+] Mensaje recibido del servidor {other}: dos\n"
        )
    );
}
