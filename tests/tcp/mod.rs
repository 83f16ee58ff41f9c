//! `tcp-server` and `tcp-client`: their lines, their transfers, their ends and failures.
//!
//! - `defaults`: both without options
//! - `output`: standard output
//! - `terminal`: people at a terminal
//! - `transfer`: bytes in bulk
//! - `bad_servers`: servers that misbehave
//! - `shutdown`, `drain`: the end of a server, with clients that behave and clients that do not
//! - `interop`: with the programs that people use today

mod bad_servers;
mod defaults;
mod drain;
mod interop;
mod output;
mod shutdown;
mod terminal;
mod transfer;

pub(crate) use interop::{python_echo, socat_echo};
