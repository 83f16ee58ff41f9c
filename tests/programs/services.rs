//! Servers under a service manager: with a socket that is open already, and a word when they are ready.

use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process::Stdio;

use nix::sys::socket::{setsockopt, sockopt};
use tempfile::TempDir;

use crate::harness::{
    DEADLINE, Program, Running, Server, TcpServer, UdpServer, With, assert_echoes, behind, command,
    connect, receive, run, socket_on,
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

/// The socket of a service manager, and its place.
struct Manager {
    socket: UnixDatagram,
    directory: TempDir,
}

impl Manager {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let socket = UnixDatagram::bind(directory.path().join("manager")).unwrap();
        socket.set_read_timeout(Some(DEADLINE)).unwrap();
        Self { socket, directory }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("manager")
    }

    fn start(&self, program: Program, arguments: &str) -> Running {
        let command = program.command(arguments);
        Running::start(command.with_env("NOTIFY_SOCKET", self.path()))
    }

    /// The next lines, one for each state.
    fn hear(&self) -> String {
        let mut said = [0; 500];
        let length = self.socket.recv(&mut said).unwrap();
        String::from_utf8(said[..length].to_vec()).unwrap()
    }

    fn fill_queue(&self) {
        let filler = UnixDatagram::unbound().unwrap();
        filler.connect(self.path()).unwrap();
        filler.set_nonblocking(true).unwrap();
        while filler.send(b"full").is_ok() {}
    }
}

#[test]
fn a_server_tells_its_manager_where_it_listens_and_how_it_ends() {
    let endings = [
        (
            TcpServer,
            "finishing: 0 clients are left",
            "ended; clients that were cut: 0\n",
        ),
        (
            UdpServer,
            "finishing: what the socket holds is received",
            "ended; datagrams received 0, bytes 0, dropped by the kernel 0, duration ",
        ),
    ];
    for (program, finishing, ended) in endings {
        let manager = Manager::new();
        let server = manager.start(program, "-p 0 --json");
        let address = server.event()["address"].clone();
        let address = address.as_str().unwrap();
        assert_eq!(
            manager.hear(),
            format!("READY=1\nSTATUS=listening on {address}\n")
        );
        server.interrupt().assert_clean();
        assert_eq!(manager.hear(), format!("STOPPING=1\nSTATUS={finishing}\n"));
        let last = manager.hear();
        assert!(last.starts_with(&format!("STATUS={ended}")), "{last}");
    }
}

#[test]
fn a_service_manager_that_reads_no_more_keeps_no_server_from_ending() {
    for program in [TcpServer, UdpServer] {
        let manager = Manager::new();
        let server = manager.start(program, "-p 0 -q");
        assert!(manager.hear().starts_with("READY=1\n"));
        manager.fill_queue();
        server.interrupt().assert_clean();
    }
}

#[test]
fn a_service_manager_that_does_not_listen_keeps_no_server_from_ending() {
    for program in [TcpServer, UdpServer] {
        let manager = Manager::new();
        manager.fill_queue();
        let server = manager.start(program, "-p 0 --json");
        assert_eq!(server.event()["event"], "listening");
        server.interrupt().assert_code(0);
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

#[test]
fn a_listener_that_was_handed_over_outlives_its_server() {
    let (listener, address) = listener();
    let start = || {
        let handed_over = listener.try_clone().unwrap();
        Server::from(activated(ONE_SOCKET, TcpServer, handed_over, ""))
    };
    let first = start();
    assert_echoes(&mut connect(address), b"hola");
    first.interrupt().assert_code(0);
    // Nobody accepts now, and nothing is refused.
    let mut waiting = connect(address);
    let second = start();
    assert_echoes(&mut waiting, b"hola");
    assert_echoes(&mut connect(address), b"hola");
    drop(waiting);
    second.interrupt().assert_code(0);
}

#[test]
fn an_address_beside_a_socket_that_was_handed_over_is_warned_of() {
    for arguments in ["127.0.0.1", "-p 1", "-6"] {
        let (socket, udp) = (listener(), udp_socket());
        let expected = "the address of the command line is not used: the service manager handed \
                        over a socket on 127.0.0.1:";
        let both = [
            activated(ONE_SOCKET, TcpServer, socket.0, arguments),
            activated(ONE_SOCKET, UdpServer, udp, arguments),
        ];
        for server in both {
            let warning = server.error_line();
            assert!(warning.contains(expected), "{warning}");
            assert!(server.text_line().contains("127.0.0.1:"));
            server.interrupt().assert_code(0);
        }
    }
}

/// Names the file of standard error as the journal, if `it` is that file.
fn journal_on(it: &str) -> String {
    format!("export JOURNAL_STREAM=$(stat --dereference --format=%d:%i {it})")
}

#[test]
fn lines_for_the_journal_have_priorities() {
    let journal = journal_on("/proc/self/fd/2");
    let usage = run(behind(&journal, TcpServer.path()).with("--bogus"));
    assert!(
        usage.stderr.starts_with("<3>tcp-server: usage: "),
        "{}",
        usage.stderr
    );
    for program in [TcpServer, UdpServer] {
        let name = program.name();
        let command = behind(&journal, program.path());
        let server = Server::start_command(command.with("-p 0 --rcvbuf 2G"));
        let address = server.address;
        let warning = server.error_line();
        assert!(
            warning.starts_with(&format!("<4>{name}: warning: ")),
            "{warning}"
        );
        assert_eq!(
            server.error_line(),
            format!("<6>{name}: info: listening on {address}")
        );
        let end = server.interrupt();
        let lines: Vec<&str> = end.stderr.lines().collect();
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(
            lines[0].starts_with(&format!("<6>{name}: info: finishing")),
            "{lines:?}"
        );
        assert!(
            lines[1].starts_with(&format!("<6>{name}: info: ended; ")),
            "{lines:?}"
        );
    }
}

#[test]
fn standard_error_that_is_not_the_journal_has_no_priorities() {
    for other in ["/", "/proc/self/fd/1"] {
        let journal = journal_on(other);
        let usage = run(behind(&journal, TcpServer.path()).with("--bogus"));
        assert!(
            usage.stderr.starts_with("tcp-server: usage: "),
            "{}",
            usage.stderr
        );
        let server = Server::start_command(behind(&journal, TcpServer.path()).with("-p 0"));
        server.interrupt().assert_clean();
    }
}
