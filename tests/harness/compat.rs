//! Names of the harness before, until every test uses the new ones.

use std::net::SocketAddr;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::figures::Figures;
use super::process::{Finished, Running, parse_event, run_with};
use super::program::{Program, installed};

macro_rules! binary {
    ($function:ident, $program:ident) => {
        pub(crate) fn $function() -> Command {
            Program::$program.command("")
        }
    };
}
binary!(tcp_server, TcpServer);
binary!(tcp_client, TcpClient);
binary!(udp_server, UdpServer);
binary!(udp_client, UdpClient);

pub(crate) fn run(command: Command, input: impl Into<Vec<u8>>) -> Finished {
    run_with(command, input)
}

pub(crate) fn is_there(program: &str) -> bool {
    installed(program, "").is_some()
}

pub(crate) fn wait_until(child: &mut Child) -> Option<ExitStatus> {
    super::process::wait_for(child)
}

pub(crate) fn status_figure(pid: u32, name: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    line.split_whitespace().next()?.parse().ok()
}

impl Finished {
    #[track_caller]
    pub(crate) fn assert_one_line_error(&self, parts: &[&str]) -> &Self {
        self.assert_error(self.code.unwrap(), parts)
    }
}

impl Running {
    #[track_caller]
    pub(crate) fn listening(&self) -> SocketAddr {
        super::server::address_in(&self.text_line())
    }

    pub(crate) fn start_from(mut command: Command, stdin: impl Into<Stdio>) -> Self {
        command.stdin(stdin).stdout(Stdio::piped());
        command.stderr(Stdio::piped());
        Self::spawn(command)
    }

    pub(crate) fn stdin(&mut self) -> ChildStdin {
        self.child.stdin.take().unwrap()
    }
}

impl Figures {
    pub(crate) fn of(program: &Running) -> Self {
        program.figures()
    }
}

pub(crate) fn load_while_silent(program: &Running, time: Duration) -> f64 {
    program.load_while_silent(time)
}

pub(crate) fn serve(mut server: Command, arguments: &[&str]) -> (Running, SocketAddr) {
    server.args(["-p", "0", "--json"]).args(arguments);
    let server = Running::start(server);
    let address = server.listening();
    (server, address)
}

pub(crate) struct UdpServer {
    pub(crate) running: Running,
    pub(crate) address: SocketAddr,
}

impl UdpServer {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let running = Running::start(server_command("localhost:0", arguments));
        let address = running.listening();
        Self { running, address }
    }

    pub(crate) fn start_json(place: &str, arguments: &[&str]) -> Self {
        let mut command = server_command(place, arguments);
        command.arg("--json");
        let running = Running::start(command);
        let address = running.listening();
        Self { running, address }
    }

    #[track_caller]
    pub(crate) fn event(&self) -> Value {
        parse_event(&self.running.line())
    }

    #[track_caller]
    pub(crate) fn finish(self) -> Vec<Value> {
        let finished = self.running.interrupt();
        finished.assert_code(0);
        finished.events()
    }

    pub(crate) fn at(&self, address: &str) -> SocketAddr {
        let address = address.parse().expect("an address");
        SocketAddr::new(address, self.address.port())
    }

    pub(crate) fn pause(&self) {
        self.running.pause();
    }

    pub(crate) fn resume(&self) {
        self.running.resume();
    }
}

pub(crate) fn server_command(place: &str, arguments: &[&str]) -> Command {
    let mut command = udp_server();
    command.arg(place).args(arguments);
    command
}

pub(crate) fn client_of(address: SocketAddr, arguments: &[&str]) -> Command {
    let mut command = udp_client();
    command.arg(address.to_string()).args(arguments);
    command
}

impl<const N: usize> super::program::Arguments for &[&str; N] {
    fn add_to(&self, command: &mut Command) {
        command.args(*self);
    }
}

impl super::program::Arguments for &Vec<&str> {
    fn add_to(&self, command: &mut Command) {
        command.args(*self);
    }
}

pub(crate) fn address_of_child(child: &Child) -> SocketAddr {
    let mut port = None;
    super::process::eventually("the server has a socket", || {
        port = super::udp::port_of(child.id());
        port.is_some()
    });
    SocketAddr::from(([127, 0, 0, 1], port.expect("it was found")))
}
