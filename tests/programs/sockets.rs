//! Socket options as a peer, or a second server, sees them.

use std::net::SocketAddr;

use crate::harness::compat::{run, tcp_client, tcp_server};
use crate::harness::peers::{assert_echoes, connect, serve_one};
use crate::harness::process::Running;

fn start(arguments: &[&str]) -> Running {
    let mut command = tcp_server();
    command.args(arguments);
    Running::start(command)
}

#[test]
fn a_client_comes_from_the_address_and_port_it_was_bound_to() {
    let (sender, receiver) = std::sync::mpsc::channel();
    let server = serve_one(move |stream| {
        sender.send(stream.peer_addr().unwrap()).unwrap();
        std::io::Write::write_all(&mut &stream, b"hola").unwrap();
    });
    let mut command = tcp_client();
    command.args(["-B", "127.0.0.2", &server.to_string(), "-m", ""]);
    run(command, "").assert_code(0);
    assert_eq!(receiver.recv().unwrap().ip().to_string(), "127.0.0.2");
}

#[test]
fn a_local_address_that_is_not_ours_is_exit_8() {
    let server = serve_one(drop);
    let mut command = tcp_client();
    command.args(["-B", "192.0.2.1", &server.to_string()]);
    run(command, "")
        .assert_code(8)
        .assert_one_line_error(&["cannot bind to 192.0.2.1:0", "not one of this machine's"]);
}

#[test]
fn two_servers_share_a_port_with_reuse_port_alone() {
    let first = start(&["-p", "0", "--reuse-port"]);
    let port = first.listening().port().to_string();
    let second = start(&["-p", &port, "--reuse-port"]);
    assert_eq!(second.listening().port().to_string(), port);
    let mut command = tcp_server();
    command.args(["-p", &port]);
    run(command, "").assert_code(8);
}

#[test]
fn a_buffer_that_the_kernel_cuts_down_is_a_warning_that_names_the_sysctl() {
    let server = start(&["-p", "0", "--rcvbuf", "2G", "--sndbuf", "2G"]);
    assert!(server.error_line().contains("net.core.rmem_max"));
    assert!(server.error_line().contains("net.core.wmem_max"));
    assert_echoes(&mut connect(server.listening()), b"hola");
}

#[test]
fn every_socket_option_is_accepted_by_server_and_client() {
    let options = [
        "--rcvbuf", "64Ki", "--sndbuf", "64Ki", "--dscp", "AF11", "--ttl", "9", "-I", "lo",
    ];
    let tcp = ["--keepalive=30s", "--no-nodelay"];
    let server = start(&[&["-p", "0", "--backlog", "7"], &options[..], &tcp[..]].concat());
    let mut command = tcp_client();
    command
        .args(options)
        .args(tcp)
        .args(["-e", &server.listening().to_string()]);
    run(command, "").assert_code(0);
    let end = server.interrupt();
    end.assert_code(0);
    assert_eq!(end.stderr, "");
}

#[test]
fn an_unknown_interface_is_exit_8_and_named() {
    let mut command = tcp_server();
    command.args(["-p", "0", "-I", "nowhere0"]);
    run(command, "")
        .assert_code(8)
        .assert_one_line_error(&["nowhere0"]);
}

#[test]
fn ipv6_works_by_literal_address_and_by_family() {
    let server = start(&["[::1]:0"]);
    let address = server.listening();
    assert!(address.is_ipv6());
    let mut command = tcp_client();
    command.args(["-e", "-6", "::1", &address.port().to_string()]);
    run(command, "").assert_code(0);
}

#[test]
fn an_ipv4_client_of_a_server_for_both_families_is_shown_as_ipv4() {
    let server = start(&["[::]:0", "--lang", "en"]);
    let port = server.listening().port();
    let address: SocketAddr = ([127, 0, 0, 1], port).into();
    let client = connect(address);
    assert_eq!(server.line(), "");
    assert_eq!(
        server.line(),
        format!(
            "[+] A new client has connected: {}",
            client.local_addr().unwrap()
        )
    );
}

#[test]
fn a_server_told_to_use_ipv6_alone_takes_no_ipv4() {
    let server = start(&["-6", "[::]:0"]);
    let port = server.listening().port();
    let mut command = tcp_client();
    command.args(["127.0.0.1", &port.to_string()]);
    run(command, "").assert_code(4);
    let mut command = tcp_client();
    command.args(["-e", "::1", &port.to_string()]);
    run(command, "").assert_code(0);
}
