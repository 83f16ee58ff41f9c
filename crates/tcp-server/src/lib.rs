//! A TCP echo server that never loses a byte it has read.
//!
//! The main thread owns the listener and counts places. It gives each client to the worker that has
//! the fewest. Workers are threads, one for each processor, each with a poller of its own; they serve
//! their clients by turns, without ever waiting for one of them. A client stays with its worker, unless
//! it would wait for its turn while another worker sleeps: then it is handed off.
//!
//! # Layout
//!
//! - [`args`]: the command line
//! - `manual`: what the help and the man page say beside it
//! - [`server`]: the main thread; its child `drain` is the end of a server
//! - `acceptor`: the listener, and when it has to pause
//! - `pool`: the workers together
//! - `worker`: one worker
//! - `sweep`: clients that are closed for their silence, or for the end of the server
//! - `clients`: the clients of a worker, in its poller
//! - `shared`: the state that all threads share
//! - `mailbox`: new clients on their way to a worker
//! - `lingering_close`: the closing of a connection that loses no echo
//! - `arrivals`: which clients connect
//! - `health_checks`: connections without a byte, of which the first few are told
//! - `connection_log`: how each connection ended
//! - `tally`: what has become of a connection's bytes
//! - `client`: one connection, and one turn of service
//! - `unsent`: bytes that could not be echoed yet
//! - `memory`: the bound on such bytes of all clients
//! - `send_queue`: bytes that the kernel has not sent yet
//! - `places`: places for clients
//! - `plain`: the server of the lesson
//! - [`settings`]: how a server serves
//! - [`events`]: lines on standard output
//! - [`openmetrics`]: what is counted for Prometheus
//! - [`inspect`]: the bytes of clients, shown
//! - [`limits`]: how many clients and threads this machine bears

mod acceptor;
pub mod args;
mod arrivals;
mod client;
mod clients;
mod connection_log;
pub mod events;
mod health_checks;
pub mod inspect;
pub mod limits;
mod lingering_close;
mod mailbox;
mod manual;
mod memory;
pub mod openmetrics;
mod places;
mod plain;
mod pool;
mod send_queue;
pub mod server;
pub mod settings;
mod shared;
mod sweep;
mod tally;
mod unsent;
mod worker;

use std::net::TcpListener;
use std::sync::Arc;

use netcommon::address::Target;
use netcommon::explain;
use netcommon::openmetrics::Metrics;
use netcommon::output::Output;
use netcommon::shutdown::Shutdown;
use netcommon::socket::tcp;
use netcommon::{Error, service};

pub use args::Args;
pub use server::Server;
pub use settings::Settings;

use events::Event;
use openmetrics::ServerMetrics;
use plain::Lesson;

/// Listens, says so, and serves until Ctrl-C or, with `--once`, until the first client has left.
///
/// # Errors
///
/// An address that cannot be listened on, or a local limit that keeps the server from starting.
pub fn run(args: Args, metrics: &Metrics) -> Result<(), Error> {
    // Before the listener is there: clients that connect from then on are served.
    let shutdown = Shutdown::of_server(args.drain_timeout);
    let Bound {
        listener,
        target,
        is_handed_over,
    } = bind(&args, metrics)?;
    let address = listener
        .local_addr()
        .map_err(|error| Error::io("cannot read the local address", error))?;
    let output = Arc::new(args.output.open().into_log());
    let place = target.with_port(address.port()).to_string();
    metrics.set_target(&place);
    let listening = Event::Listening {
        place,
        address: address.into(),
    };
    if explain::is_on() {
        return teach(&args, listener, &output, &listening, &shutdown);
    }
    let settings = Settings {
        is_handed_over,
        metrics: metrics
            .are_written()
            .then(|| ServerMetrics::register(metrics)),
        ..args.settings(inspect::inspector(&output, args.output.hex))?
    };
    let server = Server::new(listener, settings, Arc::clone(&output), shutdown.clone())
        .map_err(|error| Error::io("cannot start the server", error))?;
    // The file is there as soon as the server says that it listens.
    metrics.write();
    metrics.write_regularly()?;
    output.say(&listening)?;
    service::report_ready(address);
    shutdown.wake_with(server.waker());
    server.run()?;
    output.finish()
}

/// The same by the plain server of the lesson.
fn teach(
    args: &Args,
    listener: TcpListener,
    output: &Arc<Output>,
    listening: &Event,
    shutdown: &Shutdown,
) -> Result<(), Error> {
    let lesson = Lesson {
        listener: Arc::new(listener),
        once: args.once,
        inspector: inspect::inspector(output, args.output.hex),
        output: Arc::clone(output),
    };
    output.say(listening)?;
    shutdown.wake_with(lesson.waker());
    lesson.serve(shutdown)?;
    output.finish()
}

/// A listener: the one that a service manager hands over, else our own.
struct Bound {
    listener: TcpListener,
    /// Its name for people.
    target: Target,
    is_handed_over: bool,
}

fn bind(args: &Args, metrics: &Metrics) -> Result<Bound, Error> {
    let options = args.tcp_options();
    if let Some((listener, address)) = service::tcp_listener(&options)? {
        args.target.warn_of_no_use(address);
        return Ok(Bound {
            listener,
            target: address.into(),
            is_handed_over: true,
        });
    }
    let target = args.target.target()?;
    metrics.set_target(&target);
    Ok(Bound {
        listener: tcp::listen(&target, args.target.family(), &options, args.backlog)?,
        target,
        is_handed_over: false,
    })
}
