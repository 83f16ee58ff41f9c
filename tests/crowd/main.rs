//! `crowd`: thousands of TCP clients, honest or hostile, in one process and one thread.
//!
//! A load generator of the tests in tests/scale, which read its JSON lines. Every echoed byte is checked.
//!
//! - `crowd`: the clients and their poller
//! - `client`: one client, `pattern`: the bytes that it sends
//! - `exchange`, `stream`, `visits`, `hostile`: the roles that a crowd can have

mod client;
mod crowd;
mod exchange;
mod hostile;
mod pattern;
mod stream;
mod visits;

#[allow(dead_code, reason = "one of its generators is enough here")]
#[path = "../harness/data.rs"]
mod data;

use std::io;
use std::net::SocketAddr;

use clap::{Parser, Subcommand};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crowd::Crowd;

#[derive(Parser)]
struct Args {
    /// The echo server
    server: SocketAddr,
    #[command(subcommand)]
    role: Role,
}

#[derive(Subcommand)]
enum Role {
    /// Connect all, then exchange messages for each line of standard input
    Exchange(exchange::Plan),
    /// Send without pause until everything has come back or the server ends the connection
    Stream(stream::Plan),
    /// Connect, exchange one message, leave, again and again
    Visits(visits::Plan),
    /// Clients that never read, drip, reset and leave, until the process is ended
    Hostile(hostile::Plan),
}

fn main() -> io::Result<()> {
    let args = Args::parse();
    raise_open_files()?;
    let crowd = Crowd::new(args.server)?;
    match args.role {
        Role::Exchange(plan) => exchange::run(crowd, &plan),
        Role::Stream(plan) => stream::run(crowd, &plan),
        Role::Visits(plan) => visits::run(crowd, &plan),
        Role::Hostile(plan) => hostile::run(crowd, &plan),
    }
}

fn raise_open_files() -> io::Result<()> {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    Ok(setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?)
}
