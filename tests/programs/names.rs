//! Names, zones and addresses: what is accepted, what is refused, and how each is shown.

use std::fs;

use serde_json::json;

use crate::harness::{
    Finished, Server, TcpClient, TcpServer, UdpClient, UdpServer, assert_has, in_own_machine, run,
};

/// A shell script that runs with `hosts` as `/etc/hosts`, and the four programs as `$tcp_server` and so
/// on; there is no name server.
fn with_hosts(hosts: &str, script: &str) -> Option<Finished> {
    let setup = format!(
        "printf '{hosts}' > $d/hosts\nmount --bind $d/hosts /etc/hosts\n\
         mount --bind /dev/null /etc/resolv.conf\n{script}"
    );
    Some(run(in_own_machine(&setup)?))
}

/// Starts a server in the background and waits until it has said where it listens.
fn started(server: &str) -> String {
    format!("{server} > $d/out 2> $d/err &\nuntil grep -qs : $d/out; do kill -0 $!; done\n")
}

#[test]
fn localhost_and_names_below_it_work_without_a_hosts_file() {
    for name in ["localhost", "app.localhost", "LOCALHOST."] {
        let script = started("$tcp_server") + &format!("$tcp_client -J -e {name}");
        let Some(end) = with_hosts("", &script) else {
            return;
        };
        end.assert_clean();
        assert_has(&end.events()[0], json!({ "peer": "127.0.0.1:1234" }));
        let script = started("$tcp_server -6") + &format!("$tcp_client -6 -J -e {name}");
        let end = with_hosts("", &script).unwrap();
        assert_has(
            &end.assert_clean().events()[0],
            json!({ "peer": "[::1]:1234" }),
        );
    }
}

#[test]
fn localhost_is_loopback_whatever_a_resolver_says() {
    let script = started("$udp_server -e") + "$udp_client -J -w 60 localhost";
    if let Some(end) = with_hosts("192.0.2.1 localhost\n", &script) {
        assert_has(
            &end.assert_clean().events()[0],
            json!({ "peer": "127.0.0.1:1234" }),
        );
    }
}

#[test]
fn an_internationalised_name_is_encoded_and_shown_as_it_was_typed() {
    let hosts = "127.0.0.5 xn--espaa-rta.example\n";
    let script = started("$tcp_server españa.example") + "cat $d/out\n$tcp_client ESPAÑA.example";
    let Some(end) = with_hosts(hosts, &script) else {
        return;
    };
    let expected = "Servidor en escucha en: españa.example:1234\n\
                    \n[+] Mensaje recibido del servidor: Hola, servidor!\n";
    assert_eq!(end.assert_clean().text(), expected);
    let refused = with_hosts(hosts, "$udp_client -w 1 españa.example 9").unwrap();
    refused.assert_error(4, &["españa.example:9 (127.0.0.5)"]);
    let unknown = with_hosts("", "$udp_client españa.example").unwrap();
    unknown.assert_error(3, &["name 'españa.example' not resolved"]);
}

#[test]
fn a_name_that_cannot_be_encoded_is_a_usage_error() {
    for program in [TcpServer, TcpClient, UdpServer, UdpClient] {
        for name in ["ñ..example", "ñ\u{202e}.example", &"ñ".repeat(64)] {
            let end = run(program.command([name]));
            end.assert_error(2, &["usage", "has no encoding"]);
            assert!(!end.stderr.contains('\u{202e}'), "{}", end.stderr);
        }
    }
}

#[test]
fn a_server_says_which_of_several_addresses_it_took() {
    let hosts = "127.0.0.2 many.example\n127.0.0.3 many.example\n127.0.0.4 many.example\n";
    for server in ["$tcp_server", "$udp_server"] {
        let script = started(&format!("{server} -J many.example")) + "cat $d/out";
        let Some(end) = with_hosts(hosts, &script) else {
            return;
        };
        assert_has(&end.events()[0], json!({ "address": "127.0.0.2:1234" }));
        let parts = [
            "127.0.0.2 alone",
            "'many.example'",
            "127.0.0.3, 127.0.0.4",
            "0.0.0.0",
        ];
        end.assert_error(0, &parts);
    }
}

#[test]
fn an_address_of_the_other_family_is_told_with_v_alone() {
    let hosts = "127.0.0.1 localhost\n::1 localhost\n";
    let script = |options: &str| started(&format!("$tcp_server {options}")) + "kill $!\nwait $!";
    let Some(quiet) = with_hosts(hosts, &script("")) else {
        return;
    };
    assert_eq!(quiet.stderr, "");
    let verbose = with_hosts(hosts, &script("-v")).unwrap();
    let line = "tcp-server: info: listening on 127.0.0.1, and not on ::1 of 'localhost'";
    assert!(verbose.stderr.contains(line), "{}", verbose.stderr);
}

#[test]
fn zones_with_odd_characters_are_refused_and_unknown_ones_named() {
    for program in [TcpServer, TcpClient, UdpServer, UdpClient] {
        for address in [
            "fe80::1%x]y",
            "[fe80::1%x]y]:80",
            "fe80::1%",
            "fe80::1%a b",
            "fe80::1%\u{1b}c",
        ] {
            run(program.command([address])).assert_error(2, &["not an address"]);
        }
        let unknown = run(program.command(["fe80::1%nowhere0"]));
        unknown.assert_error(3, &["fe80::1%nowhere0", "interface 'nowhere0'"]);
    }
    for program in [TcpClient, UdpClient] {
        let odd = run(program.command(["-B", "fe80::1%x]y", "::1"]));
        odd.assert_error(2, &["not a local address"]);
        let unknown = run(program.command(["-B", "fe80::1%nowhere0", "::1"]));
        unknown.assert_error(2, &["fe80::1%nowhere0", "interface 'nowhere0'"]);
    }
}

/// Two interfaces joined by a cable, one with a link-local address.
fn on_a_link(script: &str) -> Option<Finished> {
    let link = "ip link add left0 type veth peer name right0\nip link set left0 up\n\
                ip link set right0 up\nip addr add fe80::1/64 dev left0 nodad\n";
    Some(run(in_own_machine(&format!("{link}{script}"))?))
}

#[test]
fn a_link_local_address_is_shown_with_its_zone_everywhere() {
    let bind = "-B [fe80::1%left0]:5000 fe80::1%left0";
    for (server, client) in [
        ("$tcp_server", "$tcp_client -e -v"),
        ("$tcp_server", "$tcp_client -c 3 -i 1ms --lang en"),
        ("$tcp_server", "$tcp_client -t 100ms --stream --lang en"),
        ("$udp_server -e --lang en", "$udp_client -w 60 -v"),
        ("$udp_server -e -v", "$udp_client -c 3 -i 1ms"),
    ] {
        for style in ["", "-J"] {
            let script = started(&format!("{server} {style} fe80::1%left0"));
            let script = format!("{script}{client} {style} {bind}\nkill $!\nwait $!\ncat $d/out");
            let Some(end) = on_a_link(&script) else {
                return;
            };
            end.assert_code(0);
            let said = format!("{}{}", end.text(), end.stderr);
            assert!(said.contains("fe80::1%left0"), "{said}");
            let shown = said.matches("fe80::1").count();
            assert_eq!(shown, said.matches("fe80::1%left0").count(), "{said}");
        }
    }
}

#[test]
fn the_events_of_a_link_local_peer_can_be_typed_as_they_are() {
    let server = started("$udp_server -J -e -c 1 fe80::1%left0");
    let client = "$udp_client -J -w 60 -B [fe80::1%left0]:5000 [fe80::1%left0]:1234";
    let Some(end) = on_a_link(&format!("{server}{client}\nwait $!\ncat $d/out")) else {
        return;
    };
    let events = end.assert_clean().events();
    let (peer, place) = ("[fe80::1%left0]:5000", "[fe80::1%left0]:1234");
    assert_has(&events[0], json!({ "event": "reply", "peer": place }));
    assert_has(
        &events[1],
        json!({ "event": "listening", "address": place }),
    );
    assert_has(
        &events[2],
        json!({ "event": "datagram", "peer": peer, "destination": place }),
    );
}

#[test]
fn a_link_local_address_without_its_zone_is_explained_with_a_real_interface() {
    let table = [
        ("$tcp_server fe80::1", "cannot listen on [fe80::1]:1234"),
        ("$udp_server fe80::1", "cannot listen on [fe80::1]:1234"),
        ("$tcp_client fe80::1", "cannot connect to [fe80::1]:1234"),
        ("$udp_client fe80::1", "cannot connect to [fe80::1]:1234"),
        ("$tcp_client -B fe80::1 ::1", "cannot bind to [fe80::1]:0"),
        ("$udp_client -B fe80::1 ::1", "cannot bind to [fe80::1]:0"),
    ];
    for (command, operation) in table {
        let Some(end) = on_a_link(command) else {
            return;
        };
        // The other end of the cable has a link-local address of its own.
        end.assert_error(8, &[operation, "needs its zone, like fe80::1%left0"]);
    }
}

/// A zone is an interface of this machine for every program, and loopback is one everywhere.
#[test]
fn the_index_of_an_interface_is_a_zone_too() {
    let index = fs::read_to_string("/sys/class/net/lo/ifindex").unwrap();
    let server = Server::start(TcpServer, "::1");
    let bind = format!("-e -J -B ::1%{}", index.trim());
    let end = run(TcpClient.to(server.address, &bind));
    assert_has(
        &end.assert_clean().events()[0],
        json!({ "peer": server.address.to_string() }),
    );
}
