//! The main thread: poll, accept, dispatch.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use mio::{Events, Poll, Token, Waker};
use netcommon::Error;
use netcommon::output::{self, Output};
use netcommon::shutdown::Shutdown;

use crate::acceptor::Acceptor;
use crate::client::{Client, End};
use crate::crew::Crew;
use crate::drain::Drain;
use crate::events::Event;
use crate::limits::Limits;
use crate::pace::Pace;
use crate::parked::Parked;
use crate::reporter::Reporter;
use crate::slots::Slots;
use crate::tap::Tap;

// Clients use their descriptors as tokens, which are small numbers.
const LISTENER: Token = Token(usize::MAX - 1);
const WAKER: Token = Token(usize::MAX - 2);
const STDOUT: Token = Token(usize::MAX - 3);

/// Events taken from the kernel, and clients accepted, before the other has its turn.
const BATCH: usize = 1024;

/// What a server needs to know beside its listener.
#[derive(Clone)]
pub struct Settings {
    /// Bounds on clients and threads.
    pub limits: Limits,
    /// Serve one client and end.
    pub once: bool,
    /// Close clients that are silent, or do not read, for so long; `None` never does.
    pub idle_timeout: Option<Duration>,
    /// How long a shutdown waits for clients that are still talking.
    pub drain_timeout: Duration,
    /// Sees what clients send.
    pub tap: Option<Tap>,
}

/// A server that is ready to run: listener in, shutdown in.
pub struct Server {
    pub(crate) poll: Poll,
    waker: Arc<Waker>,
    pub(crate) acceptor: Option<Acceptor>,
    pub(crate) slots: Arc<Slots>,
    pub(crate) parked: Arc<Parked>,
    pub(crate) crew: Arc<Crew>,
    pub(crate) reporter: Reporter,
    output: Arc<Output>,
    shutdown: Shutdown,
    pub(crate) settings: Settings,
    last_sweep: Instant,
    pub(crate) drain: Option<Drain>,
}

impl Server {
    /// Puts the engine together and starts its first worker.
    ///
    /// # Errors
    ///
    /// When the system refuses a poller or a thread.
    pub fn new(
        listener: TcpListener,
        settings: Settings,
        output: Arc<Output>,
        shutdown: Shutdown,
    ) -> Result<Self, Error> {
        let assembled = Self::assemble(listener, settings, output, shutdown);
        assembled.map_err(|error| Error::io("cannot start the server", error))
    }

    fn assemble(
        listener: TcpListener,
        settings: Settings,
        output: Arc<Output>,
        shutdown: Shutdown,
    ) -> io::Result<Self> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        output::watch(poll.registry(), STDOUT);
        let parked = Arc::new(Parked::new(poll.registry().try_clone()?));
        let reporter = Reporter::new(Arc::clone(&output));
        let pace = Pace::new(&settings);
        Ok(Self {
            acceptor: Some(Acceptor::new(
                listener,
                poll.registry().try_clone()?,
                LISTENER,
            )?),
            slots: Slots::new(settings.limits.clients, Arc::clone(&waker)),
            crew: Crew::start(
                settings.limits.threads,
                pace,
                Arc::clone(&parked),
                reporter.clone(),
            )?,
            poll,
            waker,
            parked,
            reporter,
            output,
            shutdown,
            settings,
            last_sweep: Instant::now(),
            drain: None,
        })
    }

    /// What a signal handler calls after it requested the shutdown.
    pub fn waker(&self) -> impl Fn() + Send + 'static {
        let waker = Arc::clone(&self.waker);
        move || {
            if let Err(error) = waker.wake() {
                log::error!("cannot wake the main thread: {error}");
            }
        }
    }

    /// Serves until the shutdown is requested, or the one client of `once` has left.
    ///
    /// # Errors
    ///
    /// When the poller fails, or when standard output cannot be written; then clients are drained first.
    pub fn run(mut self) -> Result<(), Error> {
        let mut events = Events::with_capacity(BATCH);
        let mut outcome = Ok(());
        while !self.is_finished() {
            self.wait(&mut events)?;
            let all_seen = self.dispatch(&events);
            if let Err(error) = self.accept_waiting() {
                outcome = Err(error);
                self.shutdown.request();
            }
            if self.shutdown.is_requested() && self.drain.is_none() {
                self.begin_drain();
            } else if self.drain.is_some() {
                self.sweep_drained();
            } else if all_seen {
                self.close_silent();
            }
        }
        self.cut_rest(&mut events)?;
        self.crew.dismiss();
        outcome
    }

    fn is_finished(&self) -> bool {
        let nobody_left = self.acceptor.is_none() && self.slots.taken() == 0;
        nobody_left || self.drain.as_ref().is_some_and(Drain::is_over)
    }

    pub(crate) fn wait(&mut self, events: &mut Events) -> Result<(), Error> {
        match self.poll.poll(events, self.patience()) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                Err(Error::io("cannot wait for events", error))
            }
            _ => Ok(()),
        }
    }

    /// How long the main thread may sleep when nothing happens.
    fn patience(&self) -> Option<Duration> {
        let accept = self
            .acceptor
            .as_ref()
            .and_then(Acceptor::delay)
            .filter(|_| !self.slots.are_full());
        let drain = self.drain.as_ref().map(Drain::tick);
        [accept, drain, self.sweep_interval()]
            .into_iter()
            .flatten()
            .min()
    }

    fn sweep_interval(&self) -> Option<Duration> {
        let (shortest, longest) = (Duration::from_millis(10), Duration::from_secs(1));
        self.settings
            .idle_timeout
            .map(|timeout| (timeout / 8).clamp(shortest, longest))
    }

    /// Hands every client that the poller reported to the crew. True when the poller has told all it knew.
    pub(crate) fn dispatch(&mut self, events: &Events) -> bool {
        for event in events {
            match (event.token(), &mut self.acceptor) {
                (LISTENER, Some(acceptor)) => acceptor.set_ready(),
                (WAKER, Some(acceptor)) => acceptor.end_pause(),
                (LISTENER | WAKER, None) => {}
                (STDOUT, _) if output::is_closed(event) => self.shutdown.request(),
                (STDOUT, _) => {}
                (token, _) => {
                    if let Some(client) = self.parked.take(token) {
                        self.attend(client);
                    }
                }
            }
        }
        events.iter().count() < BATCH
    }

    fn accept_waiting(&mut self) -> Result<(), Error> {
        for _ in 0..BATCH {
            if !self.accept_one()? {
                break;
            }
        }
        Ok(())
    }

    /// False when there is nobody to accept, or nothing to accept them with.
    pub(crate) fn accept_one(&mut self) -> Result<bool, Error> {
        let Some(acceptor) = self
            .acceptor
            .as_mut()
            .filter(|acceptor| acceptor.delay() == Some(Duration::ZERO))
        else {
            return Ok(false);
        };
        if self.slots.are_full() {
            acceptor.shortage.warn(format_args!(
                "all {} places for clients are taken; more wait in the backlog",
                self.slots.limit()
            ));
            self.slots.set_awaited(true);
            return Ok(false);
        }
        let accepted = acceptor.accept();
        self.slots
            .set_awaited(acceptor.is_ready() && accepted.is_none());
        match accepted {
            Some((stream, peer)) => self.admit(stream, peer).map(|()| true),
            None => Ok(false),
        }
    }

    fn admit(&mut self, stream: TcpStream, peer: SocketAddr) -> Result<(), Error> {
        let slot = self.slots.take();
        if self.settings.once {
            self.acceptor = None;
            self.slots.set_awaited(true);
        }
        let said = self.output.say(&Event::Connected { peer });
        // Most clients speak as soon as they are connected; a worker parks those that do not.
        self.crew.dispatch(Client::new(stream, peer, slot));
        said
    }

    /// Looks for clients that have been silent too long, not more often than it takes.
    fn close_silent(&mut self) {
        let due = self
            .sweep_interval()
            .is_some_and(|interval| self.last_sweep.elapsed() >= interval);
        if let (true, Some(timeout)) = (due, self.settings.idle_timeout) {
            self.last_sweep = Instant::now();
            let silent = self.parked.take_if(|client| client.is_silent_for(timeout));
            silent
                .iter()
                .for_each(|client| self.reporter.closed(client, End::Idle));
        }
    }
}
