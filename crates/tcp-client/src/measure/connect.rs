//! Many connections to one server, made at the same time.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use netcommon::Error;
use netcommon::address::{Endpoint, Target};
use netcommon::socket::tcp::{self, ConnectOptions};

use crate::args::Args;

/// Connections under way at once: more than a usual backlog would be dropped, and tried again a
/// second later.
const AT_ONCE: usize = 128;

/// Interval at which waits notice that a connection takes too long.
const TICK: Duration = Duration::from_millis(100);

/// Connects so many times. The first connection tries the addresses of the name in turn; the others
/// go to the one that worked. A read that blocks ends after `tick`.
///
/// # Errors
///
/// The first connection that fails.
pub(super) fn connect_all(
    args: &Args,
    target: &Target,
    flows: u16,
    tick: Duration,
) -> Result<Vec<TcpStream>, Error> {
    let options = args.connect_options();
    let first = tcp::connect(target, args.target.family(), &options)?;
    let address = tcp::peer(&first, target)?;
    let made = connect_rest(address, flows - 1, &options);
    let mut streams = vec![first];
    streams.extend(made.map_err(|error| failed(target, address, error))??);
    for stream in &streams {
        let prepared = stream.set_nonblocking(false);
        let prepared = prepared.and_then(|()| stream.set_read_timeout(Some(tick)));
        prepared.map_err(|error| Error::io("cannot set a time-out", error))?;
    }
    Ok(streams)
}

fn failed(target: &Target, address: SocketAddr, error: io::Error) -> Error {
    let host = Endpoint::from(address).host();
    Error::io(format!("cannot connect to {target} ({host})"), error)
}

/// The outer error is the path's or the peer's, the inner one this program's own.
fn connect_rest(
    address: SocketAddr,
    count: u16,
    options: &ConnectOptions,
) -> io::Result<Result<Vec<TcpStream>, Error>> {
    let mut batch = Connecting::new(options.timeout)?;
    let mut streams = Vec::with_capacity(count.into());
    let mut left = usize::from(count);
    while left > 0 || batch.under_way > 0 {
        while left > 0 && batch.under_way < AT_ONCE {
            match tcp::start_connect(address, options) {
                Ok(stream) => batch.add(stream?)?,
                Err(error) => return Ok(Err(error)),
            }
            left -= 1;
        }
        batch.wait(&mut streams)?;
    }
    Ok(Ok(streams))
}

/// Connections under way.
struct Connecting {
    poll: Poll,
    events: Events,
    streams: Vec<Option<(TcpStream, Instant)>>,
    under_way: usize,
    timeout: Option<Duration>,
}

impl Connecting {
    fn new(timeout: Option<Duration>) -> io::Result<Self> {
        Ok(Self {
            poll: Poll::new()?,
            events: Events::with_capacity(AT_ONCE),
            streams: Vec::new(),
            under_way: 0,
            timeout,
        })
    }

    fn add(&mut self, stream: TcpStream) -> io::Result<()> {
        let token = Token(self.streams.len());
        let mut source = SourceFd(&stream.as_raw_fd());
        self.poll
            .registry()
            .register(&mut source, token, Interest::WRITABLE)?;
        self.streams.push(Some((stream, Instant::now())));
        self.under_way += 1;
        Ok(())
    }

    /// Moves the connections that stand to `done`.
    fn wait(&mut self, done: &mut Vec<TcpStream>) -> io::Result<()> {
        match self.poll.poll(&mut self.events, Some(TICK)) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
        for event in &self.events {
            let Some((stream, _)) = self.streams.get_mut(event.token().0).and_then(Option::take)
            else {
                continue;
            };
            self.under_way -= 1;
            let mut source = SourceFd(&stream.as_raw_fd());
            self.poll.registry().deregister(&mut source)?;
            match stream.take_error()? {
                Some(error) => return Err(error),
                None => done.push(stream),
            }
        }
        self.check_time()
    }

    fn check_time(&self) -> io::Result<()> {
        let Some(timeout) = self.timeout else {
            return Ok(());
        };
        let mut open = self.streams.iter().flatten();
        if open.any(|(_, since)| since.elapsed() >= timeout) {
            return Err(io::ErrorKind::TimedOut.into());
        }
        Ok(())
    }
}
