//! The crowd of TCP clients (tests/crowd).

use std::net::SocketAddr;

use super::process::Running;
use super::program::{Arguments, command};

/// Starts a crowd, which says in JSON lines how far it is.
pub(crate) fn crowd(server: SocketAddr, role: impl Arguments) -> Running {
    let mut crowd = command(env!("CARGO_BIN_EXE_crowd"), [server.to_string()]);
    role.add_to(&mut crowd);
    Running::start(crowd)
}
