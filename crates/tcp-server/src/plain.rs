//! The server of the lesson (`--explain`): blocking calls and a thread for each client, as in the
//! scripts. Compare it with them; the server that serves thousands is the rest of this crate.

use std::io::{self, Read};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use netcommon::Error;
use netcommon::address::Endpoint;
use netcommon::explain::{self, Call, LESSON_BUFFER};
use netcommon::output::Output;
use netcommon::shutdown;
use netcommon::socket::held_up::HeldUp;
use netcommon::socket::info::tcp_info;
use nix::errno::Errno;
use socket2::SockRef;

use crate::client::CloseReason;
use crate::events::Event;
use crate::inspect::{Chunk, Inspector};

/// Clients at once: a lesson has no more, and each costs a thread.
const MAX_CLIENTS: usize = 64;

/// A listener, and what its clients' threads share.
pub(crate) struct Lesson {
    pub(crate) listener: Arc<TcpListener>,
    pub(crate) once: bool,
    pub(crate) inspector: Option<Inspector>,
    pub(crate) output: Arc<Output>,
}

impl Lesson {
    /// A function that ends a blocked accept, for the thread that handles signals.
    pub(crate) fn waker(&self) -> impl Fn() + Send + 'static {
        let listener = Arc::downgrade(&self.listener);
        move || {
            if let Some(listener) = listener.upgrade()
                && let Err(error) = shut_down(listener)
            {
                log::error!("cannot wake accept: {error}");
            }
        }
    }

    /// Serves until the shutdown is requested, or the one client of `once` has left.
    ///
    /// # Errors
    ///
    /// A listener that fails, no thread left, or an output that cannot be written.
    pub(crate) fn serve(self, shutdown: &shutdown::Shutdown) -> Result<(), Error> {
        // Each client's thread holds one more.
        let clients = Arc::new(());
        for number in 1.. {
            let (stream, peer) = match self.accept() {
                Err(_) if shutdown.is_requested() => break,
                accepted => accepted.map_err(cannot_serve)?,
            };
            self.output.say(&Event::Connected { peer })?;
            let talk = Talk::new(stream, peer, &self);
            if self.once {
                talk.hold();
                break;
            }
            if Arc::strong_count(&clients) > MAX_CLIENTS {
                log::warn!("a lesson serves {MAX_CLIENTS} clients at once; {peer} is sent away");
                explain::close(talk.stream, Call::Close);
                continue;
            }
            start_thread(number, talk, Arc::clone(&clients))?;
        }
        explain::close(self.listener, Call::CloseListener);
        Ok(())
    }

    fn accept(&self) -> io::Result<(TcpStream, Endpoint)> {
        let call = Call::Accept(self.listener.as_fd());
        let (stream, peer) = explain::call(call, || self.listener.accept())?;
        Ok((stream, peer.into()))
    }
}

/// A blocked accept(2) returns once its socket listens no more. The share in the listener is given up
/// before the call is told: what the main thread tells after it, it closes itself.
fn shut_down(listener: Arc<TcpListener>) -> io::Result<()> {
    let call = Call::WakeListener(listener.as_raw_fd());
    explain::call(call, move || {
        SockRef::from(&*listener).shutdown(Shutdown::Both)
    })
}

fn start_thread(number: usize, talk: Talk, client: Arc<()>) -> Result<(), Error> {
    let serve = move || {
        talk.hold();
        drop(client);
    };
    let start = || thread::Builder::new().spawn(serve).map(drop);
    explain::call(Call::Thread(number), start)
        .map_err(|error| Error::io("cannot start a thread for a client", error))
}

/// The conversation with one client.
struct Talk {
    stream: TcpStream,
    peer: Endpoint,
    since: Instant,
    received: u64,
    echoed: u64,
    inspector: Option<Inspector>,
    output: Arc<Output>,
}

impl Talk {
    fn new(stream: TcpStream, peer: Endpoint, lesson: &Lesson) -> Self {
        Self {
            stream,
            peer,
            since: Instant::now(),
            received: 0,
            echoed: 0,
            inspector: lesson.inspector.clone(),
            output: Arc::clone(&lesson.output),
        }
    }

    /// Echoes until the client has ended its side, and closes.
    fn hold(mut self) {
        let reason = match self.echo() {
            Ok(()) => CloseReason::Finished,
            Err(error) => {
                let errno = error.raw_os_error().map_or(Errno::EIO, Errno::from_raw);
                CloseReason::of(errno, self.peer)
            }
        };
        let lasted = self.since.elapsed();
        let closed = Event::Closed {
            peer: self.peer,
            bytes: self.echoed,
            undelivered: self.received - self.echoed,
            unread: 0,
            duration_s: lasted.as_secs_f64(),
            reason: reason.word(),
            held_up: tcp_info(&self.stream).map(|info| HeldUp::of(&info, lasted)),
        };
        explain::close(self.stream, Call::Close);
        // Without a reader of standard output the lesson goes on, on standard error.
        let _ = self.output.say(&closed);
    }

    fn echo(&mut self) -> io::Result<()> {
        let mut buffer = [0; LESSON_BUFFER];
        loop {
            let received = self.receive(&mut buffer)?;
            if received == 0 {
                return Ok(());
            }
            self.show(&buffer[..received]);
            self.received += received as u64;
            self.send_all(&buffer[..received])?;
        }
    }

    fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let call = Call::Receive(self.stream.as_fd(), buffer.len());
        explain::call(call, || (&self.stream).read(buffer))
    }

    fn show(&self, bytes: &[u8]) {
        if let Some(inspector) = &self.inspector {
            let (peer, offset) = (self.peer, self.received);
            inspector(Chunk {
                peer,
                offset,
                bytes,
            });
        }
    }

    fn send_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let sent = explain::send(&self.stream, rest)?;
            self.echoed += sent as u64;
            rest = &rest[sent..];
        }
        Ok(())
    }
}

fn cannot_serve(error: io::Error) -> Error {
    Error::io("cannot accept clients", error)
}
