//! The clients and their poller.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::time::Duration;

use mio::{Events, Interest, Poll, Token};

use crate::member::Member;
use crate::pattern;

/// Handshakes at once; more than a short backlog holds would cost a second each.
const WAVE: usize = 256;

pub(crate) struct Crowd {
    poll: Poll,
    events: Events,
    server: SocketAddr,
    buffers: Option<usize>,
    /// Seats; an empty one may be taken again.
    pub(crate) members: Vec<Option<Member>>,
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
            members: Vec::new(),
            buffer: vec![0; 4 * pattern::LONGEST],
            opened: 0,
        })
    }

    /// Puts a client that begins to connect on a seat.
    pub(crate) fn open(&mut self, seat: usize) -> io::Result<()> {
        let mut member = Member::connect(self.server, self.buffers, self.opened)?;
        let both = Interest::READABLE | Interest::WRITABLE;
        let registry = self.poll.registry();
        registry.register(&mut member.stream, Token(seat), both)?;
        self.opened += 1;
        if seat >= self.members.len() {
            self.members.resize_with(seat + 1, || None);
        }
        self.members[seat] = Some(member);
        Ok(())
    }

    /// Connects so many clients, a wave at a time, and waits until the last one is connected.
    pub(crate) fn open_all(&mut self, clients: usize) -> io::Result<()> {
        let first = self.members.len();
        let (mut begun, mut connected) = (0, 0);
        while connected < clients {
            while begun < clients && begun - connected < WAVE {
                self.open(first + begun)?;
                begun += 1;
            }
            for seat in self.ready(None)? {
                if let Some(member) = self.member(seat) {
                    connected += usize::from(member.has_just_connected()?);
                }
            }
        }
        Ok(())
    }

    /// Seats on which something can be done; each is told once until that was done.
    pub(crate) fn ready(&mut self, patience: Option<Duration>) -> io::Result<Vec<usize>> {
        self.poll.poll(&mut self.events, patience)?;
        Ok(self.events.iter().map(|event| event.token().0).collect())
    }

    pub(crate) fn member(&mut self, seat: usize) -> Option<&mut Member> {
        self.members[seat].as_mut()
    }

    pub(crate) fn seated(&mut self) -> impl Iterator<Item = &mut Member> {
        self.members.iter_mut().flatten()
    }

    /// A client and the buffer to read into.
    pub(crate) fn at_work(&mut self, seat: usize) -> Option<(&mut Member, &mut [u8])> {
        let member = self.members[seat].as_mut()?;
        Some((member, &mut self.buffer))
    }
}

/// Tells the test how far things are: one JSON object a line.
pub(crate) fn say(event: &serde_json::Value) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{event}")?;
    stdout.flush()
}
