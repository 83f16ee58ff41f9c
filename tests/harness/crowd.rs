//! The crowd of clients, and servers to let it loose on.

use std::net::SocketAddr;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::process::Running;

/// Held by a test that takes a good part of the machine's ports, descriptors or time.
pub(crate) fn one_at_a_time() -> MutexGuard<'static, ()> {
    static MACHINE: Mutex<()> = Mutex::new(());
    MACHINE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts a server with JSON lines on a free port.
pub(crate) fn serve(mut server: Command, arguments: &[&str]) -> (Running, SocketAddr) {
    server.args(["-p", "0", "--json"]).args(arguments);
    let server = Running::start(server);
    let listening = server.event();
    let address = listening["address"].as_str().expect("an address").parse();
    (server, address.expect("a socket address"))
}

/// Starts a crowd, which says in JSON lines how far it is.
pub(crate) fn crowd(server: SocketAddr, role: &[&str]) -> Running {
    let mut command = Command::new(env!("CARGO_BIN_EXE_crowd"));
    command.arg(server.to_string()).args(role);
    Running::start(command)
}
