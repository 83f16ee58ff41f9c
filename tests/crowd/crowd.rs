//! The clients and their poller.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::time::Duration;

use mio::{Events, Interest, Poll, Token};

use crate::client::Client;
use crate::pattern;

/// Handshakes at once. Each beyond the listener's backlog would cost a second.
const WAVE: usize = 256;

pub(crate) struct Crowd {
    poll: Poll,
    events: Events,
    server: SocketAddr,
    buffers: Option<usize>,
    /// By slot; an empty one can be taken again.
    pub(crate) clients: Vec<Option<Client>>,
    pub(crate) buffer: Vec<u8>,
    opened: usize,
}

impl Crowd {
    pub(crate) fn new(server: SocketAddr, buffers: Option<usize>) -> io::Result<Self> {
        Ok(Self {
            poll: Poll::new()?,
            events: Events::with_capacity(4096),
            server,
            buffers,
            clients: Vec::new(),
            buffer: vec![0; 4 * pattern::LONGEST],
            opened: 0,
        })
    }

    /// Begins to connect a client, in `slot`.
    pub(crate) fn open(&mut self, slot: usize) -> io::Result<()> {
        let mut client = Client::connect(self.server, self.buffers, self.opened)?;
        let both = Interest::READABLE | Interest::WRITABLE;
        let registry = self.poll.registry();
        registry.register(&mut client.stream, Token(slot), both)?;
        self.opened += 1;
        if slot >= self.clients.len() {
            self.clients.resize_with(slot + 1, || None);
        }
        self.clients[slot] = Some(client);
        Ok(())
    }

    /// Connects `clients` clients, a wave at a time, and waits for the last handshake.
    pub(crate) fn open_all(&mut self, clients: usize) -> io::Result<()> {
        let first = self.clients.len();
        let (mut begun, mut connected) = (0, 0);
        while connected < clients {
            while begun < clients && begun - connected < WAVE {
                self.open(first + begun)?;
                begun += 1;
            }
            for slot in self.ready(None)? {
                if let Some(client) = self.client(slot) {
                    connected += usize::from(client.has_just_connected()?);
                }
            }
        }
        Ok(())
    }

    /// Slots that can send or receive (edge-triggered); waits for one at most `timeout`.
    pub(crate) fn ready(&mut self, timeout: Option<Duration>) -> io::Result<Vec<usize>> {
        self.poll.poll(&mut self.events, timeout)?;
        Ok(self.events.iter().map(|event| event.token().0).collect())
    }

    pub(crate) fn client(&mut self, slot: usize) -> Option<&mut Client> {
        self.clients[slot].as_mut()
    }

    pub(crate) fn all(&mut self) -> impl Iterator<Item = &mut Client> {
        self.clients.iter_mut().flatten()
    }

    /// A client and the buffer to read into.
    pub(crate) fn with_buffer(&mut self, slot: usize) -> Option<(&mut Client, &mut [u8])> {
        let client = self.clients[slot].as_mut()?;
        Some((client, &mut self.buffer))
    }
}

/// Writes a JSON line for the test.
pub(crate) fn say(event: &serde_json::Value) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{event}")?;
    stdout.flush()
}
