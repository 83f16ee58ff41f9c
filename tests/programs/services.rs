//! Servers as a service manager runs them: with a socket that is open already, and a word when they are ready.

use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::process::Command;

use nix::sys::socket::{setsockopt, sockopt};

use crate::harness::DEADLINE;

use crate::harness::compat::{tcp_server, udp_server};
use crate::harness::peers::{assert_echoes, connect};
use crate::harness::process::Running;

/// Makes standard input, which is the one descriptor that a child gets from its parent, the first
/// that a service manager hands over (sd_listen_fds(3)).
const ONE_SOCKET: &str =
    r#"exec 3<&0 0</dev/null; export LISTEN_FDS=1 LISTEN_PID=$$; exec "$0" "$@""#;

fn activated(
    script: &str,
    program: &Command,
    socket: impl Into<OwnedFd>,
    arguments: &[&str],
) -> Running {
    let mut shell = Command::new("sh");
    shell
        .args(["-c", script])
        .arg(program.get_program())
        .args(arguments)
        .env_remove("LANG")
        .env_remove("LC_ALL");
    Running::start_from(shell, socket.into())
}

fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

fn udp_socket() -> (UdpSocket, SocketAddr) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(DEADLINE)).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

#[test]
fn a_server_says_that_it_is_ready_once_it_listens() {
    let directory = tempfile::tempdir().unwrap();
    for mut command in [tcp_server(), udp_server()] {
        let path = directory
            .path()
            .join(command.get_program().to_str().unwrap().replace('/', "_"));
        let manager = UnixDatagram::bind(&path).unwrap();
        manager.set_read_timeout(Some(DEADLINE)).unwrap();
        command.args(["-p", "0", "-q"]).env("NOTIFY_SOCKET", &path);
        let server = Running::start(command);
        let mut said = [0; 100];
        let length = manager.recv(&mut said).unwrap();
        assert_eq!(&said[..length], b"READY=1\n");
        let end = server.interrupt();
        end.assert_code(0);
        assert_eq!(end.stderr, "");
    }
}

#[test]
fn a_service_manager_that_is_gone_is_a_warning() {
    for mut command in [tcp_server(), udp_server()] {
        command
            .args(["-p", "0"])
            .env("NOTIFY_SOCKET", "/nowhere/at/all");
        let server = Running::start(command);
        let warning = server.error_line();
        assert!(
            warning.contains("cannot tell the service manager"),
            "{warning}"
        );
        server.interrupt().assert_code(0);
    }
}

#[test]
fn a_tcp_server_serves_the_socket_that_it_is_handed() {
    let (listener, address) = listener();
    // Who connects before the server starts is served too: that is what activation is for.
    let mut early = connect(address);
    let server = activated(ONE_SOCKET, &tcp_server(), listener, &["--rcvbuf", "2G"]);
    assert_eq!(server.line(), format!("Servidor en escucha en: {address}"));
    let warning = server.error_line();
    assert!(
        warning.contains("net.core.rmem_max"),
        "options are set: {warning}"
    );
    assert_echoes(&mut early, b"hola");
    assert_echoes(&mut connect(address), b"hola");
    drop(early);
    server.interrupt().assert_code(0);
}

#[test]
fn a_udp_server_answers_on_the_socket_that_it_is_handed() {
    let (socket, address) = udp_socket();
    // Where a datagram was sent to is known of those that came after this; PassPacketInfo= of a
    // socket unit sets it at the start (systemd.socket(5)).
    setsockopt(&socket, sockopt::Ipv4PacketInfo, &true).unwrap();
    let (peer, _) = udp_socket();
    peer.send_to(b"hola", address).unwrap();
    let server = activated(ONE_SOCKET, &udp_server(), socket, &["--echo"]);
    assert_eq!(
        server.text_line(),
        format!("[+] Servidor UDP en escucha en: {address}")
    );
    let mut reply = [0; 10];
    assert_eq!(peer.recv_from(&mut reply).unwrap(), (4, address));
    server.interrupt().assert_code(0);
}

#[test]
fn a_socket_of_the_wrong_kind_is_exit_8() {
    let wrong = |program: Command, socket: OwnedFd, why: &str| {
        let end = activated(ONE_SOCKET, &program, socket, &[]).wait();
        end.assert_code(8)
            .assert_one_line_error(&["the socket of the service manager", why]);
    };
    wrong(
        tcp_server(),
        udp_socket().0.into(),
        "not a valid tcp socket",
    );
    wrong(udp_server(), listener().0.into(), "not a valid udp socket");
    let (listener, address) = listener();
    let connection = TcpStream::connect(address).unwrap();
    wrong(tcp_server(), connection.into(), "does not listen");
    drop(listener);
}

#[test]
fn more_sockets_than_one_are_exit_8() {
    let two = ONE_SOCKET
        .replace("exec 3<&0", "exec 3<&0 4<&0")
        .replace("FDS=1", "FDS=2");
    for (program, socket) in [
        (tcp_server(), OwnedFd::from(listener().0)),
        (udp_server(), udp_socket().0.into()),
    ] {
        let end = activated(&two, &program, socket, &[]).wait();
        end.assert_code(8)
            .assert_one_line_error(&["2 sockets instead of one"]);
    }
}

#[test]
fn a_socket_meant_for_another_process_is_left_alone() {
    let (listener, address) = listener();
    let script = ONE_SOCKET.replace("LISTEN_PID=$$", "LISTEN_PID=1");
    let server = activated(&script, &tcp_server(), listener, &["-p", "0"]);
    assert_ne!(server.listening(), address);
    server.interrupt().assert_code(0);
}
