//! Says how each connection ended, and keeps count of what a cut left undelivered.

use std::net::TcpStream;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use netcommon::language::Language;
use netcommon::output::{Output, Style};
use netcommon::socket::held_up::HeldUp;
use netcommon::socket::info::tcp_info;
use netcommon::units::show_duration;

use crate::client::{Client, CloseReason};
use crate::events::{Event, say_or_log};
use crate::tally::Tally;

/// Shared by all threads that end clients.
pub(crate) struct ConnectionLog {
    output: Arc<Output>,
    cut: Mutex<Cut>,
}

/// Clients that were cut, and what that cost them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cut {
    pub(crate) clients: u64,
    /// Bytes of all of them, as in a [`Tally`].
    pub(crate) undelivered: u64,
    pub(crate) unread: u64,
}

impl ConnectionLog {
    pub(crate) fn new(output: Arc<Output>) -> Self {
        Self {
            output,
            cut: Mutex::default(),
        }
    }

    /// The clients that were cut so far.
    pub(crate) fn cut(&self) -> Cut {
        *self.cut.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes the connection of a client, and tells of it.
    pub(crate) fn close(&self, client: Client, reason: CloseReason) {
        let tally = Tally::of(&client, reason);
        if reason == CloseReason::Cut {
            let mut cut = self.cut.lock().unwrap_or_else(PoisonError::into_inner);
            cut.clients += 1;
            cut.undelivered += tally.undelivered;
            cut.unread += tally.unread;
        }
        let Client {
            stream,
            peer,
            since,
            place,
            received,
            arrivals,
            ..
        } = client;
        let lasted = since.elapsed();
        let held_up = self.held_up(&stream, lasted);
        // At once: what still came would be in no count.
        drop(stream);
        if received + tally.unread == 0 {
            arrivals.close(peer);
        }
        let why = held_up.map(|held_up| held_up.human(Language::English, "nothing to echo"));
        log::info!(
            "{peer}: {} bytes echoed in {}, {}{}",
            tally.delivered,
            show_duration(lasted),
            reason.word(),
            why.map_or(String::new(), |why| format!("; {why}"))
        );
        let closed = Event::Closed {
            peer,
            bytes: tally.delivered,
            undelivered: tally.undelivered,
            unread: tally.unread,
            duration_s: lasted.as_secs_f64(),
            reason: reason.word(),
            held_up,
        };
        say_or_log(&self.output, &closed);
        // The server may end as soon as no place is taken.
        drop(place);
    }

    /// Looked up where it is told alone: it costs a system call a client.
    fn held_up(&self, stream: &TcpStream, lasted: Duration) -> Option<HeldUp> {
        let is_told = self.output.style == Style::Json || log::log_enabled!(log::Level::Info);
        let info = is_told.then(|| tcp_info(stream)).flatten();
        info.map(|info| HeldUp::of(&info, lasted))
    }
}
