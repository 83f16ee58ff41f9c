//! Measures round trips and throughput of any echo server.
//!
//! Each connection has threads of its own, with a histogram of their own; they are merged at the
//! end. While they work they share nothing but running counts that nobody waits for.
//!
//! # Layout
//!
//! - [`run`]: connect, start, watch, sum up
//! - `flow`: one connection, what all of them share, and when to stop waiting
//! - `pinger`: one message at a time, on one thread: the fastest way to make round trips
//! - `paced`: the sending thread, by the clock or as fast as the path takes it
//! - `duplex`: the receiving thread beside it
//! - `message`: the bytes of a message
//! - `verdict`: how a measurement can fail

mod duplex;
mod flow;
mod message;
mod paced;
mod pinger;
mod verdict;

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use netcommon::address::Target;
use netcommon::measurement::{Event, Pace, Plan, Summary, Tally, Watch};
use netcommon::shutdown::Shutdown;
use netcommon::{Error, tcp};

use crate::args::Args;
use duplex::Duplex;
use flow::{Flow, Outcome, Run};
use pinger::Pinger;

/// A message no longer than this fits into any socket's buffers, so that a thread may send all of
/// it before it reads.
const SMALL: usize = 16 << 10;

/// Measures as planned, and says what was found.
///
/// # Errors
///
/// What keeps a connection from being made or ends it early, a wrong or missing reply, a broken bound.
pub(crate) fn run(args: &Args, plan: Plan) -> Result<(), Error> {
    let target = args.target.remote_target()?;
    let streams = connect(args, &target, plan.flows)?;
    let peer = streams[0]
        .peer_addr()
        .map_err(|error| Error::io("cannot tell the server's address", error))?;
    let shutdown = Shutdown::new();
    shutdown.on_signals(|| {})?;
    let threads = streams.len() * if is_simple(&plan) { 1 } else { 2 };
    let run = Run::new(
        plan,
        args.output.open(),
        shutdown,
        target.to_string(),
        threads,
    );
    let outcomes = start(&Arc::new(run), streams, peer)?;
    outcomes.finish(peer)
}

fn connect(args: &Args, target: &Target, flows: u16) -> Result<Vec<TcpStream>, Error> {
    let options = args.connect_options();
    (0..flows)
        .map(|_| tcp::connect(target, args.target.family(), &options))
        .collect()
}

/// One message at a time, and none too long to be sent before its reply is read.
fn is_simple(plan: &Plan) -> bool {
    plan.pace == Pace::Replies && plan.length <= SMALL
}

/// A measurement under way.
struct Measurement {
    run: Arc<Run>,
    outcomes: Receiver<Outcome>,
}

fn start(run: &Arc<Run>, streams: Vec<TcpStream>, peer: SocketAddr) -> Result<Measurement, Error> {
    let (report, outcomes) = mpsc::channel();
    for (index, stream) in (0..).zip(streams) {
        let flow = Flow::new(Arc::clone(run), index, stream, peer);
        flow.and_then(|flow| start_flow(flow, report.clone()))
            .map_err(|error| Error::io("cannot start a connection's threads", error))?;
    }
    let run = Arc::clone(run);
    Ok(Measurement { run, outcomes })
}

fn start_flow(flow: Flow, report: Sender<Outcome>) -> io::Result<()> {
    let simple = is_simple(&flow.run.plan);
    let duplex = match simple {
        true => Err(flow),
        false => Ok(Duplex::start(flow)?),
    };
    let work = move || {
        let outcome = match duplex {
            Ok(duplex) => duplex.run(),
            Err(flow) => Pinger::new(flow).run(),
        };
        // Nobody listens any more when standard output was closed.
        let _ = report.send(outcome);
    };
    thread::Builder::new().spawn(work).map(drop)
}

impl Measurement {
    fn finish(self, peer: SocketAddr) -> Result<(), Error> {
        let run = &*self.run;
        let watch = Watch::new(&run.output, &run.live, run.begin(), &run.plan);
        let outcomes = watch.collect(&self.outcomes)?;
        let mut tally = Tally::default();
        outcomes
            .iter()
            .for_each(|outcome| tally.merge(&outcome.tally));
        let summary = Summary::new(run.server.clone(), peer, &run.plan, &tally);
        run.output.say(&Event::Summary(Box::new(summary)))?;
        verdict::judge(run, &tally, outcomes)
    }
}
