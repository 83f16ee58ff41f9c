//! `tcp-server` and `tcp-client`: their lines, their transfers, their ends and failures.
//!
//! - `defaults`: both without options
//! - `output`: standard output
//! - `terminal`: people at a terminal
//! - `connecting`: time-outs, several addresses, local ports
//! - `retry`: clients that come too early
//! - `transfer`: bytes in bulk
//! - `bad_servers`: servers that misbehave
//! - `half_close`: when the client ends its side, and servers that end theirs after that
//! - `progress`: what the peer has acknowledged decides
//! - `idle_input`: a client that has nothing to send when its server ends
//! - `shutdown`, `drain`: the end of a server, with clients that behave and clients that do not
//! - `last_clients`: clients that connect in the instant of a signal
//! - `slow_readers`: an idle time-out beside clients that read slowly, or not at all
//! - `urgent`: urgent data
//! - `health_checks`: connections without a byte
//! - `interop`: with the programs that people use today

mod bad_servers;
mod connecting;
mod defaults;
mod drain;
mod half_close;
mod health_checks;
mod idle_input;
mod interop;
mod last_clients;
mod output;
mod progress;
mod retry;
mod shutdown;
mod slow_readers;
mod terminal;
mod transfer;
mod urgent;

pub(crate) use interop::{python_echo, socat_echo};
