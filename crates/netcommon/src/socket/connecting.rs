//! TCP connections under way, any number of them at once.

use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use nix::errno::Errno;
use socket2::{Socket, Type};

use super::{meaning, open, set_reuse_address};
use crate::address::{BindAddress, Endpoint};
use crate::deadline::Deadline;
use crate::error::Error;
use crate::explain::{self, Call};
use crate::options::TcpOptions;

/// Events taken from the kernel at once.
const BATCH: usize = 128;

/// Options of a connection: its socket, its local address, its time.
#[derive(Clone, Debug, Default)]
pub struct ConnectOptions {
    /// Options of the socket.
    pub tcp: TcpOptions,
    /// The local address to bind before connecting.
    pub bind: Option<BindAddress>,
    /// When looking the name up and connecting are given up; the kernel gives an address up after
    /// about two minutes (tcp(7), `tcp_syn_retries`).
    pub deadline: Deadline,
}

/// Connections that neither stand nor have failed, each with a number of the caller's. They are
/// closed with this value.
pub struct Connecting {
    poll: Poll,
    events: Events,
    under_way: BTreeMap<usize, (SocketAddr, TcpStream)>,
}

/// The number of a connection that is not under way any more, and its stream, which does not block.
pub type Ended = (usize, io::Result<TcpStream>);

impl Connecting {
    /// None are under way.
    ///
    /// # Errors
    ///
    /// A poller that the system refuses.
    pub fn new() -> Result<Self, Error> {
        Ok(Self {
            poll: Poll::new().map_err(cannot_wait)?,
            events: Events::with_capacity(BATCH),
            under_way: BTreeMap::new(),
        })
    }

    /// Begins to connect to an address, and does not wait.
    ///
    /// # Errors
    ///
    /// The outer error is this program's own (a refused option, a limit), the inner one the path's or
    /// the peer's.
    pub fn start(
        &mut self,
        number: usize,
        address: SocketAddr,
        options: &ConnectOptions,
    ) -> Result<io::Result<()>, Error> {
        match begin(address, options)? {
            Ok(stream) => self.add(number, address, stream).map_err(cannot_wait)?,
            Err(error) => return Ok(Err(error)),
        }
        Ok(Ok(()))
    }

    fn add(&mut self, number: usize, address: SocketAddr, stream: TcpStream) -> io::Result<()> {
        let mut source = SourceFd(&stream.as_raw_fd());
        let registry = self.poll.registry();
        registry.register(&mut source, Token(number), Interest::WRITABLE)?;
        self.under_way.insert(number, (address, stream));
        Ok(())
    }

    /// The numbers of those that are under way.
    pub fn under_way(&self) -> impl ExactSizeIterator<Item = usize> {
        self.under_way.keys().copied()
    }

    /// Waits until some stand or have failed, at most for so long; `None` is for ever.
    ///
    /// # Errors
    ///
    /// A poller that does not work.
    pub fn wait(&mut self, timeout: Option<Duration>) -> Result<Vec<Ended>, Error> {
        match self.poll.poll(&mut self.events, timeout) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                return Err(cannot_wait(error));
            }
            _ => {}
        }
        let mut ended = Vec::new();
        for event in &self.events {
            let Token(number) = event.token();
            if let Some((address, stream)) = self.under_way.remove(&number) {
                let mut source = SourceFd(&stream.as_raw_fd());
                let registry = self.poll.registry();
                registry.deregister(&mut source).map_err(cannot_wait)?;
                ended.push((number, outcome(stream, address)));
            }
        }
        Ok(ended)
    }
}

/// Begins to connect to an address; in the lesson, it waits for the end of that.
pub(super) fn begin(
    address: SocketAddr,
    options: &ConnectOptions,
) -> Result<io::Result<TcpStream>, Error> {
    log::debug!("connecting to {}", Endpoint::from(address));
    let socket = open(address, Type::STREAM, options.bind, |socket, domain| {
        share_ports(socket, options.bind)?;
        options.tcp.apply(socket, domain)
    })?;
    prepare(&socket, options.deadline)
        .map_err(|error| Error::io("cannot set up a socket", error))?;
    let begun = connect(&socket, address);
    let begun = begun.map_err(|error| meaning(error, address, options.bind));
    Ok(begun.map(|()| socket.into()))
}

/// In the lesson, a call waits for its result.
fn prepare(socket: &Socket, deadline: Deadline) -> io::Result<()> {
    match deadline.left() {
        _ if !explain::is_on() => socket.set_nonblocking(true),
        Some(left) => {
            let call = Call::SetOption(socket.as_raw_fd(), "SO_SNDTIMEO");
            explain::call(call, || socket.set_write_timeout(Some(left)))
        }
        None => Ok(()),
    }
}

/// `EINPROGRESS` is no failure of a socket that does not block; of another it is the end of its time
/// (socket(7), `SO_SNDTIMEO`).
fn connect(socket: &Socket, address: SocketAddr) -> io::Result<()> {
    let call = Call::Connect(socket.as_fd(), address);
    match explain::call(call, || socket.connect(&address.into())) {
        Err(error) if error.raw_os_error() == Some(Errno::EINPROGRESS as i32) => {
            if explain::is_on() {
                return Err(io::ErrorKind::TimedOut.into());
            }
            Ok(())
        }
        result => result,
    }
}

fn cannot_wait(error: io::Error) -> Error {
    Error::io("cannot wait for connections", error)
}

/// A connection from the very address it goes to would talk to itself (a simultaneous open, RFC 9293,
/// section 3.5): nobody else is there, so that is a refusal.
pub(super) fn outcome(stream: TcpStream, peer: SocketAddr) -> io::Result<TcpStream> {
    if let Some(error) = stream.take_error()? {
        return Err(error);
    }
    if stream.local_addr()? == peer {
        return Err(io::ErrorKind::ConnectionRefused.into());
    }
    Ok(stream)
}

/// A local port serves any number of connections to different peers, and again while former ones
/// linger in TIME-WAIT (`SO_REUSEADDR`, socket(7)); where none is named, the kernel need not find one
/// that is free for all peers (`IP_BIND_ADDRESS_NO_PORT`, ip(7)).
fn share_ports(socket: &Socket, bind: Option<BindAddress>) -> Result<(), Error> {
    match bind {
        Some(bind) if bind.has_port() => {
            set_reuse_address(socket).map_err(|error| Error::io("cannot set SO_REUSEADDR", error))
        }
        Some(_) => {
            choose_port_late(socket);
            Ok(())
        }
        None => Ok(()),
    }
}

#[cfg(target_os = "linux")]
fn choose_port_late(socket: &Socket) {
    use nix::sys::socket::{setsockopt, sockopt::IpBindAddressNoPort};

    let call = Call::SetOption(socket.as_raw_fd(), "IP_BIND_ADDRESS_NO_PORT");
    let set = explain::call(call, || Ok(setsockopt(socket, IpBindAddressNoPort, &true)?));
    if let Err(error) = set {
        log::debug!("the local port is chosen early: {error}");
    }
}

#[cfg(not(target_os = "linux"))]
fn choose_port_late(_: &Socket) {}
