//! The clients and their poller.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::time::Duration;

use mio::{Events, Interest, Poll, Token};

use crate::client::Client;

/// Handshakes at once. Each beyond the listener's backlog would cost a second.
const WAVE: usize = 256;

pub(crate) struct Crowd {
    poll: Poll,
    events: Events,
    server: SocketAddr,
    /// By slot; an empty one can be taken again.
    pub(crate) clients: Vec<Option<Client>>,
    /// Clients so far.
    pub(crate) opened: usize,
}

impl Crowd {
    pub(crate) fn new(server: SocketAddr) -> io::Result<Self> {
        Ok(Self {
            poll: Poll::new()?,
            events: Events::with_capacity(4096),
            server,
            clients: Vec::new(),
            opened: 0,
        })
    }

    /// Begins to connect a client, in `slot`.
    pub(crate) fn open(&mut self, slot: usize) -> io::Result<&mut Client> {
        let mut client = Client::connect(self.server, self.opened)?;
        let both = Interest::READABLE | Interest::WRITABLE;
        let registry = self.poll.registry();
        registry.register(&mut client.stream, Token(slot), both)?;
        self.opened += 1;
        if slot >= self.clients.len() {
            self.clients.resize_with(slot + 1, || None);
        }
        Ok(self.clients[slot].insert(client))
    }

    /// Connects `clients` clients, a wave at a time, and waits for the last handshake.
    pub(crate) fn open_all(&mut self, clients: usize) -> io::Result<()> {
        self.open_waves(clients, 0)
    }

    /// The same with an echo of one byte for each, so that the server has accepted all. A handshake that
    /// finds the backlog full is over for the client alone, and a minute later the server has forgotten
    /// it (tcp(7), `tcp_synack_retries`).
    pub(crate) fn open_served(&mut self, clients: usize) -> io::Result<()> {
        self.open_waves(clients, 1)
    }

    fn open_waves(&mut self, clients: usize, bytes: u64) -> io::Result<()> {
        let (mut begun, mut opened) = (0, 0);
        let mut is_open = vec![false; clients];
        while opened < clients {
            while begun < clients && begun - opened < WAVE {
                self.open(begun)?.ask(bytes);
                begun += 1;
            }
            for slot in self.ready(None)? {
                if let Some(client) = &mut self.clients[slot]
                    && !is_open[slot]
                    && client.has_connected()?
                    && client.is_served_now()?
                {
                    is_open[slot] = true;
                    opened += 1;
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
}

/// Writes a JSON line for the test.
pub(crate) fn say(event: &serde_json::Value) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{event}")?;
    stdout.flush()
}
