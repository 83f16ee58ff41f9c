//! Measures round trips, loss, duplicates and reordering of any echo server.
//!
//! # Layout
//!
//! - [`run`]: open a socket for each flow, measure, sum up
//! - `probes`: what is sent on them, and what comes back

mod probes;

use std::sync::Arc;

use netcommon::Error;
use netcommon::datagrams::connected::prepare;
use netcommon::shutdown::Shutdown;
use netcommon::socket::udp::{self, Peer};
use netmeasure::{Loss, Plan, Run, conclude, engine};

use crate::args::Args;
use probes::Udp;

/// Asked for unless the user says otherwise: replies come in bursts.
const RCVBUF: usize = 4 << 20;

/// Measures as planned, and says what was found.
///
/// # Errors
///
/// What keeps probes from being sent, no reply or a wrong one, a broken bound.
pub(crate) fn run(args: &Args, plan: Plan) -> Result<(), Error> {
    let target = args.target.remote_target()?;
    let shutdown = Shutdown::new();
    let peers = connect(args, &plan)?;
    let address = peers[0].address();
    let transport = Udp::new(target.to_string(), plan.length);
    let run = Run::new(
        plan,
        args.output.open(),
        shutdown.clone(),
        target.to_string(),
        address,
    );
    let waker = Arc::clone(&run);
    shutdown.on_signals(move || waker.wake())?;
    let sockets: Vec<_> = peers.into_iter().map(Peer::into_socket).collect();
    sockets.iter().try_for_each(prepare)?;
    let outcome = engine::run(&run, &transport, sockets)?;
    conclude(&run, outcome, Loss::IsMeasured)
}

fn connect(args: &Args, plan: &Plan) -> Result<Vec<Peer>, Error> {
    let target = args.target.remote_target()?;
    let mut options = args.connect_options();
    options.socket.rcvbuf = options.socket.rcvbuf.or(Some(RCVBUF));
    let peers = (0..plan.flows)
        .map(|_| udp::connect(&target, args.target.family(), &options))
        .collect::<Result<Vec<_>, _>>()?;
    if peers.iter().any(Peer::is_group) {
        let message = format!("{target} is a group; measuring needs a single peer");
        return Err(Error::usage(message));
    }
    Ok(peers)
}
