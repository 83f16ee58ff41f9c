//! Socket options as a peer, or a second server, sees them.

use std::io;
use std::net::{IpAddr, UdpSocket};
use std::sync::mpsc;

use crate::harness::{
    Server, TcpClient, TcpServer, UdpClient, UdpServer, assert_echoes, connect, run, serve_one,
    socket_on,
};

#[test]
fn a_tcp_client_comes_from_the_address_it_was_bound_to() {
    let (sender, receiver) = mpsc::channel();
    let server = serve_one(move |stream| {
        sender.send(stream.peer_addr().unwrap()).unwrap();
        io::copy(&mut &stream, &mut &stream).unwrap();
    });
    run(TcpClient.to(server, "-B 127.0.0.2 -e")).assert_clean();
    let expected: IpAddr = "127.0.0.2".parse().unwrap();
    assert_eq!(receiver.recv().unwrap().ip(), expected);
}

#[test]
fn a_udp_client_comes_from_the_address_and_port_it_was_bound_to() {
    let server = socket_on("127.0.0.1");
    let address = server.local_addr().unwrap();
    let free = UdpSocket::bind("127.0.0.6:0")
        .unwrap()
        .local_addr()
        .unwrap();
    for (end, port) in [
        (free.to_string(), Some(free.port())),
        (free.ip().to_string(), None),
    ] {
        run(UdpClient.to(address, &format!("-B {end}"))).assert_code(0);
        let (_, peer) = server.recv_from(&mut [0; 64]).unwrap();
        assert_eq!(peer.ip(), free.ip());
        assert!(port.is_none_or(|port| port == peer.port()), "{peer}");
    }
}

#[test]
fn two_servers_share_a_port_only_if_both_want_to() {
    for program in [TcpServer, UdpServer] {
        let first = Server::start(program, "--reuse-port");
        let second = Server::start_at(first.address, program, "--reuse-port");
        assert_eq!(second.address, first.address);
        let port = first.address.port();
        let refused = run(program.command(&format!("-p {port}")));
        let refusal =
            format!("cannot listen on localhost:{port} (127.0.0.1): address already in use");
        refused.assert_error(8, &[&refusal, "another server"]);
        assert_eq!(refused.text(), "");
    }
}

#[test]
fn a_buffer_that_the_kernel_cuts_down_is_a_warning_that_names_the_sysctl() {
    for program in [TcpServer, UdpServer] {
        let server = Server::start(program, "--rcvbuf 1Gi --sndbuf 1Gi");
        for (kind, limit) in [
            ("receive", "net.core.rmem_max"),
            ("send", "net.core.wmem_max"),
        ] {
            let asked =
                format!("asked for a {kind} buffer of 1073741824 bytes, the kernel granted");
            let warning = server.error_line();
            assert!(warning.contains(&asked), "{warning}");
            assert!(warning.contains(limit), "{warning}");
        }
        server.interrupt().assert_code(0);
    }
}

#[test]
fn every_socket_option_is_accepted_by_server_and_client() {
    let both = "--rcvbuf 64Ki --sndbuf 64Ki --dscp AF11 --ttl 9 -I lo";
    let tcp = format!("{both} --keepalive=30s --no-nodelay");
    let server = Server::start(TcpServer, &format!("{tcp} --backlog 7"));
    run(TcpClient.to(server.address, &format!("{tcp} -e"))).assert_clean();
    server.interrupt().assert_clean();
    let server = Server::start(UdpServer, &format!("{both} --echo"));
    run(UdpClient.to(server.address, &format!("{both} -w 1m"))).assert_clean();
    server.interrupt().assert_clean();
}

#[test]
fn ipv6_works_by_literal_address_and_by_family() {
    let server = Server::start(TcpServer, "::1");
    let port = server.address.port();
    assert!(server.address.is_ipv6());
    run(TcpClient.command(&format!("-e -6 ::1 {port}"))).assert_code(0);
}

#[test]
fn an_ipv4_client_of_a_server_for_both_families_is_shown_as_ipv4() {
    let server = Server::start(TcpServer, ":: --lang en");
    let client = connect(server.at("127.0.0.1"));
    let address = client.local_addr().unwrap();
    let line = format!("[+] A new client has connected: {address}");
    assert_eq!(server.text_line(), line);
}

#[test]
fn a_server_told_to_use_ipv6_alone_takes_no_ipv4() {
    let server = Server::start(TcpServer, "-6 ::");
    run(TcpClient.to(server.at("127.0.0.1"), "")).assert_code(4);
    assert_echoes(&mut connect(server.at("::1")), b"hola");
}
