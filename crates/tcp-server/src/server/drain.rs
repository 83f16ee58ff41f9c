//! The end of a server: clients that talk may finish, silent ones are closed, and what is left is cut.

use std::time::{Duration, Instant};

use mio::Events;
use netcommon::units::show_duration;
use netcommon::{Error, service};

use super::Server;
use crate::acceptor::Acceptor;
use crate::connection_log::Cut;
use crate::shared::Phase;

/// In the last part of the drain time nothing more is read, only delivered.
const DELIVERY_PART: u32 = 5;

/// How long workers may take to notice the cut, for which they are woken.
const CUT_GRACE: Duration = Duration::from_secs(1);

/// The most connections that are still accepted when the shutdown comes; more than any backlog holds.
const MOST_QUEUED: usize = 1 << 16;

/// As good as for ever: a much later deadline is more than the clock can tell.
const CENTURY: Duration = Duration::from_secs(100 * 365 * 86_400);

/// A shutdown under way.
pub(super) struct Drain {
    /// When the server stops reading, while it still does.
    last_read: Option<Instant>,
    deadline: Instant,
}

impl Drain {
    fn lasting(time: Duration) -> Self {
        let now = Instant::now();
        let time = time.min(CENTURY);
        Self {
            last_read: Some(now + time - time / DELIVERY_PART),
            deadline: now + time,
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.deadline <= Instant::now()
    }

    /// Until there is something to do.
    pub(super) fn time_left(&self) -> Duration {
        let next = self.last_read.unwrap_or(self.deadline);
        next.saturating_duration_since(Instant::now())
    }
}

impl Server {
    /// Begins the drain, or goes on with it.
    pub(super) fn advance_drain(&mut self) {
        let Some(drain) = &mut self.drain else {
            return self.begin_drain();
        };
        if drain.last_read.is_some_and(|last| last <= Instant::now()) {
            drain.last_read = None;
            self.pool.set_phase(Phase::Delivering);
        }
    }

    /// Closes the listener. Clients of one that goes on listening wait for the next start.
    fn begin_drain(&mut self) {
        if !self.settings.is_handed_over {
            self.accept_queued();
        }
        self.acceptor = None;
        self.places.set_awaited(true);
        self.drain = Some(Drain::lasting(self.settings.drain_timeout));
        self.pool.set_phase(Phase::Draining);
        let left = self.places.taken();
        service::report_stopping(&format!("finishing: {left} clients are left"));
    }

    fn accept_queued(&mut self) {
        if let Some(acceptor) = &mut self.acceptor {
            // A client may have come since the poller was asked, a descriptor have fallen free.
            acceptor.refuse_newcomers();
            acceptor.set_ready();
            acceptor.end_pause();
        }
        for _ in 0..MOST_QUEUED {
            match self.accept_one() {
                Ok(true) => {}
                Ok(false) if !self.awaits_handshake() => break,
                Ok(false) => {}
                Err(error) => log::debug!("{error}"),
            }
        }
    }

    /// Whether a client whose handshake was under way has come, and there is a place for it.
    fn awaits_handshake(&mut self) -> bool {
        let acceptor = self.acceptor.as_mut().filter(|_| !self.places.are_full());
        acceptor.is_some_and(Acceptor::await_handshake)
    }

    /// Closes what is left after the deadline, and says how much was lost.
    pub(super) fn cut(&mut self, events: &mut Events) -> Result<(), Error> {
        self.pool.set_phase(Phase::Cut);
        self.drain = Some(Drain {
            last_read: None,
            deadline: Instant::now() + CUT_GRACE,
        });
        while self.places.taken() > 0 && !self.drain.as_ref().is_some_and(Drain::is_over) {
            self.wait(events)?;
        }
        let Cut {
            clients,
            undelivered,
            unread,
        } = self.pool.log().cut();
        if clients > 0 {
            let timeout = show_duration(self.settings.drain_timeout);
            log::warn!(
                "cut {clients} that were not done after {timeout}; {undelivered} bytes of echo were not delivered, {unread} of them never read"
            );
        }
        service::report_end(&format!("ended; clients that were cut: {clients}"));
        Ok(())
    }
}
