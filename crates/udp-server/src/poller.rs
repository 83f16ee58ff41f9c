//! Waiting for datagrams, for a signal, and for the end of whoever reads standard output.

use std::io;
use std::net::UdpSocket;
use std::os::fd::AsRawFd;
use std::time::Duration;

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token, Waker};
use netcommon::{Error, ErrorKind, output};

const SOCKET: Token = Token(0);
const OUTPUT: Token = Token(1);
const SIGNAL: Token = Token(2);

/// Waits for one socket. It tells of news alone: who waits must have read the socket dry.
pub struct Poller {
    poll: Poll,
    events: Events,
}

impl Poller {
    /// Watches a socket, and standard output if anything is written there.
    ///
    /// # Errors
    ///
    /// When the kernel has no room for another poller.
    pub fn new(socket: &UdpSocket, watch_output: bool) -> Result<Self, Error> {
        let poll = Poll::new().map_err(failed)?;
        let registry = poll.registry();
        registry
            .register(
                &mut SourceFd(&socket.as_raw_fd()),
                SOCKET,
                Interest::READABLE,
            )
            .map_err(failed)?;
        if watch_output {
            output::watch(registry, OUTPUT);
        }
        Ok(Self {
            poll,
            events: Events::with_capacity(4),
        })
    }

    /// What ends a wait from another thread.
    ///
    /// # Errors
    ///
    /// When no descriptor is left for it.
    pub fn waker(&self) -> Result<impl Fn() + Send + 'static, Error> {
        let waker = Waker::new(self.poll.registry(), SIGNAL).map_err(failed)?;
        Ok(move || {
            if let Err(error) = waker.wake() {
                log::error!("cannot wake the program: {error}");
            }
        })
    }

    /// Waits for news, or at most for `timeout`; true if there are any.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::OutputClosed`] when nobody reads standard output any more.
    pub fn wait(&mut self, timeout: Option<Duration>) -> Result<bool, Error> {
        match self.poll.poll(&mut self.events, timeout) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(true),
            result => result.map_err(failed)?,
        }
        let closed = self
            .events
            .iter()
            .any(|event| event.token() == OUTPUT && output::is_closed(event));
        match closed {
            true => Err(Error::new(
                ErrorKind::OutputClosed,
                "standard output is closed",
            )),
            false => Ok(!self.events.is_empty()),
        }
    }
}

fn failed(error: io::Error) -> Error {
    Error::io("cannot wait for datagrams", error)
}
