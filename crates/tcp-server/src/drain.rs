//! The end of a server: clients that talk may finish, silent ones are closed, and what is left is cut.

use std::time::{Duration, Instant};

use mio::Events;
use netcommon::Error;
use netcommon::units::show_duration;

use crate::client::End;
use crate::server::Server;

/// A client silent for this long has fallen idle: longer than a busy machine holds up a transfer.
const QUIET: Duration = Duration::from_millis(500);

/// How often silence is looked for.
const TICK: Duration = Duration::from_millis(20);

/// How long workers may take to notice the cut; each of their waits is bounded by a tenth of it.
const CUT_GRACE: Duration = Duration::from_secs(1);

/// The most connections that are still accepted when the shutdown comes; more than any backlog holds.
const MOST_QUEUED: usize = 1 << 16;

/// A shutdown under way.
pub(crate) struct Drain {
    deadline: Instant,
}

impl Drain {
    fn lasting(time: Duration) -> Self {
        Self {
            deadline: Instant::now() + time,
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.deadline <= Instant::now()
    }

    pub(crate) fn tick(&self) -> Duration {
        TICK.min(self.deadline.saturating_duration_since(Instant::now()))
    }
}

impl Server {
    /// Accepts what is already queued, then closes the listener.
    pub(crate) fn begin_drain(&mut self) {
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

    /// Closes clients that have fallen idle; one that has not read its echo yet gets the time left.
    pub(crate) fn close_drained(&mut self) {
        let idle = self
            .parked
            .take_silent(QUIET, |client| client.unsent.is_empty());
        idle.iter()
            .for_each(|client| self.reporter.closed(client, End::Drained));
    }

    /// Ends whoever is left after the deadline, and says how much that was.
    pub(crate) fn cut_rest(&mut self, events: &mut Events) -> Result<(), Error> {
        let clients = self.slots.taken();
        if clients == 0 {
            return Ok(());
        }
        self.crew.cut();
        self.drain = Some(Drain::lasting(CUT_GRACE));
        while self.slots.taken() > 0 && !self.drain.as_ref().is_some_and(Drain::is_over) {
            let parked = self.parked.take_silent(Duration::ZERO, |_| true);
            parked
                .iter()
                .for_each(|client| self.reporter.closed(client, End::Cut));
            drop(parked);
            self.wait(events)?;
        }
        let timeout = show_duration(self.settings.drain_timeout);
        let bytes = self.reporter.undelivered();
        log::warn!(
            "cut {clients} that were not done after {timeout}; {bytes} bytes of echo were not delivered"
        );
        Ok(())
    }
}
