//! The clients of one worker, in a poller of its own for as long as they talk.

use std::collections::HashMap;
use std::io;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use mio::event::Event;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token, Waker};

use crate::client::Client;

// Clients use their descriptors as tokens, which are small numbers.
const WAKER: Token = Token(usize::MAX);

/// Reports taken from the kernel before clients have their turns.
const BATCH: usize = 1024;

/// Clients by descriptor, which is also their token in the poller.
///
/// The poller reports each change once (edge-triggered), and a worker serves a client until the kernel
/// has nothing more for it: so whatever matters to a client later is reported later.
pub(crate) struct Table {
    poll: Poll,
    reports: Events,
    waker: Arc<Waker>,
    seats: HashMap<Token, Seat>,
    /// Those whose turn it is.
    ready: Vec<Token>,
}

struct Seat {
    client: Client,
    is_ready: bool,
}

impl Table {
    pub(crate) fn new() -> io::Result<Self> {
        let poll = Poll::new()?;
        Ok(Self {
            waker: Arc::new(Waker::new(poll.registry(), WAKER)?),
            poll,
            reports: Events::with_capacity(BATCH),
            seats: HashMap::new(),
            ready: Vec::new(),
        })
    }

    /// Ends a [`wait`](Self::wait) from another thread.
    pub(crate) fn waker(&self) -> &Arc<Waker> {
        &self.waker
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.seats.is_empty()
    }

    /// Takes a client in; the next wait reports what is there for it already. Gives it back where the
    /// poller refuses it.
    pub(crate) fn seat(&mut self, client: Client) -> Option<Client> {
        let (token, descriptor) = (client.token(), client.descriptor());
        let both = Interest::READABLE | Interest::WRITABLE;
        let registry = self.poll.registry();
        if let Err(error) = registry.register(&mut SourceFd(&descriptor), token, both) {
            log::error!("the poller refuses a client: {error}");
            return Some(client);
        }
        let is_ready = false;
        self.seats.insert(token, Seat { client, is_ready });
        None
    }

    /// Lets a client go, whatever was reported of it.
    pub(crate) fn release(&mut self, token: Token) -> Option<Client> {
        let client = self.seats.remove(&token)?.client;
        let descriptor = client.descriptor();
        let registry = self.poll.registry();
        if let Err(error) = registry.deregister(&mut SourceFd(&descriptor)) {
            log::error!("cannot take {} out of the poller: {error}", client.peer);
        }
        Some(client)
    }

    /// Lets every client go that `matches`.
    pub(crate) fn release_if(&mut self, matches: impl Fn(&Client) -> bool) -> Vec<Client> {
        let seats = self.seats.iter();
        let tokens: Vec<Token> = seats
            .filter(|(_, seat)| matches(&seat.client))
            .map(|(token, _)| *token)
            .collect();
        let released = tokens.into_iter().filter_map(|token| self.release(token));
        released.collect()
    }

    pub(crate) fn client(&mut self, token: Token) -> Option<&mut Client> {
        self.seats.get_mut(&token).map(|seat| &mut seat.client)
    }

    /// Waits for reports, up to so long if at all, and notes whose turn it is. False when none came.
    pub(crate) fn wait(&mut self, time: Option<Duration>) -> bool {
        match self.poll.poll(&mut self.reports, time) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return true,
            Err(error) => log::error!("cannot wait for clients: {error}"),
        }
        for report in &self.reports {
            if let Some(seat) = self.seats.get_mut(&report.token())
                && seat.hear(report)
            {
                self.ready.push(report.token());
            }
        }
        !self.reports.is_empty()
    }

    /// Gives a client one more turn.
    pub(crate) fn put_back(&mut self, token: Token) {
        if let Some(seat) = self.seats.get_mut(&token) {
            seat.is_ready = true;
            self.ready.push(token);
        }
    }

    /// Lets go whose turn would come last.
    pub(crate) fn release_last_ready(&mut self) -> Option<Client> {
        let token = self.ready.pop()?;
        self.release(token)
    }

    /// How many have a turn to come.
    pub(crate) fn ready(&self) -> usize {
        self.ready.len()
    }

    /// Whose turn it is; `turns` gets them, and is emptied before.
    pub(crate) fn take_ready(&mut self, turns: &mut Vec<Token>) {
        turns.clear();
        mem::swap(turns, &mut self.ready);
        for token in turns.iter() {
            if let Some(seat) = self.seats.get_mut(token) {
                seat.is_ready = false;
            }
        }
    }
}

impl Seat {
    /// True when the report gives the client a turn that it does not have yet.
    fn hear(&mut self, report: &Event) -> bool {
        let over = report.is_read_closed() || report.is_error();
        self.client.hung_up |= over;
        let awaited = match self.client.unsent.is_empty() {
            true => report.is_readable() || over,
            false => report.is_writable() || over,
        };
        awaited && !mem::replace(&mut self.is_ready, true)
    }
}
