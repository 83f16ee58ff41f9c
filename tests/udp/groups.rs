//! Multicast and broadcast, on the loopback interface and in networks of their own.

use std::fs;
use std::net::SocketAddr;
use std::thread;

use serde_json::json;

use crate::harness::{
    Finished, Server, UdpClient, UdpServer, With, assert_has, in_own_machine, receive, run,
    socket_on,
};

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
    let client = run(UdpClient.to(everyone(port), "--broadcast -w 3s"));
    answers.join().unwrap();
    let expected = format!(
        "\n[+] Mensaje recibido del servidor 127.0.0.1:{port}: uno\n\
         \n[+] Mensaje recibido del servidor {other}: dos\n"
    );
    assert_eq!(client.assert_clean().text(), expected);
}

/// Two interfaces joined by a cable, `left0` and `right0`, that a route leads to the groups of.
const LINK: &str = "ip link add left0 type veth peer name right0\nip link set left0 up\n\
                    ip link set right0 up\nip addr add 192.0.2.1/25 dev left0\n\
                    ip route add 239.0.0.0/8 dev left0\n";

/// Runs a server for a moment in a machine with such a cable.
fn join(setup: &str, arguments: &str) -> Option<Finished> {
    let script = format!("{LINK}{setup}$udp_server --lang en -t 50ms {arguments}");
    in_own_machine(&script).map(run)
}

#[test]
fn the_interface_that_the_kernel_chose_for_a_group_is_told() {
    let Some(told) = join("", "-v --join 239.1.2.3") else {
        return;
    };
    let line = "udp-server: info: joined 239.1.2.3 on left0\n";
    assert!(told.assert_code(0).stderr.contains(line), "{}", told.stderr);
    join("", "--join 239.1.2.3").unwrap().assert_clean();
}

#[test]
fn a_choice_among_several_interfaces_is_a_warning_that_shows_how_to_choose() {
    let both = "ip addr add 192.0.2.129/25 dev right0\n";
    let Some(v4) = join(both, "--join 239.1.2.3") else {
        return;
    };
    let chosen = [
        "warning: joined 239.1.2.3 on left0 alone",
        "like 239.1.2.3@right0",
    ];
    v4.assert_error(0, &chosen);
    for named in ["--join 239.1.2.3@left0", "--join 239.1.2.3 -I right0"] {
        join(both, named).unwrap().assert_clean();
    }
    let both = "ip addr add fe80::1/64 dev left0 nodad\nip addr add fe80::2/64 dev right0 nodad\n";
    let v6 = join(both, "--join ff02::4d02").unwrap();
    v6.assert_error(0, &["warning: joined ff02::4d02 on", "like ff02::4d02@"]);
}

#[test]
fn a_group_is_joined_on_the_interface_that_the_socket_is_bound_to() {
    let Some(bound) = join("", "-v --join 239.1.2.3 -I right0") else {
        return;
    };
    let line = "info: joined 239.1.2.3 on right0\n";
    assert!(
        bound.assert_code(0).stderr.contains(line),
        "{}",
        bound.stderr
    );
}

#[test]
fn a_group_that_no_route_leads_to_is_an_error_that_names_an_interface() {
    let Some(alone) = in_own_machine("$udp_server --join 239.1.2.3") else {
        return;
    };
    run(alone).assert_error(6, &["cannot join 239.1.2.3", "no route", "239.1.2.3@lo"]);
    let setup = "ip route del 239.0.0.0/8\n";
    let near = join(setup, "--join 239.1.2.3").unwrap();
    near.assert_error(6, &["cannot join 239.1.2.3", "no route", "239.1.2.3@left0"]);
}
