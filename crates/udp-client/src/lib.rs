//! A UDP client that sends a message, a file or lines, and waits for replies if asked to.
//!
//! # Layout
//!
//! - [`args`]: the command line
//! - `manual`: what the help and the man page say beside it
//! - [`source`]: the datagrams to send
//! - [`client`]: sending, and waiting for replies
//! - `measure`: round trips, loss, duplicates and reordering of any echo server
//! - [`events`]: what is said, to people and to programs

pub mod args;
pub mod client;
pub mod events;
mod manual;
mod measure;
pub mod source;

pub use args::Args;

use netcommon::Error;
use netcommon::socket::udp;

use client::Client;

/// Sends every datagram of the source, and waits for the reply to each if asked to; or measures.
///
/// # Errors
///
/// A usage error, a peer that cannot be reached or refuses, or a reply that did not come.
pub fn run(args: Args) -> Result<(), Error> {
    if let Some(plan) = args.plan()? {
        return measure::run(&args, plan);
    }
    let target = args.address.remote_target()?;
    let peer = udp::connect(&target, args.address.family(), &args.options())?;
    let source = args.source(udp::max_payload(&peer.address()))?;
    let mut client = Client::new(peer, &target, args.timeout, &args.output);
    client.send_all(source)
}
