//! The workers that serve ready clients, and where clients go afterwards.

use std::io;
use std::sync::Arc;
use std::thread;

use mio::Waker;
use netcommon::error::reason;
use nix::errno::Errno;

use crate::client::{Client, End};
use crate::pace::Pace;
use crate::parked::Parked;
use crate::queue::{Alarm, Queue};
use crate::reporter::Reporter;
use crate::shortage::Shortage;
use crate::worker::Worker;

/// A worker needs little more than its buffer, which is not on the stack.
const STACK: usize = 128 << 10;

/// The workers of one server.
pub(crate) struct Crew {
    pub(crate) queue: Queue<Client, Waker>,
    pub(crate) pace: Pace,
    pub(crate) reporter: Reporter,
    parked: Arc<Parked>,
    /// Of threads.
    shortage: Shortage,
}

impl Crew {
    /// Starts with one worker, without which there is no server: later ones may be refused by the system.
    pub(crate) fn start(
        most_threads: usize,
        pace: Pace,
        parked: Arc<Parked>,
        reporter: Reporter,
    ) -> io::Result<Arc<Self>> {
        let crew = Arc::new(Self {
            queue: Queue::new(most_threads),
            pace,
            reporter,
            parked,
            shortage: Shortage::default(),
        });
        crew.spawn()?;
        Ok(crew)
    }

    /// Hands a ready client to a worker that sleeps, to one more worker, or to whoever is free first.
    pub(crate) fn dispatch(self: &Arc<Self>, client: Client) {
        if self.queue.push(client) {
            self.hire();
        }
    }

    fn hire(self: &Arc<Self>) {
        if let Err(error) = self.spawn() {
            let threads = self.queue.refuse();
            if is_of_descriptors(&error) {
                return log::debug!(
                    "{threads} threads serve all clients: no descriptors for one more"
                );
            }
            self.shortage.warn(format_args!(
                "the system refuses a further thread ({}); {threads} serve all clients by turns",
                reason(&error)
            ));
        }
    }

    fn spawn(self: &Arc<Self>) -> io::Result<()> {
        let worker = Worker::new(Arc::clone(self))?;
        let builder = thread::Builder::new()
            .name("worker".to_owned())
            .stack_size(STACK);
        builder.spawn(|| worker.work()).map(drop)
    }

    /// From now on nothing more is read: clients get what they are owed, and then a half-close.
    pub(crate) fn stop_reading(&self) {
        self.pace.stop_reading();
        self.queue.wake_all();
    }

    /// Ends every client, whatever it is owed.
    pub(crate) fn cut(&self) {
        self.pace.cut();
        self.stop_reading();
        let waiting = self.queue.take_all();
        waiting
            .iter()
            .for_each(|client| self.reporter.closed(client, End::Cut));
    }

    /// Sends every worker home that has nothing to do.
    pub(crate) fn dismiss(&self) {
        self.queue.dismiss();
    }

    /// Keeps a client in the main thread's poller until it is ready.
    pub(crate) fn park(&self, client: Client) {
        if self.pace.is_cut() {
            return self.reporter.closed(&client, End::Cut);
        }
        if let Some(client) = self.parked.park(client) {
            self.reporter.closed(&client, End::Failed);
        }
    }
}

/// Whoever accepts clients runs short of them, too, and tells of it.
fn is_of_descriptors(error: &io::Error) -> bool {
    let errno = error.raw_os_error().map(Errno::from_raw);
    matches!(errno, Some(Errno::EMFILE | Errno::ENFILE))
}

impl Alarm for Waker {
    fn ring(&self) {
        if let Err(error) = self.wake() {
            log::error!("cannot wake a worker: {error}");
        }
    }
}
