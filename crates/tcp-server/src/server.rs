//! The main thread: accepts clients, gives them to the workers, and waits.

mod drain;

use std::io;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use mio::{Events, Poll, Token, Waker};
use netcommon::address::Endpoint;
use netcommon::output::{self, Output};
use netcommon::shutdown::Shutdown;
use netcommon::{Error, ErrorKind};

use crate::acceptor::Acceptor;
use crate::places::Places;
use crate::pool::WorkerPool;
use crate::settings::Settings;

use drain::Drain;

const LISTENER: Token = Token(0);
const WAKER: Token = Token(1);
const STDOUT: Token = Token(2);

/// Clients accepted before the main thread looks for anything else to do.
const BATCH: usize = 1024;

/// A server that is ready to run: listener in, shutdown in.
pub struct Server {
    poll: Poll,
    waker: Arc<Waker>,
    acceptor: Option<Acceptor>,
    places: Arc<Places>,
    pool: WorkerPool,
    shutdown: Shutdown,
    settings: Settings,
    drain: Option<Drain>,
}

impl Server {
    /// Puts the server together, with all that it needs of the system but threads.
    ///
    /// # Errors
    ///
    /// When the system refuses a poller.
    pub fn new(
        listener: TcpListener,
        settings: Settings,
        output: Arc<Output>,
        shutdown: Shutdown,
    ) -> io::Result<Self> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        output::watch(poll.registry(), STDOUT);
        let acceptor = Acceptor::new(listener, poll.registry(), LISTENER)?;
        let metrics = settings.metrics.clone().unwrap_or_default();
        let limit = settings.limits.clients;
        Ok(Self {
            acceptor: Some(acceptor),
            places: Places::new(limit, metrics.connected, Arc::clone(&waker)),
            pool: WorkerPool::new(settings.clone(), &output)?,
            poll,
            waker,
            shutdown,
            settings,
            drain: None,
        })
    }

    /// Function for a signal handler to call after it requested the shutdown.
    pub fn waker(&self) -> impl Fn() + Clone + Send + Sync + 'static {
        let waker = Arc::clone(&self.waker);
        move || {
            if let Err(error) = waker.wake() {
                log::error!("cannot wake the main thread: {error}");
            }
        }
    }

    /// Starts the workers and serves until the shutdown is requested, or the one client of `once` has left.
    ///
    /// # Errors
    ///
    /// When the system refuses every worker, when the poller fails, or when standard output cannot be
    /// written; then clients are drained first.
    pub fn run(mut self) -> Result<(), Error> {
        self.pool.start(self.waker()).map_err(cannot_start)?;
        let mut events = Events::with_capacity(BATCH);
        let mut outcome = Ok(());
        while !self.is_finished() {
            self.wait(&mut events)?;
            self.note(&events);
            if let Err(error) = self.look_after_clients() {
                outcome = Err(error);
                self.shutdown.request();
            }
            if self.shutdown.is_requested() {
                self.advance_drain();
            }
        }
        self.cut(&mut events)?;
        outcome.and_then(|()| self.pool.arrivals().finish())
    }

    fn look_after_clients(&mut self) -> Result<(), Error> {
        self.accept_waiting()?;
        self.pool.arrivals().review()?;
        self.check_workers()
    }

    fn check_workers(&self) -> Result<(), Error> {
        if self.pool.has_failed() {
            let message = "local limit: a worker has failed";
            return Err(Error::new(ErrorKind::LocalLimit, message));
        }
        Ok(())
    }

    fn is_finished(&self) -> bool {
        let nobody_left = self.acceptor.is_none() && self.places.taken() == 0;
        nobody_left || self.drain.as_ref().is_some_and(Drain::is_over)
    }

    fn wait(&mut self, events: &mut Events) -> Result<(), Error> {
        match self.poll.poll(events, self.poll_timeout()) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                Err(Error::io("cannot wait for events", error))
            }
            _ => Ok(()),
        }
    }

    /// How long the main thread may sleep when nothing happens.
    fn poll_timeout(&self) -> Option<Duration> {
        let accept = self
            .acceptor
            .as_ref()
            .and_then(Acceptor::delay)
            .filter(|_| !self.places.are_full());
        let drain = self.drain.as_ref().map(Drain::time_left);
        let review = self.pool.arrivals().time_left();
        [accept, drain, review].into_iter().flatten().min()
    }

    fn note(&mut self, events: &Events) {
        for event in events {
            match (event.token(), &mut self.acceptor) {
                (LISTENER, Some(acceptor)) => acceptor.set_ready(),
                (WAKER, Some(acceptor)) => acceptor.end_pause(),
                (STDOUT, _) if output::is_closed(event) => self.shutdown.request(),
                _ => {}
            }
        }
    }

    fn accept_waiting(&mut self) -> Result<(), Error> {
        for _ in 0..BATCH {
            if !self.accept_one()? {
                break;
            }
        }
        Ok(())
    }

    /// False when no client waits, or when a place or something else is short that it needs.
    fn accept_one(&mut self) -> Result<bool, Error> {
        let Some(acceptor) = self
            .acceptor
            .as_mut()
            .filter(|acceptor| acceptor.delay() == Some(Duration::ZERO))
        else {
            return Ok(false);
        };
        if self.places.are_full() {
            acceptor.warning.warn(format_args!(
                "all {} places for clients are taken; more wait in the backlog",
                self.places.limit()
            ));
            self.places.set_awaited(true);
            return Ok(false);
        }
        let accepted = acceptor.accept();
        self.places
            .set_awaited(acceptor.is_ready() && accepted.is_none());
        match accepted {
            Some((stream, peer)) => self.admit(stream, peer).map(|()| true),
            None => Ok(false),
        }
    }

    fn admit(&mut self, stream: TcpStream, peer: Endpoint) -> Result<(), Error> {
        let place = self.places.take();
        if self.settings.once {
            self.acceptor = None;
            self.places.set_awaited(true);
        }
        if let Some(metrics) = &self.settings.metrics {
            metrics.accepted.inc();
        }
        let said = self.pool.arrivals().connect(peer);
        self.pool.assign(stream, peer, place);
        said
    }
}

fn cannot_start(error: io::Error) -> Error {
    Error::thread("cannot start the server", error)
}
