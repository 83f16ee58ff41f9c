//! A TCP client that sends a message, a file or what is typed, shows the reply, and can demand that
//! the reply be the echo of what it sent.
//!
//! Sending and receiving run at the same time. A client that sends everything before it reads
//! deadlocks with every correct echo server, as soon as the buffers between the two are full.
//!
//! # Layout
//!
//! - [`args`]: the command line
//! - `manual`: what the help and the man page say beside it
//! - [`source`]: where the bytes to send come from
//! - [`exchange`]: both directions at once, and how an exchange can fail
//! - `sender`: the sending thread
//! - [`expectation`]: the bytes that have to come back
//! - [`reply`]: how the received bytes are shown
//! - `measure`: round trips and throughput of any echo server
//! - [`events`]: what is said as JSON
//! - `progress`: the bar on a terminal

pub mod args;
pub mod events;
pub mod exchange;
pub mod expectation;
mod manual;
mod measure;
mod progress;
pub mod reply;
mod sender;
pub mod source;

use std::io::{Write, stderr};
use std::time::Instant;

use netcommon::Error;
use netcommon::cli::Program;
use netcommon::output::Style;
use netcommon::socket::tcp;

pub use args::Args;

use events::Event;
use exchange::Exchange;
use reply::Reply;

/// Connects, exchanges bytes with the server until it is done, or measures it, and says how that went.
///
/// # Errors
///
/// Whatever kept the bytes from passing or the reply from being right, with the exit code that says so.
pub fn run(args: Args) -> Result<(), Error> {
    if let Some(plan) = args.plan()? {
        return measure::run(&args, plan);
    }
    let target = args.target.remote_target()?;
    let output = args.output.open();
    let source = args.source()?;
    let stream = tcp::connect(&target, args.target.family(), &args.connect_options())?;
    let peer = tcp::peer(&stream, &target)?;
    let local = stream
        .local_addr()
        .map_err(|error| Error::io("cannot read the local address", error))?;
    output.say(&Event::Connected { peer, local })?;
    if source.is_typed && output.style == Style::Text {
        // Without a word, a person who sees an empty line wonders what to do.
        let _ = writeln!(
            stderr(),
            "{}: connected to {target}; type to send, Ctrl-D ends",
            Args::NAME
        );
    }
    let start = Instant::now();
    let mut reply = Reply::new(&output, args.reply_form(output.style));
    let exchange = Exchange::new(stream, target.to_string(), args.exchange_options());
    let totals = exchange.run(source, &mut reply)?;
    let duration_s = start.elapsed().as_secs_f64();
    output.say(&Event::Closed {
        peer,
        sent: totals.sent,
        received: totals.received,
        duration_s,
    })
}
