//! A running server of either protocol.

use std::net::SocketAddr;
use std::ops::Deref;
use std::process::Command;

use serde_json::Value;

use super::process::{Finished, Running, parse_event};
use super::program::{Arguments, Program, With};

/// A server that listens. It is a [`Running`] program that has said its address, in text or JSON.
pub(crate) struct Server {
    running: Running,
    pub(crate) address: SocketAddr,
    /// Its listening line, with the empty one before it.
    pub(crate) greeting: String,
}

impl Server {
    /// Starts one of our servers on a free port.
    #[track_caller]
    pub(crate) fn start(program: Program, arguments: impl Arguments) -> Self {
        Self::start_command(program.command(arguments).with("-p 0"))
    }

    /// The same on an address where a port is known to be free.
    #[track_caller]
    pub(crate) fn start_at(
        address: SocketAddr,
        program: Program,
        arguments: impl Arguments,
    ) -> Self {
        Self::start_command(program.to(address, arguments))
    }

    /// Starts any server whose first line ends with its address.
    #[track_caller]
    pub(crate) fn start_command(command: Command) -> Self {
        Self::from(Running::start(command))
    }

    /// The server at its port, asked on another address of this machine.
    pub(crate) fn at(&self, address: &str) -> SocketAddr {
        let address = address.parse().expect("an address");
        SocketAddr::new(address, self.address.port())
    }

    #[track_caller]
    pub(crate) fn wait(self) -> Finished {
        self.running.wait()
    }

    #[track_caller]
    pub(crate) fn interrupt(self) -> Finished {
        self.running.interrupt()
    }

    /// Ends the server, which has to succeed, and returns its remaining events.
    #[track_caller]
    pub(crate) fn finish(self) -> Vec<Value> {
        let end = self.interrupt();
        end.assert_code(0);
        end.events()
    }
}

impl From<Running> for Server {
    #[track_caller]
    fn from(running: Running) -> Self {
        let mut greeting = running.line();
        if greeting.is_empty() {
            greeting = format!("\n{}", running.line());
        }
        let address = address_in(&greeting);
        Self {
            running,
            address,
            greeting,
        }
    }
}

impl Deref for Server {
    type Target = Running;

    fn deref(&self) -> &Running {
        &self.running
    }
}

/// The address in a listening event or behind a listening line; the name `localhost` is the IPv4 loopback.
#[track_caller]
pub(crate) fn address_in(greeting: &str) -> SocketAddr {
    let place = if greeting.starts_with('{') {
        let event = parse_event(greeting);
        assert_eq!(event["event"], "listening");
        event["address"].as_str().expect("an address").to_owned()
    } else {
        let word = greeting.rsplit(' ').next().expect("a last word");
        word.replace("localhost", "127.0.0.1")
    };
    place
        .parse()
        .unwrap_or_else(|_| panic!("no address in '{greeting}'"))
}
