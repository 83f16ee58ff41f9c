//! A TCP echo server that never loses a byte it has read.
//!
//! Threads that block are the fastest way to serve clients that talk, a poller is the cheapest way
//! to keep clients that are silent. This server does both: the main thread owns a poller with the
//! listener and every silent client; a client that talks belongs to a worker thread that reads and
//! writes it, blocking, until it falls silent, stops reading its echo, or others wait for the thread.
//!
//! ```text
//!            accept                 readable or writable            a free worker
//! listener ─────────▶ parked clients ───────────────────▶ queue ───────────────────▶ worker
//!                          ▲  silent, or not reading         ▲  its turn is over       │
//!                          └─────────────────────────────────┴─────────────────────────┘
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
//! - `crew`: the worker threads, and where clients go afterwards
//! - `reporter`: how each connection ended
//! - `pace`: what the crew tells whoever serves a client
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
pub mod tap;

use std::net::TcpListener;
use std::sync::Arc;

use netcommon::address::Target;
use netcommon::shutdown::Shutdown;
use netcommon::{service, tcp};

pub use args::Args;
pub use server::Server;

use events::Event;

/// Listens, says so, and serves until Ctrl-C or, with `--once`, until the first client has left.
///
/// # Errors
///
/// An address that cannot be listened on, or a local limit that keeps the server from starting.
pub fn run(args: Args) -> anyhow::Result<()> {
    let (listener, target) = listen(&args)?;
    let address = listener.local_addr()?;
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
    Ok(server.run()?)
}

/// A listener and its name for people: the one that a service manager hands over, else our own.
fn listen(args: &Args) -> anyhow::Result<(TcpListener, Target)> {
    let options = args.tcp_options();
    if let Some((listener, address)) = service::tcp_listener(&options)? {
        return Ok((listener, address.into()));
    }
    let target = args.target.target()?;
    let listener = tcp::listen(&target, args.target.family(), &options, args.backlog)?;
    Ok((listener, target))
}
