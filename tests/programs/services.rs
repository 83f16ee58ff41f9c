//! Servers under a service manager: with a socket that is open already, and a word when they are ready.

use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::process::Stdio;

use nix::sys::socket::{setsockopt, sockopt};

use crate::harness::{
    DEADLINE, Program, Running, Server, TcpServer, UdpServer, With, assert_echoes, command,
    connect, receive, socket_on,
};

/// Makes standard input, which is the one descriptor that a child gets from its parent, the first
/// that a service manager hands over (sd_listen_fds(3)).
const ONE_SOCKET: &str =
    r#"exec 3<&0 0</dev/null; export LISTEN_FDS=1 LISTEN_PID=$$; exec "$0" "$@""#;

fn activated(
    script: &str,
    program: Program,
    socket: impl Into<OwnedFd>,
    arguments: &str,
) -> Running {
    let shell = command("sh", ["-c", script]).with([program.path()]);
    let mut server = shell.with(arguments);
    server.stdin(socket.into()).stdout(Stdio::piped());
    server.stderr(Stdio::piped());
    Running::spawn(server)
}

fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

fn udp_socket() -> UdpSocket {
    socket_on("127.0.0.1")
}

#[test]
fn a_server_says_that_it_is_ready_once_it_listens() {
    for program in [TcpServer, UdpServer] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("manager");
        let manager = UnixDatagram::bind(&path).unwrap();
        manager.set_read_timeout(Some(DEADLINE)).unwrap();
        let command = program.command("-p 0 -q");
        let server = Running::start(command.with_env("NOTIFY_SOCKET", &path));
        let mut said = [0; 100];
        let length = manager.recv(&mut said).unwrap();
        assert_eq!(&said[..length], b"READY=1\n");
        server.interrupt().assert_clean();
    }
}

#[test]
fn a_service_manager_that_does_not_listen_keeps_no_server_from_ending() {
    for program in [TcpServer, UdpServer] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("manager");
        let _manager = UnixDatagram::bind(&path).unwrap();
        let filler = UnixDatagram::unbound().unwrap();
        filler.connect(&path).unwrap();
        filler.set_nonblocking(true).unwrap();
        while filler.send(b"full").is_ok() {}
        let command = program.command("-p 0 --json");
        let server = Running::start(command.with_env("NOTIFY_SOCKET", &path));
        assert_eq!(server.event()["event"], "listening");
        server.interrupt().assert_clean();
    }
}

#[test]
fn a_service_manager_that_is_gone_is_a_warning() {
    for program in [TcpServer, UdpServer] {
        let command = program.command("-p 0");
        let server = Running::start(command.with_env("NOTIFY_SOCKET", "/nowhere/at/all"));
        let warning = server.error_line();
        let expected = "cannot tell the service manager";
        assert!(warning.contains(expected), "{warning}");
        server.interrupt().assert_code(0);
    }
}

#[test]
fn a_tcp_server_serves_the_socket_that_it_is_handed() {
    let (listener, address) = listener();
    // A client that connects before the server starts is served too: that is what activation is for.
    let mut early = connect(address);
    let server = Server::from(activated(ONE_SOCKET, TcpServer, listener, "--rcvbuf 2G"));
    let line = format!("Servidor en escucha en: {address}");
    assert_eq!(server.greeting, line);
    // Options are set on a socket that was handed over, too.
    let warning = server.error_line();
    assert!(warning.contains("net.core.rmem_max"), "{warning}");
    assert_echoes(&mut early, b"hola");
    assert_echoes(&mut connect(address), b"hola");
    drop(early);
    server.interrupt().assert_code(0);
}

#[test]
fn a_udp_server_answers_on_the_socket_that_it_is_handed() {
    let socket = udp_socket();
    let address = socket.local_addr().unwrap();
    // The destination is known of datagrams that came after this was set; PassPacketInfo= of a
    // socket unit sets it at the start (systemd.socket(5)).
    setsockopt(&socket, sockopt::Ipv4PacketInfo, &true).unwrap();
    let peer = udp_socket();
    peer.connect(address).unwrap();
    peer.send(b"hola").unwrap();
    let server = Server::from(activated(ONE_SOCKET, UdpServer, socket, "--echo"));
    let line = format!("\n[+] Servidor UDP en escucha en: {address}");
    assert_eq!(server.greeting, line);
    assert_eq!(receive(&peer), b"hola");
    server.interrupt().assert_code(0);
}

#[test]
fn sockets_of_the_wrong_kind_or_number_are_exit_8() {
    let assert_refused = |program, script, socket, why| {
        let end = activated(script, program, socket, "").wait();
        end.assert_error(8, &["the service manager", why]);
    };
    let datagrams = || OwnedFd::from(udp_socket());
    let stream = || OwnedFd::from(listener().0);
    let invalid = "not a valid tcp socket";
    assert_refused(TcpServer, ONE_SOCKET, datagrams(), invalid);
    let invalid = "not a valid udp socket";
    assert_refused(UdpServer, ONE_SOCKET, stream(), invalid);
    let (_listener, address) = listener();
    let connection = TcpStream::connect(address).unwrap().into();
    assert_refused(TcpServer, ONE_SOCKET, connection, "does not listen");
    let two = ONE_SOCKET.replace("3<&0", "3<&0 4<&0");
    let two = two.replace("FDS=1", "FDS=2");
    let too_many = "2 sockets instead of one";
    assert_refused(TcpServer, &two, stream(), too_many);
    assert_refused(UdpServer, &two, datagrams(), too_many);
}

#[test]
fn a_socket_meant_for_another_process_is_left_alone() {
    let (listener, address) = listener();
    let script = ONE_SOCKET.replace("LISTEN_PID=$$", "LISTEN_PID=1");
    let server = Server::from(activated(&script, TcpServer, listener, "-p 0"));
    assert_ne!(server.address, address);
    server.interrupt().assert_code(0);
}
