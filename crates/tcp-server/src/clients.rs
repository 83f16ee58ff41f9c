//! The clients of one worker, in its poller.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use mio::event::Event;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token, Waker};
use nix::errno::Errno;

use crate::client::{Client, CloseReason, Outcome};
use crate::inspect::Inspector;
use crate::lingering_close::LingeringClose;

// Clients use their descriptors as tokens, which are small numbers.
const WAKER: Token = Token(usize::MAX);

/// Events taken from the kernel before clients have their turns.
pub(crate) const BATCH: usize = 1024;

/// Urgent data is only told to those who ask for it (`EPOLLPRI`, epoll_ctl(2)).
#[cfg(target_os = "linux")]
const AWAITED: Interest = Interest::READABLE
    .add(Interest::WRITABLE)
    .add(Interest::PRIORITY);
#[cfg(not(target_os = "linux"))]
const AWAITED: Interest = Interest::READABLE.add(Interest::WRITABLE);

/// Clients by descriptor, which is also their token in the poller.
///
/// The poller reports each change once (edge-triggered), and a worker serves a client until the kernel
/// has nothing more for it: so all that matters to a client later is reported later.
pub(crate) struct Clients {
    poll: Poll,
    events: Events,
    entries: HashMap<Token, Entry>,
    /// Those with a turn to come.
    ready: VecDeque<Token>,
}

/// A client that is served or, with a lingering close, about to leave.
pub(crate) struct Entry {
    pub(crate) client: Client,
    pub(crate) lingering: Option<LingeringClose>,
    pub(crate) is_ready: bool,
}

impl Clients {
    /// No clients yet, and a waker that ends [`poll`](Self::poll) from another thread.
    pub(crate) fn new() -> io::Result<(Self, Waker)> {
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), WAKER)?;
        let clients = Self {
            poll,
            events: Events::with_capacity(BATCH),
            entries: HashMap::new(),
            ready: VecDeque::new(),
        };
        Ok((clients, waker))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Takes a client in; the next poll reports all that it is ready for. Gives it back where the
    /// poller refuses it, or memory is short.
    pub(crate) fn insert(&mut self, client: Client) -> Option<Client> {
        let (token, descriptor) = (client.token(), client.descriptor());
        let registry = self.poll.registry();
        let registered = self
            .entries
            .try_reserve(1)
            .and_then(|()| self.ready.try_reserve(self.entries.len() + 1))
            .map_err(|_| io::ErrorKind::OutOfMemory.into())
            .and_then(|()| registry.register(&mut SourceFd(&descriptor), token, AWAITED));
        if let Err(error) = registered {
            log::error!("cannot take {} in: {error}", client.peer);
            return Some(client);
        }
        self.entries.insert(token, Entry::new(client));
        None
    }

    /// Lets a client go, to be closed: that takes it out of the poller, too (epoll(7)).
    pub(crate) fn remove(&mut self, token: Token) -> Option<Client> {
        self.entries.remove(&token).map(|entry| entry.client)
    }

    pub(crate) fn entry(&mut self, token: Token) -> Option<&mut Entry> {
        self.entries.get_mut(&token)
    }

    /// Waits for events, up to `timeout` if there is one, and gives turns to those that they concern.
    pub(crate) fn poll(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        match self.poll.poll(&mut self.events, timeout) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
        for event in &self.events {
            if let Some(entry) = self.entries.get_mut(&event.token())
                && entry.hear(event)
            {
                self.ready.push_back(event.token());
            }
        }
        Ok(())
    }

    /// Whether the last poll left no event with the kernel.
    pub(crate) fn has_heard_all(&self) -> bool {
        self.events.iter().count() < BATCH
    }

    /// How many have a turn to come.
    pub(crate) fn ready(&self) -> usize {
        self.ready.len()
    }

    /// Gives a client a turn.
    pub(crate) fn set_ready(&mut self, token: Token) {
        if let Some(entry) = self.entries.get_mut(&token)
            && !mem::replace(&mut entry.is_ready, true)
        {
            self.ready.push_back(token);
        }
    }

    /// Moves those with a turn to come into `turns`, which is emptied before, up to its capacity.
    pub(crate) fn take_ready(&mut self, turns: &mut Vec<Token>) {
        turns.clear();
        let count = self.ready.len().min(turns.capacity());
        turns.extend(self.ready.drain(..count));
        for token in turns.iter() {
            if let Some(entry) = self.entries.get_mut(token) {
                entry.is_ready = false;
            }
        }
    }

    /// Lets the client go whose turn would come last, to be served by another worker.
    pub(crate) fn pop_ready(&mut self) -> Option<Client> {
        let token = self.ready.pop_back()?;
        let client = self.remove(token)?;
        let descriptor = client.descriptor();
        let registry = self.poll.registry();
        if let Err(error) = registry.deregister(&mut SourceFd(&descriptor)) {
            log::error!("cannot take {} out of the poller: {error}", client.peer);
        }
        Some(client)
    }

    /// The judgement of each client that is not left waiting. Without memory for more of them, the
    /// others are left to the next sweep.
    pub(crate) fn sweep(
        &mut self,
        mut judge: impl FnMut(&mut Entry) -> Outcome,
    ) -> Vec<(Token, Outcome)> {
        let mut judged = Vec::new();
        for (token, entry) in &mut self.entries {
            if judged.try_reserve(1).is_err() {
                break;
            }
            match judge(entry) {
                Outcome::Waiting => {}
                outcome => judged.push((*token, outcome)),
            }
        }
        judged
    }
}

impl Entry {
    fn new(client: Client) -> Self {
        Self {
            client,
            lingering: None,
            is_ready: false,
        }
    }

    /// True when the event gives the client a turn that it does not have yet.
    fn hear(&mut self, event: &Event) -> bool {
        let over = event.is_read_closed() || event.is_error();
        self.client.reads_to_end |= over || is_urgent(event);
        let awaited = if self.lingering.is_some() {
            true
        } else if self.client.awaits_room() {
            event.is_writable() || over
        } else {
            event.is_readable() || over
        };
        awaited && !mem::replace(&mut self.is_ready, true)
    }

    /// One turn. A panic in it ends this client, and nothing else.
    pub(crate) fn take_turn(
        &mut self,
        buffer: &mut [u8],
        inspector: Option<&Inspector>,
    ) -> Outcome {
        let peer = self.client.peer;
        match catch_unwind(AssertUnwindSafe(|| self.go_on(buffer, inspector))) {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(error)) => Outcome::Ended(CloseReason::of(error, peer)),
            Err(_) => {
                log::error!("the service of {peer} panicked; its connection is closed");
                Outcome::Ended(CloseReason::Failed)
            }
        }
    }

    fn go_on(
        &mut self,
        buffer: &mut [u8],
        inspector: Option<&Inspector>,
    ) -> Result<Outcome, Errno> {
        match &mut self.lingering {
            Some(closing) => closing.step(&mut self.client, buffer),
            None => self.client.serve(buffer, inspector),
        }
    }
}

#[cfg(target_os = "linux")]
fn is_urgent(event: &Event) -> bool {
    event.is_priority()
}

/// Elsewhere a poller does not tell.
#[cfg(not(target_os = "linux"))]
fn is_urgent(_: &Event) -> bool {
    false
}
