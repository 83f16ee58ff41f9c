//! `tcp-server` and `tcp-client`: what they say, what they carry, and how they end and fail.
//!
//! - `defaults`: both without being asked for anything else
//! - `output`: what reaches standard output
//! - `terminal`: people at a terminal
//! - `transfer`: bytes in bulk
//! - `bad_servers`: servers that misbehave
//! - `shutdown`, `drain`: the end of a server whose clients behave, and whose clients do not
//! - `interop`: with what people use today

mod bad_servers;
mod defaults;
mod drain;
mod interop;
mod output;
mod shutdown;
mod terminal;
mod transfer;

pub(crate) use interop::{python_echo, socat_echo};
