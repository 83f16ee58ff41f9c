//! `echo-epoll PORT`: one thread, one epoll, one buffer, and nothing else; a peer for the benchmark.

use std::collections::HashMap;
use std::env;
use std::io::{Error, ErrorKind, Read, Result, Write};
use std::net::SocketAddr;

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Registry, Token};

const LISTENER: Token = Token(usize::MAX);
const BUFFER: usize = 64 << 10;

struct Client {
    stream: TcpStream,
    /// What was read and not yet taken back; nothing more is read meanwhile.
    unsent: Vec<u8>,
}

fn main() -> Result<()> {
    let port = env::args().nth(1).unwrap_or_default();
    let port: u16 = port.parse().map_err(Error::other)?;
    let mut listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], port)))?;
    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(1024);
    let mut clients: HashMap<Token, Client> = HashMap::new();
    let mut buffer = vec![0; BUFFER];
    poll.registry()
        .register(&mut listener, LISTENER, Interest::READABLE)?;
    loop {
        poll.poll(&mut events, None)?;
        for event in &events {
            if event.token() == LISTENER {
                accept(&listener, poll.registry(), &mut clients)?;
            } else if let Some(client) = clients.get_mut(&event.token())
                && !client.serve(&mut buffer).unwrap_or(false)
            {
                clients.remove(&event.token());
            }
        }
    }
}

fn accept(
    listener: &TcpListener,
    registry: &Registry,
    clients: &mut HashMap<Token, Client>,
) -> Result<()> {
    use std::os::fd::AsRawFd;
    while let Some((mut stream, _)) = waited(listener.accept())? {
        let token = Token(usize::try_from(stream.as_raw_fd()).map_err(Error::other)?);
        stream.set_nodelay(true)?;
        let both = Interest::READABLE | Interest::WRITABLE;
        registry.register(&mut stream, token, both)?;
        let unsent = Vec::new();
        clients.insert(token, Client { stream, unsent });
    }
    Ok(())
}

impl Client {
    /// Echoes until the kernel has no more, or takes no more; false when the client is done.
    fn serve(&mut self, buffer: &mut [u8]) -> Result<bool> {
        loop {
            while !self.unsent.is_empty() {
                match waited(self.stream.write(&self.unsent))? {
                    Some(sent) => drop(self.unsent.drain(..sent)),
                    None => return Ok(true),
                }
            }
            match waited(self.stream.read(buffer))? {
                Some(0) => return Ok(false),
                Some(count) => self.echo(&buffer[..count])?,
                None => return Ok(true),
            }
        }
    }

    fn echo(&mut self, bytes: &[u8]) -> Result<()> {
        let sent = waited(self.stream.write(bytes))?.unwrap_or(0);
        self.unsent.extend_from_slice(&bytes[sent..]);
        Ok(())
    }
}

/// `None` is "not now".
fn waited<T>(result: Result<T>) -> Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error),
    }
}
