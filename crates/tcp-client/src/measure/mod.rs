//! Measures round trips and throughput of any echo server.
//!
//! Each connection has threads of its own, with a histogram of their own; they are merged at the
//! end. While they work they share nothing but running counts that nobody waits for.
//!
//! # Layout
//!
//! - [`run`]: connect, start, watch, sum up
//! - `connection`: how one is read and written, and how it can end
//! - `pinger`: one message at a time, on one thread: the fastest way to make round trips
//! - `paced`: the sending thread, by the clock or as fast as the path takes it
//! - `duplex`: the receiving thread beside it
//! - `message`: the bytes of a message

mod connection;
mod duplex;
mod message;
mod paced;
mod pinger;

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use netcommon::Error;
use netcommon::address::Target;
use netcommon::shutdown::Shutdown;
use netcommon::socket::tcp;
use netmeasure::{Loss, Outcome, Pace, Plan, Run, conclude};

use crate::args::Args;
use connection::Connection;
use duplex::Duplex;
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
    let peer = tcp::peer(&streams[0], &target)?;
    let shutdown = Shutdown::new();
    shutdown.on_signals(|| {})?;
    let threads = streams.len() * if is_simple(&plan) { 1 } else { 2 };
    let output = args.output.open();
    let run = Run::new(plan, output, shutdown, target.to_string(), threads);
    let run = Arc::new(run);
    let outcomes = start(&run, streams, peer)
        .map_err(|error| Error::io("cannot start a connection's threads", error))?;
    conclude(&run, peer, &outcomes, Loss::Fails)
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

fn start(
    run: &Arc<Run>,
    streams: Vec<TcpStream>,
    peer: SocketAddr,
) -> io::Result<Receiver<Outcome>> {
    let (report, outcomes) = mpsc::channel();
    for (index, stream) in (0..).zip(streams) {
        let connection = Connection::new(Arc::clone(run), index, stream, peer)?;
        start_thread(connection, report.clone())?;
    }
    Ok(outcomes)
}

fn start_thread(connection: Connection, report: Sender<Outcome>) -> io::Result<()> {
    let measure: Box<dyn FnOnce() -> Outcome + Send> = match is_simple(&connection.flow.run.plan) {
        true => Box::new(|| Pinger::new(connection).run()),
        false => {
            let duplex = Duplex::start(connection)?;
            Box::new(|| duplex.run())
        }
    };
    let work = move || {
        // Nobody listens any more when standard output was closed.
        let _ = report.send(measure());
    };
    thread::Builder::new().spawn(work).map(drop)
}
