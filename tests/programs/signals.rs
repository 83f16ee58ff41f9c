//! Signals end every program in every mode, as process 1 too, and those ignored at the start stay so.

use std::fs;
use std::io::Write;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use socket2::{Domain, Socket, Type};

use crate::harness::signals::handles_signals;
use crate::harness::{
    Program, Running, Server, TcpClient, TcpServer, UdpClient, UdpServer, With, as_process_1,
    assert_echoes, behind, command, connect, eventually, run, socket_on,
};

const SIGNALS: [(Signal, i32); 3] = [
    (Signal::SIGINT, 130),
    (Signal::SIGTERM, 143),
    (Signal::SIGHUP, 129),
];

/// A listener whose backlog is full, and the connections that fill it: a further one gets no answer.
fn silent_listener() -> (SocketAddr, Vec<Socket>) {
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let any_port: SocketAddr = "127.0.0.1:0".parse().unwrap();
    listener.bind(&any_port.into()).unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    let mut sockets = vec![listener];
    for _ in 0..3 {
        let client = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        client.set_nonblocking(true).unwrap();
        let _ = client.connect(&address);
        sockets.push(client);
    }
    (address.as_socket().unwrap(), sockets)
}

/// Clients that wait for something that never comes, and what keeps it from coming.
struct Waits {
    directory: tempfile::TempDir,
    accepted: TcpListener,
    unanswered: (SocketAddr, Vec<Socket>),
    silent: UdpSocket,
}

impl Waits {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        run(command("mkfifo", [directory.path().join("fifo")])).assert_code(0);
        Self {
            directory,
            accepted: TcpListener::bind("127.0.0.1:0").unwrap(),
            unanswered: silent_listener(),
            silent: socket_on("127.0.0.1"),
        }
    }

    fn commands(&self) -> Vec<Command> {
        let fifo = format!("-f {}/fifo", self.directory.path().display());
        let accepted = self.accepted.local_addr().unwrap();
        let silent = self.silent.local_addr().unwrap();
        vec![
            TcpClient.to(accepted, ""),
            TcpClient.to(self.unanswered.0, ""),
            TcpClient.to(self.unanswered.0, "-c 1"),
            TcpClient.to(accepted, &fifo),
            UdpClient.to(silent, "-w 1h"),
            UdpClient.to(silent, &fifo),
        ]
    }
}

#[test]
fn a_client_that_has_nothing_to_sum_up_ends_with_the_code_of_the_signal() {
    let waits = Waits::new();
    for (signal, code) in SIGNALS {
        for command in waits.commands() {
            let client = Running::start(command);
            client.wait_for_handlers();
            client.signal(signal);
            client.wait().assert_code(code);
        }
    }
}

/// Runs a command as process 1, tells it to end once it handles signals and, if it `speaks`, has said
/// something, and returns its exit code.
fn signalled_as_process_1(
    wrapper: Command,
    ordinary: &Command,
    speaks: bool,
    signal: Signal,
) -> Option<i32> {
    let arguments: Vec<_> = ordinary.get_args().collect();
    let running = Running::start(wrapper.with(arguments.as_slice()));
    if speaks {
        running.text_line();
    }
    let children = format!("/proc/{0}/task/{0}/children", running.pid());
    let mut child = 0;
    eventually("process 1 handles signals", || {
        let children = fs::read_to_string(&children).unwrap();
        child = children.trim().parse().unwrap_or(0);
        child > 0 && fs::exists(format!("/proc/{child}")).unwrap() && handles_signals(child)
    });
    kill(Pid::from_raw(child.try_into().unwrap()), signal).unwrap();
    running.wait().code
}

#[test]
fn process_1_ends_on_a_signal_as_any_other() {
    let waits = Waits::new();
    let echo = Server::start(UdpServer, "--echo --json");
    let silent = waits.commands().into_iter().map(|command| (command, false));
    // These end in order: a server drains, a measurement has a summary to give.
    let speaking = [
        TcpServer.command("-p 0"),
        UdpServer.command("-p 0"),
        UdpClient.to(echo.address, "-i 20ms"),
    ];
    for (command, speaks) in silent.chain(speaking.map(|command| (command, true))) {
        for (signal, code) in SIGNALS {
            let Some(wrapper) = as_process_1(command.get_program()) else {
                return;
            };
            let expected = if speaks { 0 } else { code };
            let ended = signalled_as_process_1(wrapper, &command, speaks, signal);
            assert_eq!(ended, Some(expected), "{signal} to {command:?}");
        }
    }
}

#[test]
fn a_signal_that_was_ignored_at_the_start_stays_ignored() {
    let ignoring = |program: Program| behind("trap '' INT HUP", program.path());
    let server = Server::start_command(ignoring(TcpServer).with("-p 0 --json"));
    server.signal(Signal::SIGINT);
    server.signal(Signal::SIGHUP);
    // It listens, and serves.
    assert_echoes(&mut connect(server.address), b"hola");
    assert_echoes(&mut connect(server.address), b"hola");
    let receiver = Server::start_command(ignoring(UdpServer).with("-p 0 --json --echo"));
    receiver.signal(Signal::SIGINT);
    receiver.signal(Signal::SIGHUP);
    // Both clients measure until SIGTERM, which is not ignored.
    for (program, address) in [(TcpClient, server.address), (UdpClient, receiver.address)] {
        let measuring = ignoring(program).with("-i 10ms --json");
        let client = Running::start(measuring.with([address.to_string()]));
        assert_eq!(client.event()["event"], "reply");
        client.signal(Signal::SIGINT);
        client.signal(Signal::SIGHUP);
        for _ in 0..5 {
            assert_eq!(client.event()["event"], "reply");
        }
        client.signal(Signal::SIGTERM);
        let summary = client.wait().assert_code(0).events().pop().unwrap();
        assert_eq!(summary["event"], "summary");
    }
    for server in [server, receiver] {
        server.signal(Signal::SIGTERM);
        server.wait().assert_code(0);
    }
}

#[test]
fn a_second_signal_ends_a_measurement_whose_output_nobody_reads() {
    let echo = Server::start(UdpServer, "--echo --json");
    let (mut stdout, _reader) = UnixStream::pair().unwrap();
    stdout.set_nonblocking(true).unwrap();
    while stdout.write(&[b'\n'; 4096]).is_ok() {}
    let mut measuring = UdpClient.to(echo.address, "-i 1ms --json");
    measuring.stdin(Stdio::null()).stdout(OwnedFd::from(stdout));
    let mut client = Running::spawn(measuring);
    client.wait_for_handlers();
    let mut signals = 0;
    eventually("two signals end the client", || {
        signals += 1;
        client.signal(Signal::SIGTERM);
        client.has_ended()
    });
    assert_eq!(client.wait().code, Some(143));
}
