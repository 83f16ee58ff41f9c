//! A UDP client that sends a message, a file or lines, and waits for replies if asked to.
//!
//! # Layout
//!
//! - [`args`]: the command line
//! - [`source`]: the datagrams to send
//! - [`client`]: sending, and waiting for the replies
//! - `expectation`: which replies are echoes
//! - `measure`: round trips, loss, duplicates and reordering of any echo server
//! - [`events`]: the lines for people and the JSON for programs
//! - `manual`: examples and events for the help and the man page

pub mod args;
pub mod client;
pub mod events;
mod expectation;
mod manual;
mod measure;
pub mod source;

use netcommon::address::Endpoint;
use netcommon::openmetrics::{Metrics, Traffic};
use netcommon::socket::udp;
use netcommon::{Error, input};

pub use args::Args;

use client::Client;

/// Sends every datagram of the source, and waits for the reply to each if asked to; or measures.
///
/// # Errors
///
/// A usage error, a peer that cannot be reached or refuses, or a reply that did not come.
pub fn run(args: Args, metrics: &Metrics) -> Result<(), Error> {
    match args.plan()? {
        Some(plan) => measure::run(&args, plan, metrics),
        None => send(&args, metrics),
    }
}

fn send(args: &Args, metrics: &Metrics) -> Result<(), Error> {
    let target = args.target.remote_target()?;
    metrics.set_target(&target);
    let traffic = Traffic::register(metrics);
    metrics.write_regularly()?;
    let family = args.target.family();
    let mut tries = args.retry.start();
    let peer = tries.run(|end| udp::connect(&target, family, &args.connect_options(end)))?;
    let source = args.source(udp::max_payload(&peer.address()))?;
    let server = format!("{target} ({})", Endpoint::from(peer.address()).host());
    let output = args.output.open();
    let client = Client::new(peer, server, args.reply_options(), &output, traffic);
    let ended = client.run(source, tries);
    if args.sends_default() {
        input::warn_of_unread_stdin();
    }
    ended
}
