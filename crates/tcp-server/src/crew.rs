//! The worker threads that serve ready clients by turns, and where clients go afterwards.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use memmap2::MmapMut;
use netcommon::error::reason;

use crate::client::{Client, End, Outcome};
use crate::pace::Pace;
use crate::parked::Parked;
use crate::queue::Queue;
use crate::reporter::Reporter;
use crate::shortage::Shortage;

/// 2.2 times the throughput of 64 KiB; untouched pages of it cost nothing.
const BUFFER: usize = 256 << 10;

/// A worker needs little more than its buffer, which is not on the stack.
const STACK: usize = 128 << 10;

/// How long a worker without work stays, so that a burst finds its threads again.
const UNEMPLOYMENT: Duration = Duration::from_secs(2);

/// The workers of one server.
pub(crate) struct Crew {
    queue: Queue<Client>,
    parked: Arc<Parked>,
    reporter: Reporter,
    /// Of threads.
    shortage: Shortage,
}

impl Crew {
    /// Starts with one worker, which never leaves: later ones may be refused by the system.
    pub(crate) fn start(
        most_threads: usize,
        pace: Pace,
        parked: Arc<Parked>,
        reporter: Reporter,
    ) -> io::Result<Arc<Self>> {
        let crew = Arc::new(Self {
            queue: Queue::new(most_threads, UNEMPLOYMENT, pace),
            parked,
            reporter,
            shortage: Shortage::default(),
        });
        crew.spawn()?;
        Ok(crew)
    }

    /// Hands a ready client to an idle worker, to one more worker, or to whoever is free first.
    pub(crate) fn dispatch(self: &Arc<Self>, client: Client) {
        if self.queue.push(client) {
            self.hire();
        }
    }

    /// Puts a client whose turn is over behind the others.
    fn dispatch_again(self: &Arc<Self>, client: Client) {
        if self.queue.push_again(client) {
            self.hire();
        }
    }

    fn hire(self: &Arc<Self>) {
        if let Err(error) = self.spawn() {
            let threads = self.queue.refuse();
            self.shortage.warn(format_args!(
                "the system refuses a further thread ({}); {threads} serve all clients by turns",
                reason(&error)
            ));
        }
    }

    /// From now on nothing more is read: clients get what they are owed, and then a half-close.
    pub(crate) fn stop_reading(&self) {
        self.queue.pace.stop_reading();
    }

    /// Ends every client, whatever it is owed.
    pub(crate) fn cut(&self) {
        self.queue.pace.cut();
        let waiting = self.queue.take_all();
        waiting
            .iter()
            .for_each(|client| self.reporter.closed(client, End::Cut));
    }

    /// Sends every worker home that has nothing to do.
    pub(crate) fn dismiss(&self) {
        self.queue.dismiss();
    }

    /// The buffer is a mapping of its own: memory of the allocator would be cleared page by page for
    /// each worker, and would not go back to the system after a burst of them.
    fn spawn(self: &Arc<Self>) -> io::Result<()> {
        let crew = Arc::clone(self);
        let buffer = MmapMut::map_anon(BUFFER)?;
        let builder = thread::Builder::new()
            .name("worker".to_owned())
            .stack_size(STACK);
        builder.spawn(move || crew.work(buffer)).map(drop)
    }

    fn work(self: &Arc<Self>, mut buffer: MmapMut) {
        self.queue.enlist();
        while let Some(client) = self.queue.next() {
            self.serve(client, &mut buffer);
        }
    }

    /// A panic ends the client that it happened to, and nothing else.
    fn serve(self: &Arc<Self>, mut client: Client, buffer: &mut [u8]) {
        let pace = &self.queue.pace;
        match catch_unwind(AssertUnwindSafe(|| client.serve(buffer, pace))) {
            Ok(Outcome::Ended(end)) => self.reporter.closed(&client, end),
            Ok(Outcome::Preempted) => self.dispatch_again(client),
            Ok(Outcome::Silent | Outcome::Stalled) => self.park(client),
            Err(_) => {
                log::error!(
                    "the service of {} panicked; its connection is closed",
                    client.peer
                );
                self.reporter.closed(&client, End::Failed);
            }
        }
    }

    /// Keeps a client in the poller until it is ready.
    pub(crate) fn park(&self, client: Client) {
        if self.queue.pace.is_cut() {
            return self.reporter.closed(&client, End::Cut);
        }
        if let Some(client) = self.parked.park(client) {
            self.reporter.closed(&client, End::Failed);
        }
    }
}
