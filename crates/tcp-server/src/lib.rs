//! A TCP echo server that never loses a byte it has read.
//!
//! Clients that talk are served by a few worker threads, as many as there are processors; each has a
//! poller of its own, and serves its clients by turns without ever waiting for one of them. Clients
//! that are silent, or do not read their echo, go back to the main thread, which owns the listener
//! and a poller that keeps thousands of them for next to nothing.
//!
//! ```text
//! listener ── accept ──┐
//!                      ▼     a worker that sleeps, or is free first
//! parked clients ──▶ queue ────────────────────────────────────────▶ worker, with a table of clients
//!      ▲  readable     ▲       more are ready than one can serve        │
//!      │  or writable  └────────────────────────────────────────────────┤
//!      └────────────────────── silent, or not reading ──────────────────┘
//! ```
//!
//! # Layout
//!
//! - [`args`]: the command line
//! - `manual`: what the help and the man page say beside it
//! - [`tap`]: what clients send, for who wants to see it
//! - [`limits`]: how many clients and threads this machine bears
//! - [`events`]: what is said on standard output
//! - [`server`]: the main thread: poll, accept, dispatch
//! - `drain`: how a server ends
//! - `acceptor`: the listener, and when it has to pause
//! - `shortage`: warnings about what is short
//! - `slots`: places for clients, and who waits for one
//! - `parked`: silent clients in the poller
//! - `queue`: ready clients on their way to the workers
//! - `crew`: the worker threads together, and where clients go afterwards
//! - `worker`: one worker thread and its day
//! - `table`: the clients of one worker
//! - `reporter`: how each connection ended
//! - `pace`: what the main thread tells whoever serves a client
//! - `client`: one connection and one turn of service
//! - `leftover`: bytes that could not be echoed yet
//! - `owed`: what the kernel holds back for a client that does not read
//! - `farewell`: how a client is let go when the server ends

mod acceptor;
pub mod args;
mod client;
mod crew;
mod drain;
pub mod events;
mod farewell;
mod leftover;
pub mod limits;
mod manual;
mod owed;
mod pace;
mod parked;
mod queue;
mod reporter;
pub mod server;
mod shortage;
mod slots;
mod table;
pub mod tap;
mod worker;

use std::net::TcpListener;
use std::sync::Arc;

use netcommon::address::Target;
use netcommon::shutdown::Shutdown;
use netcommon::socket::tcp;
use netcommon::{Error, service};

pub use args::Args;
pub use server::Server;

use events::Event;

/// Listens, says so, and serves until Ctrl-C or, with `--once`, until the first client has left.
///
/// # Errors
///
/// An address that cannot be listened on, or a local limit that keeps the server from starting.
pub fn run(args: Args) -> Result<(), Error> {
    let (listener, target) = listen(&args)?;
    let address = listener
        .local_addr()
        .map_err(|error| Error::io("cannot read the local address", error))?;
    let output = Arc::new(args.output.open());
    let settings = args.settings(tap::tap(&output, args.output.hex));
    let shutdown = Shutdown::new();
    let server = Server::new(listener, settings, Arc::clone(&output), shutdown.clone())?;
    shutdown.on_signals(server.waker())?;
    output.say(&Event::Listening {
        place: target.with_port(address.port()).to_string(),
        address,
    })?;
    service::report_ready();
    server.run()
}

/// A listener and its name for people: the one that a service manager hands over, else our own.
fn listen(args: &Args) -> Result<(TcpListener, Target), Error> {
    let options = args.tcp_options();
    if let Some((listener, address)) = service::tcp_listener(&options)? {
        return Ok((listener, address.into()));
    }
    let target = args.target.target()?;
    let listener = tcp::listen(&target, args.target.family(), &options, args.backlog)?;
    Ok((listener, target))
}
