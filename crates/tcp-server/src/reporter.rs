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
    totals: Arc<Totals>,
}

#[derive(Default)]
struct Totals {
    cut: AtomicU64,
    undelivered: AtomicU64,
}

impl Reporter {
    pub(crate) fn new(output: Arc<Output>) -> Self {
        Self {
            output,
            totals: Arc::default(),
        }
    }

    /// Clients that were cut, and the bytes that were read from clients but never echoed, because
    /// their connections ended before.
    pub(crate) fn cut(&self) -> (u64, u64) {
        let [clients, bytes] = [&self.totals.cut, &self.totals.undelivered];
        (
            clients.load(Ordering::Relaxed),
            bytes.load(Ordering::Relaxed),
        )
    }

    /// To be called once for each client, right before it is dropped.
    pub(crate) fn closed(&self, client: &Client, end: End) {
        // What a client threw away itself was not the server's to deliver.
        let undelivered = if end == End::Reset {
            0
        } else {
            client.received - client.echoed
        };
        let cut = u64::from(end == End::Cut);
        self.totals.cut.fetch_add(cut, Ordering::Relaxed);
        self.totals
            .undelivered
            .fetch_add(undelivered, Ordering::Relaxed);
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
