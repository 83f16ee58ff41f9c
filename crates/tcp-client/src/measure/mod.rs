//! Measures round trips and throughput of any echo server.
//!
//! # Layout
//!
//! - [`run`]: connect, measure, sum up
//! - `connect`: many connections at the same time
//! - `connection`: how one is written and read
//! - `message`: the bytes of a message

mod connect;
mod connection;
mod message;

use std::time::{Duration, Instant};

use netcommon::Error;
use netcommon::deadline::Deadline;
use netcommon::limits::raise_open_files;
use netcommon::openmetrics::Metrics;
use netcommon::shutdown::Shutdown;
use netcommon::socket::tcp;
use netmeasure::{Loss, MeasureMetrics, Plan, Run, conclude, engine};

use crate::args::Args;
use connect::connect_all;
use connection::{Connection, Tcp};

/// Interval at which a blocking read notices the end of its time, at most.
const TICK: Duration = Duration::from_millis(100);

/// Measures as planned, and says what was found.
///
/// # Errors
///
/// A connection that cannot be made or ends early, a wrong or missing reply, a broken bound.
pub(crate) fn run(args: &Args, mut plan: Plan, metrics: &Metrics) -> Result<(), Error> {
    let target = args.target.remote_target()?;
    metrics.set_target(&target);
    let metrics = MeasureMetrics::register(metrics, &plan);
    let shutdown = Shutdown::new();
    raise_open_files();
    let tick = (plan.wait / 8).clamp(Duration::from_millis(1), TICK);
    let start = Instant::now();
    let streams = connect_all(args, &target, plan.flows, Deadline::after(plan.time), tick)?;
    plan.begin_after(start.elapsed());
    let peer = tcp::peer(&streams[0], &target)?;
    let length = plan.length;
    let run = Run::new(
        plan,
        args.output.open(),
        shutdown,
        target.to_string(),
        peer,
        metrics,
    );
    run.on_signals();
    let connections = (0..).zip(streams);
    let connections = connections.map(|(flow, stream)| Connection::new(stream, flow, length));
    let transport = Tcp::new(target.to_string());
    let outcome = engine::run(&run, &transport, connections.collect())?;
    conclude(&run, outcome, Loss::Fails)
}
