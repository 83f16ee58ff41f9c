//! Any number of flows on a few threads, each with a poller and a timer of its own.
//!
//! # Layout
//!
//! - [`run`]: starts the threads, reports on them, and merges what they found
//! - [`Transport`]: what differs between TCP and UDP
//! - `worker`: one thread: it waits, and reports
//! - `turn`: what a flow does when its turn comes; `ending`: when it is done
//! - `flow`: when a flow sends next, and when it is done
//! - `agenda`: whose turn it is
//! - `timer`: waking in time

mod agenda;
mod ending;
mod flow;
mod timer;
mod transport;
mod turn;
mod worker;

use std::io;
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Barrier};
use std::thread;

use netcommon::Error;

use crate::outcome::{News, Outcome};
use crate::report::Watch;
use crate::run::Run;

pub use transport::{Failure, Inbox, Outgoing, Received, Sent, Transport};
use worker::Worker;

/// Measures over `sockets`, one for each flow, by copies of `transport`, and says meanwhile what the
/// plan wants to be said.
///
/// # Errors
///
/// A thread or a poller that the system refuses, or a standard output that takes no more.
pub fn run<T: Transport + Clone + 'static>(
    run: &Arc<Run>,
    transport: &T,
    sockets: Vec<T::Socket>,
) -> Result<Outcome, Error> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let threads = threads.min(sockets.len()).max(1);
    let watch = Watch::new(run, threads);
    let (sender, news) = mpsc::channel();
    let barrier = Arc::new(Barrier::new(threads));
    let mut workers = Vec::new();
    for (index, flows) in (0..).zip(dealt(sockets, threads)) {
        let mut worker =
            Worker::new(run, transport.clone(), flows, watch.period()).map_err(cannot_start)?;
        worker.report_to(index, sender.clone());
        run.add_waker(worker.waker());
        workers.push(worker);
    }
    drop(sender);
    for worker in workers {
        start(worker, &barrier).map_err(cannot_start)?;
    }
    finish(run, watch, &news)
}

/// Flow n goes to worker n modulo `threads`, so that each has its share of every part of the schedule.
fn dealt<S>(sockets: Vec<S>, threads: usize) -> Vec<Vec<(u16, S)>> {
    let mut hands: Vec<Vec<(u16, S)>> = (0..threads).map(|_| Vec::new()).collect();
    for (flow, socket) in (0..).zip(sockets) {
        hands[usize::from(flow) % threads].push((flow, socket));
    }
    hands
}

fn start<T: Transport + 'static>(worker: Worker<T>, barrier: &Arc<Barrier>) -> io::Result<()> {
    let barrier = Arc::clone(barrier);
    let work = move || {
        barrier.wait();
        worker.work();
    };
    let builder = thread::Builder::new().name("measure".to_owned());
    builder.spawn(work).map(drop)
}

fn finish(
    run: &Run,
    mut watch: Watch<'_>,
    news: &Receiver<(usize, News)>,
) -> Result<Outcome, Error> {
    let mut outcome = Outcome::default();
    while let Ok((worker, news)) = news.recv() {
        let said = match news {
            News::Interval(progress) => watch.note(worker, *progress),
            News::Done(part) => {
                let said = watch.end(worker, part.progress());
                outcome.merge(*part);
                said
            }
        };
        // Without a reader, no flow has anything to measure for.
        said.inspect_err(|_| run.interrupt())?;
    }
    run.metrics
        .set(&outcome.counts, outcome.latencies.buckets());
    watch.finish(outcome.last)?;
    Ok(outcome)
}

fn cannot_start(error: io::Error) -> Error {
    Error::thread("cannot start the measuring threads", error)
}
