//! The queue of ready clients, and the worker threads that serve them by turns.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::client::{Client, End, Outcome};
use crate::pace::Pace;
use crate::parked::Parked;
use crate::reporter::Reporter;

/// 2.2 times the throughput of 64 KiB; untouched pages of it cost nothing.
const BUFFER: usize = 256 << 10;

/// A worker needs little more than its buffer, which is not on the stack.
const STACK: usize = 128 << 10;

/// How long a worker without work stays, so that a burst finds its threads again.
const UNEMPLOYMENT: Duration = Duration::from_secs(2);

/// After the system refused a thread, how long until the next one is asked for.
const SPAWN_PAUSE: Duration = Duration::from_secs(1);

/// The workers of one server, the queue before them, and where clients go afterwards.
pub(crate) struct Crew {
    most_threads: usize,
    queue: Mutex<Queue>,
    work: Condvar,
    pace: Pace,
    parked: Arc<Parked>,
    reporter: Reporter,
}

struct Queue {
    ready: VecDeque<Client>,
    threads: usize,
    idle: usize,
    dismissed: bool,
    no_spawn_before: Instant,
}

impl Crew {
    /// Starts with one worker, which never leaves: later ones may be refused by the system.
    pub(crate) fn start(
        most_threads: usize,
        pace: Pace,
        parked: Arc<Parked>,
        reporter: Reporter,
    ) -> io::Result<Arc<Self>> {
        let queue = Queue {
            ready: VecDeque::new(),
            threads: 1,
            idle: 0,
            dismissed: false,
            no_spawn_before: Instant::now(),
        };
        let (queue, work) = (Mutex::new(queue), Condvar::new());
        let crew = Arc::new(Self {
            most_threads,
            queue,
            work,
            pace,
            parked,
            reporter,
        });
        crew.spawn()?;
        Ok(crew)
    }

    /// Hands a ready client to an idle worker, to one more worker, or to whoever is free first.
    pub(crate) fn dispatch(self: &Arc<Self>, client: Client) {
        let mut queue = self.lock();
        queue.ready.push_back(client);
        let needs_thread = queue.ready.len() > queue.idle
            && queue.threads < self.most_threads
            && queue.no_spawn_before <= Instant::now();
        if needs_thread {
            queue.threads += 1;
        }
        self.set_pace(&queue);
        drop(queue);
        self.work.notify_one();
        if needs_thread && let Err(error) = self.spawn() {
            self.do_without_thread(&error);
        }
    }

    /// Ends every client as soon as what was read from it is echoed.
    pub(crate) fn cut(&self) {
        self.pace.cut();
        self.lock()
            .ready
            .drain(..)
            .for_each(|client| self.reporter.closed(&client, End::Cut));
    }

    /// Sends every worker home that has nothing to do.
    pub(crate) fn dismiss(&self) {
        self.lock().dismissed = true;
        self.work.notify_all();
    }

    fn spawn(self: &Arc<Self>) -> io::Result<()> {
        let crew = Arc::clone(self);
        let builder = thread::Builder::new()
            .name("worker".to_owned())
            .stack_size(STACK);
        builder.spawn(move || crew.work()).map(drop)
    }

    fn do_without_thread(&self, error: &io::Error) {
        let mut queue = self.lock();
        queue.threads -= 1;
        queue.no_spawn_before = Instant::now() + SPAWN_PAUSE;
        log::warn!(
            "the system refuses a further thread ({error}); {} serve all clients by turns",
            queue.threads
        );
        self.set_pace(&queue);
    }

    fn work(&self) {
        let mut buffer = vec![0; BUFFER];
        while let Some(client) = self.next() {
            self.serve(client, &mut buffer);
        }
    }

    /// The next ready client; `None` sends a worker home that has waited long enough, except the last one.
    fn next(&self) -> Option<Client> {
        let mut queue = self.lock();
        loop {
            if let Some(client) = queue.ready.pop_front() {
                self.set_pace(&queue);
                return Some(client);
            }
            if queue.dismissed {
                return None;
            }
            queue.idle += 1;
            self.set_pace(&queue);
            let (woken, wait) = self
                .work
                .wait_timeout(queue, UNEMPLOYMENT)
                .unwrap_or_else(PoisonError::into_inner);
            queue = woken;
            queue.idle -= 1;
            if wait.timed_out() && queue.ready.is_empty() && queue.threads > 1 {
                queue.threads -= 1;
                self.set_pace(&queue);
                return None;
            }
        }
    }

    /// A panic ends the client that it happened to, and nothing else.
    fn serve(&self, mut client: Client, buffer: &mut [u8]) {
        match catch_unwind(AssertUnwindSafe(|| client.serve(buffer, &self.pace))) {
            Ok(Outcome::Ended(end)) => self.reporter.closed(&client, end),
            Ok(Outcome::Preempted) => self.requeue(client),
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

    fn requeue(&self, client: Client) {
        let mut queue = self.lock();
        queue.ready.push_back(client);
        self.set_pace(&queue);
    }

    /// Keeps a client in the poller until it is ready.
    pub(crate) fn park(&self, client: Client) {
        if self.pace.is_cut() {
            return self.reporter.closed(&client, End::Cut);
        }
        if let Some(client) = self.parked.park(client) {
            self.reporter.closed(&client, End::Failed);
        }
    }

    fn set_pace(&self, queue: &Queue) {
        let others_wait = queue.ready.len() > queue.idle;
        let can_grow = queue.threads < self.most_threads && queue.no_spawn_before <= Instant::now();
        self.pace
            .set(others_wait, queue.idle > queue.ready.len() || can_grow);
    }

    // No code that can panic runs under this lock.
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
