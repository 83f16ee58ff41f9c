//! Round trips of thousands of clients: a poller on each core, with its part of them.

use std::io::{Error, ErrorKind, Read, Result, Write};
use std::net::TcpStream as Blocking;
use std::thread;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use crate::plan::Window;
use crate::statistics::RoundTrips;
use crate::tcp::clients::{self, MESSAGE};
use crate::workers;

pub(crate) fn round_trips(
    streams: Vec<Blocking>,
    window: &Window,
    patience: Duration,
) -> Result<RoundTrips> {
    let cores = thread::available_parallelism()?.get();
    let mut parts: Vec<Vec<Blocking>> = (0..cores).map(|_| Vec::new()).collect();
    for (number, stream) in streams.into_iter().enumerate() {
        parts[number % cores].push(stream);
    }
    workers::share(parts, |part| talk(part, window, patience))
}

fn talk(streams: Vec<Blocking>, window: &Window, patience: Duration) -> Result<RoundTrips> {
    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(1024);
    let mut trips = RoundTrips::default();
    let mut clients: Vec<Client> = streams
        .into_iter()
        .map(Client::new)
        .collect::<Result<_>>()?;
    for (number, client) in clients.iter_mut().enumerate() {
        let registry = poll.registry();
        registry.register(&mut client.stream, Token(number), Interest::READABLE)?;
        client.ask()?;
    }
    while let Some(rest) = window.end.checked_duration_since(Instant::now()) {
        poll.poll(&mut events, Some(rest.min(patience)))?;
        if events.is_empty() && rest > patience {
            return Err(ErrorKind::TimedOut.into());
        }
        for event in &events {
            clients[event.token().0].advance(window, &mut trips)?;
        }
    }
    // Those whose echo is still on its way have waited so long, at least.
    clients
        .iter()
        .for_each(|client| trips.add_unfinished(client.begun, window));
    Ok(trips)
}

struct Client {
    stream: TcpStream,
    begun: Instant,
    reply: [u8; MESSAGE.len()],
    received: usize,
}

impl Client {
    fn new(stream: Blocking) -> Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self {
            stream: TcpStream::from_std(stream),
            begun: Instant::now(),
            reply: [0; MESSAGE.len()],
            received: 0,
        })
    }

    /// One message always fits.
    fn ask(&mut self) -> Result<()> {
        self.received = 0;
        self.begun = Instant::now();
        self.stream.write_all(&MESSAGE)
    }

    /// One read takes all that is there: no more than a reply can be.
    fn advance(&mut self, window: &Window, trips: &mut RoundTrips) -> Result<()> {
        match self.stream.read(&mut self.reply[self.received..]) {
            Ok(0) => {
                return Err(Error::new(
                    ErrorKind::UnexpectedEof,
                    "it closed a connection",
                ));
            }
            Ok(count) => self.received += count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        }
        if self.received < MESSAGE.len() {
            return Ok(());
        }
        clients::check(&self.reply)?;
        trips.add(self.begun, Instant::now(), window);
        self.ask()
    }
}
