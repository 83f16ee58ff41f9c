//! The echo servers: ours, and what people use.

use std::path::Path;
use std::process::Command;
use std::rc::Rc;

use crate::experiment::Gap;
use crate::programs::{Programs, command};
use crate::sockets::{Listening, Protocol};

/// A server with a process for each client is not asked for more: it would be the machine that is measured.
const MOST_PROCESSES: usize = 512;

/// The most that ncat serves unless told otherwise.
const MOST_OF_NCAT: usize = 100;

/// An echo server that can be started, as often as needed.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) name: &'static str,
    pub(crate) most_clients: usize,
    command: Rc<dyn Fn(u16) -> Command>,
}

impl Server {
    fn new(
        name: &'static str,
        most_clients: usize,
        command: impl Fn(u16) -> Command + 'static,
    ) -> Self {
        let command = Rc::new(command);
        Self {
            name,
            most_clients,
            command,
        }
    }

    pub(crate) fn start(&self) -> Result<Listening, Gap> {
        Listening::start(Protocol::Tcp, |port| (self.command)(port))
    }
}

pub(crate) fn ours(programs: &Programs) -> Server {
    let programs = programs.clone();
    let start = move |port| quiet(programs.built("tcp-server"), port);
    Server::new("tcp-server", usize::MAX, start)
}

pub(crate) fn tokio_with(name: &'static str, programs: &Programs, buffer: usize) -> Server {
    let programs = programs.clone();
    let start = move |port: u16| {
        let mut command = programs.built("echo-tokio");
        command.args([port.to_string(), buffer.to_string()]);
        command
    };
    Server::new(name, usize::MAX, start)
}

pub(crate) fn peers(programs: &Programs) -> Vec<Server> {
    let mut all = vec![tokio_with("tokio", programs, 64 << 10), epoll(programs)];
    if let Some(before) = programs.before.clone() {
        let start = move |port| quiet(command(&before), port);
        all.push(Server::new("tcp-server before", usize::MAX, start));
    }
    let tools = [("socat", socat()), ("ncat", ncat()), ("python3", python())];
    let installed = tools.into_iter().filter(|(tool, _)| programs.has(tool));
    all.extend(installed.map(|(_, server)| server));
    all
}

/// The others do not say who connects either.
fn quiet(mut command: Command, port: u16) -> Command {
    command.args(["-q", "127.0.0.1", &port.to_string()]);
    command
}

fn epoll(programs: &Programs) -> Server {
    let programs = programs.clone();
    let start = move |port: u16| {
        let mut command = programs.built("echo-epoll");
        command.arg(port.to_string());
        command
    };
    Server::new("bare epoll", usize::MAX, start)
}

/// Its own backlog of 5 would be what is measured when many connect.
fn socat() -> Server {
    Server::new("socat", MOST_PROCESSES, |port| {
        let mut command = command(Path::new("socat"));
        let listen = format!("TCP-LISTEN:{port},bind=127.0.0.1,reuseaddr,fork,backlog=1024");
        command.args([&listen, "PIPE"]);
        command
    })
}

fn ncat() -> Server {
    Server::new("ncat -e cat", MOST_OF_NCAT, |port| {
        let mut command = command(Path::new("ncat"));
        command.args(["-lk", "-e", "/bin/cat", "127.0.0.1", &port.to_string()]);
        command
    })
}

fn python() -> Server {
    Server::new("Python threads", usize::MAX, |port| {
        let mut command = command(Path::new("python3"));
        let script = include_str!("../../peers/threads.py");
        command.args(["-c", script, &port.to_string()]);
        command
    })
}
