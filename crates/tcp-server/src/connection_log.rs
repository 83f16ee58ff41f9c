//! Says how each connection ended, and keeps count of what a cut left undelivered.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use netcommon::error::ErrorKind;
use netcommon::output::Output;
use netcommon::units::show_duration;

use crate::client::{Client, CloseReason};
use crate::events::Event;

/// Shared by all threads that end clients.
pub(crate) struct ConnectionLog {
    output: Arc<Output>,
    cut: AtomicU64,
    undelivered: AtomicU64,
}

impl ConnectionLog {
    pub(crate) fn new(output: Arc<Output>) -> Self {
        Self {
            output,
            cut: AtomicU64::new(0),
            undelivered: AtomicU64::new(0),
        }
    }

    /// Clients that were cut.
    pub(crate) fn cut(&self) -> u64 {
        self.cut.load(Ordering::Relaxed)
    }

    /// Bytes that were read from clients but never echoed, because their connections ended before.
    pub(crate) fn undelivered(&self) -> u64 {
        self.undelivered.load(Ordering::Relaxed)
    }

    /// Tells of a client that is gone, and closes its connection.
    pub(crate) fn close(&self, client: Client, reason: CloseReason) {
        // What a client threw away itself was not the server's to deliver.
        let undelivered = match reason {
            CloseReason::Reset => 0,
            _ => client.received - client.echoed,
        };
        let cut = u64::from(reason == CloseReason::Cut);
        self.cut.fetch_add(cut, Ordering::Relaxed);
        self.undelivered.fetch_add(undelivered, Ordering::Relaxed);
        self.tell(&client, undelivered, reason.word());
    }

    fn tell(&self, client: &Client, undelivered: u64, reason: &'static str) {
        let (peer, bytes, lasted) = (client.peer, client.echoed, client.since.elapsed());
        log::info!(
            "{peer}: {bytes} bytes echoed in {}, {reason}",
            show_duration(lasted)
        );
        let event = Event::Closed {
            peer,
            bytes,
            undelivered,
            duration_s: lasted.as_secs_f64(),
            reason,
        };
        // The main thread watches standard output, and ends the server when it is closed.
        if let Err(error) = self.output.say(&event)
            && error.kind() != ErrorKind::OutputClosed
        {
            log::error!("{error}");
        }
    }
}
