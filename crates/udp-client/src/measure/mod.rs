//! Measures round trips, loss, duplicates and reordering of any echo server.
//!
//! # Layout
//!
//! - [`run`]: open a socket for each flow, measure, sum up
//! - `probes`: what is sent on them, and what comes back

mod probes;

use std::iter;
use std::time::Instant;

use netcommon::Error;
use netcommon::address::Target;
use netcommon::datagrams::connected::prepare;
use netcommon::deadline::Deadline;
use netcommon::host::{HostDrops, Scope};
use netcommon::limits::raise_open_files;
use netcommon::openmetrics::Metrics;
use netcommon::shutdown::Shutdown;
use netcommon::socket::udp::{self, Peer};
use netmeasure::{Loss, MeasureMetrics, Plan, Run, conclude, engine};

use crate::args::Args;
use probes::Udp;

/// Asked for unless the user says otherwise: replies come in bursts.
const RCVBUF: usize = 4 << 20;

/// Measures as planned, and says what was found.
///
/// # Errors
///
/// Probes that cannot be sent, no reply or a wrong one, a broken bound.
pub(crate) fn run(args: &Args, mut plan: Plan, metrics: &Metrics) -> Result<(), Error> {
    let target = args.target.remote_target()?;
    metrics.set_target(&target);
    let metrics = MeasureMetrics::register(metrics, &plan);
    let shutdown = Shutdown::new();
    raise_open_files();
    let start = Instant::now();
    let peers = connect(args, &target, plan.flows, Deadline::after(plan.time))?;
    plan.begin_after(start.elapsed());
    let address = peers[0].address();
    let transport = Udp::new(target.to_string(), plan.length);
    let run = Run::new(
        plan,
        args.output.open(),
        shutdown,
        target.to_string(),
        address,
        metrics,
    );
    run.on_signals();
    let sockets: Vec<_> = peers.into_iter().map(Peer::into_socket).collect();
    sockets.iter().try_for_each(prepare)?;
    let host = HostDrops::since_now(Scope {
        is_v6: address.is_ipv6(),
        sends: true,
    });
    let mut outcome = engine::run(&run, &transport, sockets)?;
    outcome.host_drops = Some(host.count(outcome.refused));
    conclude(&run, outcome, Loss::IsMeasured)
}

/// The first socket finds the address of the name that works; the others go there.
fn connect(args: &Args, target: &Target, flows: u16, end: Deadline) -> Result<Vec<Peer>, Error> {
    let options = |flow, end| {
        let mut options = args.connect_options(end);
        options.socket.rcvbuf = options.socket.rcvbuf.or(Some(RCVBUF));
        options.bind = args.socket.bind_of_flow(flow)?;
        Ok(options)
    };
    let family = args.target.family();
    let mut tries = args.retry.start().ending_by(end);
    let first = tries.run(|end| udp::connect(target, family, &options(0, end)?))?;
    if first.is_group() {
        let message = format!("{target} is a group; measuring needs a single peer");
        return Err(Error::usage(message));
    }
    let address = first.address();
    let rest = (1..flows).map(|flow| udp::connect_to(address, target, &options(flow, end)?));
    iter::once(Ok(first)).chain(rest).collect()
}
