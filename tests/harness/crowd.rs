//! The crowd of TCP clients (tests/crowd).

use std::net::SocketAddr;

use super::process::Running;
use super::program::{Arguments, With, command};

/// Starts a crowd, which says in JSON lines how far it is.
pub(crate) fn crowd(server: SocketAddr, role: impl Arguments) -> Running {
    let crowd = command(env!("CARGO_BIN_EXE_crowd"), [server.to_string()]);
    Running::start(crowd.with(role))
}
