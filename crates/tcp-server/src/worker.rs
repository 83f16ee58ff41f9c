//! A worker thread: a table of clients that talk, served by turns.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use memmap2::MmapMut;
use mio::Token;

use crate::client::{Client, End, Outcome};
use crate::crew::Crew;
use crate::table::Table;

/// 2.2 times the throughput of 64 KiB; untouched pages of it cost nothing.
const BUFFER: usize = 256 << 10;

/// How long a worker without clients keeps the memory that they filled, in case that others come.
const REST: Duration = Duration::from_secs(2);

/// How often clients are looked for that are silent, or do not read their echo.
const TICK: Duration = Duration::from_millis(50);

/// How long, at least, between gifts to other workers: moving a client costs some microseconds, and
/// a worker that sleeps may do so for an instant only.
const GIFT_INTERVAL: Duration = Duration::from_millis(10);

pub(crate) struct Worker {
    crew: Arc<Crew>,
    table: Table,
    /// A mapping of its own: memory of the allocator would be cleared page by page for each worker,
    /// and would not go back to the system after a burst of them.
    buffer: MmapMut,
    buffer_is_used: bool,
    turns: Vec<Token>,
    next_sweep: Instant,
    next_gift: Instant,
}

impl Worker {
    pub(crate) fn new(crew: Arc<Crew>) -> io::Result<Self> {
        let now = Instant::now();
        Ok(Self {
            crew,
            table: Table::new()?,
            buffer: MmapMut::map_anon(BUFFER)?,
            buffer_is_used: false,
            turns: Vec::new(),
            next_sweep: now,
            next_gift: now,
        })
    }

    /// Serves until the worker is dismissed and its clients have left.
    pub(crate) fn work(mut self) {
        self.crew.queue.enlist();
        while self.wait() {
            self.give_away();
            self.serve_ready();
            self.sweep();
        }
    }

    fn take_in(&mut self) {
        for client in self.crew.queue.take_share() {
            if let Some(client) = self.table.seat(client) {
                self.crew.reporter.closed(&client, End::Failed);
            }
        }
    }

    /// Takes in who and what has come, and sleeps if there is nothing. False when the worker may go home.
    fn wait(&mut self) -> bool {
        self.take_in();
        self.table.wait(Some(Duration::ZERO));
        if self.table.ready() > 0 {
            return true;
        }
        // Whoever shares this processor may be about to say something.
        thread::yield_now();
        self.sleep()
    }

    /// False when the worker may go home.
    fn sleep(&mut self) -> bool {
        let waker = Arc::clone(self.table.waker());
        if !self.crew.queue.lie_down(&waker) {
            return !(self.table.is_empty() && self.crew.queue.resign());
        }
        let unemployed = self.table.is_empty();
        let time = match unemployed {
            false => Some(TICK),
            true => self.buffer_is_used.then_some(REST),
        };
        let heard = self.table.wait(time);
        self.crew.queue.get_up(&waker);
        if unemployed && !heard {
            self.renew_buffer();
        }
        true
    }

    fn renew_buffer(&mut self) {
        if let Ok(buffer) = MmapMut::map_anon(BUFFER) {
            self.buffer = buffer;
            self.buffer_is_used = false;
        }
    }

    /// Lets another worker have a client that would wait for its turn here.
    fn give_away(&mut self) {
        let now = Instant::now();
        if self.table.ready() < 2 || now < self.next_gift {
            return;
        }
        self.next_gift = now + GIFT_INTERVAL;
        if self.crew.queue.has_taker()
            && let Some(client) = self.table.release_last_ready()
        {
            self.crew.dispatch(client);
        }
    }

    fn serve_ready(&mut self) {
        let mut turns = std::mem::take(&mut self.turns);
        self.table.take_ready(&mut turns);
        self.buffer_is_used |= !turns.is_empty();
        for token in turns.iter().copied() {
            let Some(client) = self.table.client(token) else {
                continue;
            };
            match serve(&self.crew, client, &mut self.buffer) {
                Outcome::Silent | Outcome::Stalled => {}
                Outcome::Preempted => self.table.put_back(token),
                Outcome::Released => self.release(token, |crew, client| crew.park(client)),
                Outcome::Ended(end) => {
                    self.release(token, |crew, client| crew.reporter.closed(&client, end));
                }
            }
        }
        self.turns = turns;
    }

    fn release(&mut self, token: Token, then: impl FnOnce(&Crew, Client)) {
        if let Some(client) = self.table.release(token) {
            then(&self.crew, client);
        }
    }

    /// Parks clients that need no worker now: all of them, when the server ends.
    fn sweep(&mut self) {
        let now = Instant::now();
        if now < self.next_sweep {
            return;
        }
        self.next_sweep = now + TICK;
        let (all, patience) = (!self.crew.pace.reads(), self.crew.pace.patience);
        let leaving = self
            .table
            .release_if(|client| all || client.is_silent_for(patience));
        leaving
            .into_iter()
            .for_each(|client| self.crew.park(client));
    }
}

/// A panic ends the client that it happened to, and nothing else.
fn serve(crew: &Crew, client: &mut Client, buffer: &mut [u8]) -> Outcome {
    let served = catch_unwind(AssertUnwindSafe(|| client.serve(buffer, &crew.pace)));
    served.unwrap_or_else(|_| {
        log::error!(
            "the service of {} panicked; its connection is closed",
            client.peer
        );
        Outcome::Ended(End::Failed)
    })
}
