//! A UDP receiver that shows every datagram and its sender, and says what the kernel dropped.
//!
//! # Layout
//!
//! - [`args`]: the command line
//! - [`server`]: the loop that receives, answers, shows and ends
//! - `printer`: datagrams on standard output
//! - `drop_warning`: warnings of datagrams that the kernel dropped
//! - `stop_after`: the end of a run without a signal
//! - `poller`: waiting for datagrams, signals, and the end of standard output's reader
//! - `echo`: replies, which end every loop between two echoes
//! - `probes`: the probes of measuring clients, counted by flow
//! - [`openmetrics`]: what is counted for Prometheus
//! - [`events`]: the lines for people and the JSON for programs
//! - `manual`: examples and events for the help and the man page

pub mod args;
mod drop_warning;
mod echo;
pub mod events;
mod manual;
pub mod openmetrics;
mod poller;
mod printer;
mod probes;
pub mod server;
mod stop_after;

use std::net::UdpSocket;
use std::time::Duration;

use netcommon::address::Target;
use netcommon::limits::{RESERVED_DESCRIPTORS, require_open_files};
use netcommon::openmetrics::Metrics;
use netcommon::shutdown::Shutdown;
use netcommon::socket::{multicast, udp};
use netcommon::{Error, service};

pub use args::Args;
pub use echo::ReplyHeader;
pub use server::Server;

use events::Event;
use openmetrics::ServerMetrics;
use server::Settings;

/// Listens, says so, shows every datagram until a signal or a bound ends the run, and sums up.
///
/// # Errors
///
/// A usage error, an address that cannot be bound, or an output that cannot be written.
pub fn run(args: Args, metrics: &Metrics) -> Result<(), Error> {
    require_open_files(RESERVED_DESCRIPTORS)?;
    // Before the socket is bound: what comes to it from then on is shown.
    let shutdown = Shutdown::of_server(Duration::ZERO);
    let (socket, target) = bind(&args, metrics)?;
    let address = socket
        .local_addr()
        .map_err(|error| Error::io("cannot read the local address", error))?;
    let output = args.output.open().into_log();
    let target = target.with_port(address.port());
    metrics.set_target(&target);
    let settings = Settings {
        metrics: ServerMetrics::register(metrics),
        ..args.settings()
    };
    let server = Server::new(socket, settings, &output)?;
    // The file is there as soon as the server says that it listens.
    metrics.write();
    metrics.write_regularly()?;
    output.say(&Event::Listening {
        target,
        address: address.into(),
    })?;
    service::report_ready(address);
    shutdown.wake_with(server.waker()?);
    server.run(&shutdown)?;
    output.finish()
}

/// A socket in the groups to join and its name for people: the one that a service manager hands
/// over, else our own.
fn bind(args: &Args, metrics: &Metrics) -> Result<(UdpSocket, Target), Error> {
    let options = args.socket_options();
    let (socket, target) = if let Some((socket, address)) = service::udp_socket(&options)? {
        args.target.warn_of_no_use(address);
        (socket, address.into())
    } else {
        let target = args.target()?;
        metrics.set_target(&target);
        let socket = udp::bind(&target, args.target.family(), &options)?;
        (socket, target)
    };
    for group in &args.join {
        multicast::join(&socket, group)?;
    }
    Ok((socket, target))
}
