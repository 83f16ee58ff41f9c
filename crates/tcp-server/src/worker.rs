//! A worker: a thread that serves its clients by turns, without ever waiting for one of them.

use std::io;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use memmap2::MmapMut;
use mio::Token;
use netcommon::error::reason;

use crate::client::{Client, CloseReason, Outcome};
use crate::clients::{BATCH, Clients};
use crate::mailbox::Mailbox;
use crate::shared::{Phase, Shared};
use crate::sweep::{Sweep, interval};

/// 2.2 times the throughput of 64 KiB; untouched pages of it cost nothing.
const BUFFER: usize = 256 << 10;

/// Enough to go on with.
const SPARE: usize = 16 << 10;

/// How long a worker with nothing to do keeps its buffer.
const REST: Duration = Duration::from_secs(2);

/// How long, at least, between clients that a worker hands off: moving one costs some microseconds,
/// and a worker that sleeps may do so for an instant only.
const HAND_OFF_INTERVAL: Duration = Duration::from_millis(10);

/// One of a server's workers, before and while it runs.
pub(crate) struct Worker {
    number: usize,
    shared: Arc<Shared>,
    clients: Clients,
    /// None while the worker rests.
    buffer: Option<MmapMut>,
    /// Takes the place of the buffer where there is no memory for that.
    spare: Box<[u8]>,
    turns: Vec<Token>,
    phase: Phase,
    phase_since: Instant,
    last_service: Instant,
    last_sweep: Instant,
    last_hand_off: Instant,
}

impl Worker {
    /// With the mailbox of this `number`.
    pub(crate) fn new(number: usize, clients: Clients, shared: Arc<Shared>) -> Self {
        let now = Instant::now();
        Self {
            number,
            shared,
            clients,
            buffer: None,
            spare: vec![0; SPARE].into(),
            turns: Vec::with_capacity(BATCH),
            phase: Phase::Running,
            phase_since: now,
            last_service: now,
            last_sweep: now,
            last_hand_off: now,
        }
    }

    /// Serves until the server ends.
    pub(crate) fn run(mut self) {
        let failure = match catch_unwind(AssertUnwindSafe(|| self.serve())) {
            Ok(Ok(())) => return,
            Ok(Err(error)) => reason(&error),
            Err(_) => "it panicked".to_owned(),
        };
        log::error!("a worker has failed, and the server ends: {failure}");
        self.mailbox().retire();
        self.shared.fail();
    }

    fn serve(&mut self) -> io::Result<()> {
        while self.shared.phase() != Phase::Over {
            self.wait()?;
            let now = Instant::now();
            self.sweep(now);
            self.hand_off(now);
            self.serve_ready(now);
        }
        Ok(())
    }

    /// Takes in new clients and events, and sleeps until there are some.
    fn wait(&mut self) -> io::Result<()> {
        self.take_in();
        self.clients.poll(Some(Duration::ZERO))?;
        if self.clients.ready() == 0 {
            // A thread that shares this processor may be about to send something.
            thread::yield_now();
            self.sleep()?;
        }
        Ok(())
    }

    fn take_in(&mut self) {
        for client in self.mailbox().take() {
            self.insert(client);
        }
    }

    fn insert(&mut self, client: Client) {
        if let Some(client) = self.clients.insert(client) {
            self.close(client, CloseReason::Failed);
        }
    }

    fn sleep(&mut self) -> io::Result<()> {
        // A change of phase wakes the worker, but the poll before may have taken note of that.
        if self.shared.phase() != self.phase || !self.mailbox().begin_sleep() {
            return Ok(());
        }
        let now = Instant::now();
        let times = [self.time_to_sweep(now), self.time_to_rest(now)];
        let polled = self.clients.poll(times.into_iter().flatten().min());
        self.mailbox().end_sleep();
        let rests = || self.time_to_rest(Instant::now()) == Some(Duration::ZERO);
        if self.clients.ready() == 0 && rests() {
            self.buffer = None;
        }
        polled
    }

    /// `None` when no client has to be looked at.
    fn time_to_sweep(&self, now: Instant) -> Option<Duration> {
        if self.clients.is_empty() {
            return None;
        }
        let interval = interval(self.phase, self.shared.settings.idle_timeout)?;
        Some((self.last_sweep + interval).saturating_duration_since(now))
    }

    /// `None` when the buffer was given back.
    fn time_to_rest(&self, now: Instant) -> Option<Duration> {
        let end = self.last_service + REST;
        self.buffer
            .is_some()
            .then(|| end.saturating_duration_since(now))
    }

    fn sweep(&mut self, now: Instant) {
        let phase = self.shared.phase();
        if phase != self.phase {
            self.phase = phase;
            self.phase_since = now;
        } else if self.time_to_sweep(now) != Some(Duration::ZERO) {
            return;
        }
        self.last_sweep = now;
        let idle_timeout = self.shared.settings.idle_timeout;
        let sweep = Sweep {
            phase,
            phase_since: self.phase_since,
            idle_timeout: idle_timeout.filter(|_| self.clients.has_heard_all()),
            now,
        };
        for (token, outcome) in self.clients.sweep(|entry| sweep.judge(entry)) {
            self.settle(token, outcome);
        }
    }

    /// Lets a worker that sleeps have a client that would wait for its turn here.
    fn hand_off(&mut self, now: Instant) {
        if self.clients.ready() < 2
            || self.phase != Phase::Running
            || now < self.last_hand_off + HAND_OFF_INTERVAL
        {
            return;
        }
        self.last_hand_off = now;
        let mailboxes = self.shared.mailboxes.iter();
        let asleep = mailboxes.filter(|mailbox| mailbox.is_asleep());
        if let Some(mailbox) = asleep.min_by_key(|mailbox| mailbox.load())
            && let Some(client) = self.clients.pop_ready()
        {
            match mailbox.push(client) {
                Ok(()) => self.mailbox().subtract(),
                Err(client) => self.insert(client),
            }
        }
    }

    fn serve_ready(&mut self, now: Instant) {
        if self.clients.ready() == 0 {
            return;
        }
        self.last_service = now;
        if self.buffer.is_none() {
            self.buffer = MmapMut::map_anon(BUFFER).ok();
        }
        let mut turns = mem::take(&mut self.turns);
        self.clients.take_ready(&mut turns);
        for token in turns.iter().copied() {
            if self.shared.phase() != self.phase {
                // That concerns the clients whose turns would come now, too.
                self.clients.set_ready(token);
            } else if let Some(entry) = self.clients.entry(token) {
                let inspector = self.shared.settings.inspector.as_ref();
                let buffer = self.buffer.as_deref_mut().unwrap_or(&mut self.spare);
                let before = entry.client.totals();
                let outcome = entry.take_turn(buffer, inspector);
                if let Some(metrics) = &self.shared.settings.metrics {
                    metrics.count(before, entry.client.totals());
                }
                self.settle(token, outcome);
            }
        }
        self.turns = turns;
    }

    fn settle(&mut self, token: Token, outcome: Outcome) {
        match outcome {
            Outcome::Waiting => {}
            Outcome::Ready => self.clients.set_ready(token),
            Outcome::Ended(reason) => {
                if let Some(client) = self.clients.remove(token) {
                    self.close(client, reason);
                }
            }
        }
    }

    fn close(&self, client: Client, reason: CloseReason) {
        self.mailbox().subtract();
        self.shared.log.close(client, reason);
    }

    fn mailbox(&self) -> &Mailbox<Client> {
        &self.shared.mailboxes[self.number]
    }
}
