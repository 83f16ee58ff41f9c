//! The end of a server: clients that talk may finish, silent ones are closed, and what is left is cut.

use std::time::{Duration, Instant};

use mio::Events;
use netcommon::Error;
use netcommon::units::show_duration;

use crate::client::{Client, End};
use crate::server::Server;

/// A client silent for this long has fallen idle: longer than a busy machine holds up a transfer.
const QUIET: Duration = Duration::from_millis(500);

/// How long a client that fell idle may take to close its side after the server has closed its own.
const FAREWELL: Duration = Duration::from_millis(500);

/// In the last part of the drain time nothing more is read, only delivered.
const DELIVERY_PART: u32 = 5;

/// How often silence is looked for.
const TICK: Duration = Duration::from_millis(20);

/// How long workers may take to notice the cut; they are woken for it, and look far more often.
const CUT_GRACE: Duration = Duration::from_secs(1);

/// The most connections that are still accepted when the shutdown comes; more than any backlog holds.
const MOST_QUEUED: usize = 1 << 16;

/// As good as for ever: a much later deadline is more than the clock can tell.
const CENTURY: Duration = Duration::from_secs(100 * 365 * 86_400);

/// What is thrown away at once of a client that goes on sending.
const DISCARDED: usize = 64 << 10;

/// A shutdown under way.
pub(crate) struct Drain {
    /// When the server stops reading.
    last_read: Instant,
    deadline: Instant,
    reads: bool,
    next_sweep: Instant,
    discarded: Vec<u8>,
}

impl Drain {
    fn lasting(time: Duration) -> Self {
        let now = Instant::now();
        let time = time.min(CENTURY);
        Self {
            last_read: now + time - time / DELIVERY_PART,
            deadline: now + time,
            reads: true,
            next_sweep: now,
            discarded: vec![0; DISCARDED],
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.deadline <= Instant::now()
    }

    pub(crate) fn tick(&self) -> Duration {
        let next = self.next_sweep.min(self.deadline);
        next.saturating_duration_since(Instant::now())
    }

    /// True once in each [`TICK`].
    fn is_sweep_due(&mut self) -> bool {
        let now = Instant::now();
        let due = self.next_sweep <= now;
        if due {
            self.next_sweep = now + TICK;
        }
        due
    }
}

impl Server {
    /// Accepts what is already queued, then closes the listener.
    pub(crate) fn begin_drain(&mut self) {
        if let Some(acceptor) = &mut self.acceptor {
            // Somebody may have come since the poller was asked, a descriptor have fallen free.
            acceptor.set_ready();
            acceptor.end_pause();
        }
        for _ in 0..MOST_QUEUED {
            match self.accept_one() {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => log::debug!("{error}"),
            }
        }
        self.acceptor = None;
        self.slots.set_awaited(true);
        self.drain = Some(Drain::lasting(self.settings.drain_timeout));
        log::info!("finishing: {} clients are left", self.slots.taken());
    }

    /// Serves a client that the poller reported, or sees it off.
    pub(crate) fn attend(&mut self, client: Client) {
        match &self.drain {
            Some(_) if client.farewell.is_some() => self.see_off(client),
            Some(drain) if !drain.reads && client.unsent.is_empty() => {
                let until = drain.deadline;
                self.take_leave(client, End::Cut, until);
            }
            _ => self.crew.dispatch(client),
        }
    }

    /// Takes leave of clients that have fallen idle and, when the time to read is over, of every one
    /// to which nothing more has to be written; the others get the time left.
    pub(crate) fn sweep_drained(&mut self) {
        let Some(drain) = &mut self.drain else {
            return;
        };
        if !drain.is_sweep_due() {
            return;
        }
        let now = Instant::now();
        if drain.reads && drain.last_read <= now {
            drain.reads = false;
            self.crew.stop_reading();
        }
        let (reads, deadline) = (drain.reads, drain.deadline);
        let leaving = self.parked.take_if(|client| {
            let done = match reads {
                true => client.is_silent_for(QUIET) && client.has_its_echo(),
                false => client.unsent.is_empty(),
            };
            done && client.farewell.is_none()
        });
        for client in leaving {
            match reads {
                true => self.take_leave(client, End::Drained, now + FAREWELL),
                false => self.take_leave(client, End::Cut, deadline),
            }
        }
        self.close_if(|client| {
            client
                .farewell
                .is_some_and(|farewell| farewell.until <= now)
        });
    }

    fn take_leave(&mut self, mut client: Client, end: End, until: Instant) {
        client.take_leave(end, until);
        self.see_off(client);
    }

    fn see_off(&mut self, mut client: Client) {
        let buffer = self.drain.as_mut().map(|drain| &mut drain.discarded[..]);
        match client.see_off(buffer.unwrap_or_default()) {
            Some(end) => self.reporter.closed(&client, end),
            None => self.crew.park(client),
        }
    }

    fn close_if(&self, matches: impl Fn(&Client) -> bool) {
        for client in self.parked.take_if(matches) {
            let end = client.farewell.map_or(End::Cut, |farewell| farewell.end);
            self.reporter.closed(&client, end);
        }
    }

    /// Ends whoever is left after the deadline, and says how much was lost.
    pub(crate) fn cut_rest(&mut self, events: &mut Events) -> Result<(), Error> {
        if self.slots.taken() > 0 {
            self.crew.cut();
            self.drain = Some(Drain::lasting(CUT_GRACE));
        }
        while self.slots.taken() > 0 && !self.drain.as_ref().is_some_and(Drain::is_over) {
            self.close_if(|_| true);
            self.wait(events)?;
        }
        let (clients, bytes) = self.reporter.cut();
        let timeout = show_duration(self.settings.drain_timeout);
        if clients > 0 {
            log::warn!(
                "cut {clients} that were not done after {timeout}; {bytes} bytes of echo were not delivered"
            );
        }
        Ok(())
    }
}
