//! A TCP client that sends a message, a file or what is typed, shows the reply, and can demand that
//! the reply be the echo of what it sent.
//!
//! Sending and receiving run at the same time. A client that sends everything before it reads
//! deadlocks with every correct echo server, as soon as the buffers between the two are full.
//!
//! # Layout
//!
//! - [`args`]: the command line
//! - [`source`]: the bytes to send
//! - `connection`: what both directions share, and how far each has come
//! - `idle`: when something has not moved for some time
//! - `sender`: the sending thread
//! - [`exchange`]: both directions at once, and how an exchange ends
//! - `expectation`: the bytes that have to come back
//! - `banner`: servers that say something before they echo
//! - `failure`: how an exchange can fail
//! - [`reply`]: how the received bytes are shown
//! - `measure`: round trips and throughput of any echo server
//! - [`events`]: the lines for people and the JSON for programs
//! - `manual`: examples and events for the help and the man page

pub mod args;
mod banner;
mod connection;
pub mod events;
pub mod exchange;
mod expectation;
mod failure;
mod idle;
mod manual;
mod measure;
pub mod reply;
mod sender;
pub mod source;

use std::net::TcpStream;
use std::time::Instant;

use netcommon::address::{Endpoint, Target};
use netcommon::cli::{Program, print_line};
use netcommon::openmetrics::{Metrics, Traffic};
use netcommon::output::Style;
use netcommon::socket::tcp;
use netcommon::{Error, input};

pub use args::Args;

use events::Event;
use exchange::{Ended, Exchange};
use reply::Reply;

/// Connects, exchanges bytes with the server until it is done, and says how that went; or measures.
///
/// # Errors
///
/// A usage error, a server that cannot be reached or ends early, a wrong or missing reply.
pub fn run(args: Args, metrics: &Metrics) -> Result<(), Error> {
    match args.plan()? {
        Some(plan) => measure::run(&args, plan, metrics),
        None => exchange(&args, metrics),
    }
}

fn exchange(args: &Args, metrics: &Metrics) -> Result<(), Error> {
    let target = args.target.remote_target()?;
    metrics.set_target(&target);
    let traffic = Traffic::register(metrics);
    metrics.write_regularly()?;
    let output = args.output.open();
    let source = args.source()?;
    let stream = connect(args, &target)?;
    let peer = tcp::peer(&stream, &target)?;
    let local = stream
        .local_addr()
        .map_err(|error| Error::io("cannot read the local address", error))?;
    output.say(&Event::Connected {
        peer: peer.into(),
        local: local.into(),
    })?;
    if source.is_interactive && output.style == Style::Text {
        invite(&target);
    }
    let start = Instant::now();
    let server = format!("{target} ({})", Endpoint::from(peer).host());
    let exchange = Exchange::start(stream, server, source, args.exchange_options(), traffic)?;
    let mut reply = Reply::new(&output, args.reply_form(output.style));
    let ended = exchange.run(&mut reply);
    if args.sends_default() {
        input::warn_of_unread_stdin();
    }
    let Ended { totals, held_up } = ended?;
    output.say(&Event::Closed {
        peer: peer.into(),
        sent: totals.sent,
        received: totals.received,
        duration_s: start.elapsed().as_secs_f64(),
        held_up,
    })
}

fn connect(args: &Args, target: &Target) -> Result<TcpStream, Error> {
    let family = args.target.family();
    let mut tries = args.retry.start();
    tries.run(|end| tcp::connect(target, family, &args.connect_options(end)))
}

/// A person who sees nothing but an empty line would wonder what to do.
fn invite(target: &Target) {
    let name = Args::NAME;
    print_line(format_args!(
        "{name}: connected to {target}; type to send, Ctrl-D ends"
    ));
}
