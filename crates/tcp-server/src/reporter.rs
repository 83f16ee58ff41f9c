//! Says how each connection ended, and keeps count of what a cut left undelivered.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use netcommon::error::ErrorKind;
use netcommon::output::Output;
use netcommon::units::show_duration;

use crate::client::{Client, End};
use crate::events::Event;

/// Shared by everyone who ends a client.
#[derive(Clone)]
pub(crate) struct Reporter {
    output: Arc<Output>,
    undelivered: Arc<AtomicU64>,
}

impl Reporter {
    pub(crate) fn new(output: Arc<Output>) -> Self {
        Self {
            output,
            undelivered: Arc::default(),
        }
    }

    /// Bytes that were read but will never be echoed, because the connection ended before.
    pub(crate) fn undelivered(&self) -> u64 {
        self.undelivered.load(Ordering::Relaxed)
    }

    /// To be called once for each client, right before it is dropped.
    pub(crate) fn closed(&self, client: &Client, end: End) {
        // What a client threw away itself was not the server's to deliver.
        let undelivered = if end == End::Reset {
            0
        } else {
            client.received - client.echoed
        };
        self.undelivered.fetch_add(undelivered, Ordering::Relaxed);
        let lasted = client.since.elapsed();
        log::info!(
            "{}: {} bytes echoed in {}, {}",
            client.peer,
            client.echoed,
            show_duration(lasted),
            end.word()
        );
        let event = Event::Closed {
            peer: client.peer,
            bytes: client.echoed,
            undelivered,
            duration_s: lasted.as_secs_f64(),
            reason: end.word(),
        };
        // The main thread hears of a closed standard output by itself, and then ends the server.
        if let Err(error) = self.output.say(&event)
            && error.kind() != ErrorKind::OutputClosed
        {
            log::error!("{error}");
        }
    }
}
