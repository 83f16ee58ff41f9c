//! Waiting for datagrams, for a signal, and for the end of standard output's reader.

use std::io;
use std::net::UdpSocket;
use std::os::fd::AsRawFd;
use std::time::Duration;

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token, Waker};
use netcommon::output::{self, Output, Style};
use netcommon::{Error, ErrorKind};

const SOCKET: Token = Token(0);
const OUTPUT: Token = Token(1);
const SIGNAL: Token = Token(2);

/// Waits for one socket. It is edge-triggered: before a wait, the socket must have been read empty.
pub(crate) struct Poller {
    poll: Poll,
    events: Events,
}

impl Poller {
    /// Watches a socket, and standard output if anything is written there.
    ///
    /// # Errors
    ///
    /// When the kernel has no room for another poller.
    pub(crate) fn new(socket: &UdpSocket, output: &Output) -> Result<Self, Error> {
        let poll = Poll::new().map_err(cannot_wait)?;
        let mut source = SourceFd(&socket.as_raw_fd());
        poll.registry()
            .register(&mut source, SOCKET, Interest::READABLE)
            .map_err(cannot_wait)?;
        if output.style != Style::Quiet {
            output::watch(poll.registry(), OUTPUT);
        }
        Ok(Self {
            poll,
            events: Events::with_capacity(4),
        })
    }

    /// A function that ends a wait from another thread.
    ///
    /// # Errors
    ///
    /// When no descriptor is left for it.
    pub(crate) fn waker(&self) -> Result<impl Fn() + Send + Sync + 'static, Error> {
        let waker = Waker::new(self.poll.registry(), SIGNAL).map_err(cannot_wait)?;
        Ok(move || {
            if let Err(error) = waker.wake() {
                log::error!("cannot wake the program: {error}");
            }
        })
    }

    /// Waits for an event, or at most for `timeout`; false if the time-out ended the wait.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::OutputClosed`] when standard output has no reader any more.
    pub(crate) fn wait(&mut self, timeout: Option<Duration>) -> Result<bool, Error> {
        match self.poll.poll(&mut self.events, timeout) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(true),
            result => result.map_err(cannot_wait)?,
        }
        let mut events = self.events.iter();
        if events.any(|event| event.token() == OUTPUT && output::is_closed(event)) {
            let message = "standard output is closed";
            return Err(Error::new(ErrorKind::OutputClosed, message));
        }
        Ok(!self.events.is_empty())
    }
}

fn cannot_wait(error: io::Error) -> Error {
    Error::io("cannot wait for datagrams", error)
}
