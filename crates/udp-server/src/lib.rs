//! A UDP receiver that shows every datagram and its sender, and says what the kernel dropped.
//!
//! # Layout
//!
//! - [`args`]: the command line
//! - `manual`: what the help and the man page say beside it
//! - [`server`]: the loop that receives, shows and ends
//! - `bounds`: when it ends without a signal
//! - [`poller`]: waiting for datagrams, signals, and the end of whoever reads
//! - [`echo`]: what is answered, and what never is
//! - [`drops`]: warnings about datagrams that the kernel dropped
//! - [`events`]: what is said, to people and to programs
//! - `probes`: what those who measure have sent, and what of it came
//! - `report`: the same, for people and for programs
//! - `printer`: datagrams on standard output

pub mod args;
mod bounds;
pub mod drops;
pub mod echo;
pub mod events;
mod manual;
pub mod poller;
mod printer;
mod probes;
mod report;
pub mod server;

pub use args::Args;

use netcommon::Error;
use netcommon::output::Style;
use netcommon::shutdown::Shutdown;

use poller::Poller;
use server::Server;

/// Listens, shows what comes until a signal or a bound ends it, and sums up.
///
/// # Errors
///
/// A usage error, an address that cannot be bound, or an output that cannot be written.
pub fn run(args: Args) -> Result<(), Error> {
    let output = args.output.open();
    let (socket, target) = args.bind()?;
    let mut poller = Poller::new(&socket, output.style != Style::Quiet)?;
    let shutdown = Shutdown::new();
    shutdown.on_signals(poller.waker()?)?;
    let server = Server::new(socket, target, output, &args)?;
    server.serve(&mut poller, &shutdown)
}
