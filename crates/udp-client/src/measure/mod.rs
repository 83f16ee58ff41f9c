//! Measures round trips, loss, duplicates and reordering of any echo server.
//!
//! Each flow has a source port and two threads: one sends probes by the clock, or each behind the
//! reply to the one before; the other takes replies as they come. A probe carries all that is to be
//! known about it, so that none has to be remembered but for one bit.
//!
//! # Layout
//!
//! - [`run`]: connect, start, sum up
//! - `identity`: what tells this run's probes from others
//! - `outgoing`: the sending thread
//! - `incoming`: the receiving thread
//! - `books`: what the replies come to
//! - `ledger`: what a reply is worth

mod books;
mod identity;
mod incoming;
mod ledger;
mod outgoing;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::thread;

use netcommon::Error;
use netcommon::shutdown::Shutdown;
use netcommon::socket::udp::{self, Peer};
use netmeasure::{Flow, Loss, Outcome, Plan, Run, conclude};

use crate::args::Args;
use identity::Identity;
use incoming::Incoming;

/// Asked for unless the user says otherwise: replies come in bursts.
const RCVBUF: usize = 4 << 20;

/// Measures as planned, and says what was found.
///
/// # Errors
///
/// What keeps probes from being sent, a peer that refuses them, no reply or a wrong one, a broken bound.
pub(crate) fn run(args: &Args, plan: Plan) -> Result<(), Error> {
    let target = args.target.remote_target()?;
    let peers = connect(args, &plan)?;
    let address = peers[0].address();
    let shutdown = Shutdown::new();
    shutdown.on_signals(|| {})?;
    let (output, threads) = (args.output.open(), peers.len() * 2);
    let run = Run::new(plan, output, shutdown, target.to_string(), threads);
    let run = Arc::new(run);
    let outcomes = start(&run, peers, address)?;
    conclude(&run, address, &outcomes, Loss::IsMeasured)
}

fn connect(args: &Args, plan: &Plan) -> Result<Vec<Peer>, Error> {
    let target = args.target.remote_target()?;
    let mut options = args.connect_options();
    options.socket.rcvbuf = options.socket.rcvbuf.or(Some(RCVBUF));
    let connect = |_| udp::connect(&target, args.target.family(), &options);
    let peers = (0..plan.flows)
        .map(connect)
        .collect::<Result<Vec<_>, _>>()?;
    match peers.iter().any(Peer::is_group) {
        true => Err(Error::usage(format!(
            "{target} is a group; what is measured is one peer"
        ))),
        false => Ok(peers),
    }
}

fn start(
    run: &Arc<Run>,
    peers: Vec<Peer>,
    address: SocketAddr,
) -> Result<Receiver<Outcome>, Error> {
    let identity = Arc::new(Identity::default());
    let (report, outcomes) = mpsc::channel();
    for (index, peer) in (0..).zip(peers) {
        let flow = Flow::new(Arc::clone(run), index, address);
        let incoming = Incoming::start(flow, peer, &identity)?;
        let report = report.clone();
        let work = move || {
            // Nobody listens any more when standard output was closed.
            let _ = report.send(incoming.run());
        };
        thread::Builder::new().spawn(work).map_err(cannot_start)?;
    }
    Ok(outcomes)
}

fn cannot_start(error: io::Error) -> Error {
    Error::io("cannot start the threads of a flow", error)
}
