//! Measured connections: numbered messages out, compared bytes in.

use std::io::{self, IoSlice};
use std::net::TcpStream;
use std::os::fd::{AsRawFd, RawFd};
use std::time::Duration;

use netcommon::Error;
use netcommon::buffer::Buffer;
use netcommon::difference::Difference;
use netcommon::socket::held_up::{HeldUp, Sampler};
use netcommon::socket::info::tcp_info;
use netmeasure::engine::{Failure, Inbox, Outgoing, Received, Sent, Transport};
use nix::sys::socket::{MsgFlags, recv, sendmsg};

use super::message::{Messages, number_bytes};

/// Bytes taken from a socket, or handed to it, by one call.
const CHUNK: usize = 256 << 10;

/// Messages of one call.
const ROOM: usize = 32;

/// One connection, and how far each direction is.
pub(super) struct Connection {
    stream: TcpStream,
    sampler: Sampler,
    messages: Messages,
    /// Bytes sent of the next message, and when its first one was.
    sent: usize,
    begun: Option<Duration>,
    /// The message whose reply comes next, or is coming, and how much of it came.
    number: u64,
    came: usize,
    /// The first difference of that reply.
    wrong: Option<String>,
}

impl Connection {
    /// For a stream whose reads block for a while.
    pub(super) fn new(stream: TcpStream, flow: u16, length: usize) -> Self {
        Self {
            stream,
            sampler: Sampler::default(),
            messages: Messages::new(flow, length),
            sent: 0,
            begun: None,
            number: 1,
            came: 0,
            wrong: None,
        }
    }

    /// Compares a chunk with what was sent, message by message.
    fn compare(&mut self, mut chunk: &[u8], inbox: &mut Inbox<'_>) {
        while !chunk.is_empty() {
            let number = number_bytes(self.number);
            let due = self.messages.stretch(&number, self.came, chunk.len());
            let (came, rest) = chunk.split_at(due.len());
            if came != due && self.wrong.is_none() {
                let difference = Difference::between(self.came as u64, due, came);
                let message = self.number;
                self.wrong =
                    difference.map(|difference| format!("message {message}: {difference}"));
            }
            self.came += came.len();
            chunk = rest;
            if self.came == self.messages.length() {
                self.finish_reply(inbox);
            } else if inbox.times(self.number).is_some() {
                inbox.partial();
            }
        }
    }

    fn finish_reply(&mut self, inbox: &mut Inbox<'_>) {
        let length = self.messages.length();
        let wrong = self.wrong.take();
        if inbox.times(self.number).is_some() {
            inbox.reply(self.number, inbox.now, length, wrong.map(|text| || text));
            self.number += 1;
        } else {
            // More than was sent: the next message is still to come.
            inbox.unmatched(length);
        }
        self.came = 0;
    }
}

impl AsRawFd for Connection {
    fn as_raw_fd(&self) -> RawFd {
        self.stream.as_raw_fd()
    }
}

/// The buffers of one thread, and what failures are told with.
#[derive(Clone)]
pub(super) struct Tcp {
    chunk: Buffer,
    server: String,
}

impl Tcp {
    pub(super) fn new(server: String) -> Self {
        Self {
            chunk: Buffer::new(CHUNK),
            server,
        }
    }
}

impl Transport for Tcp {
    type Socket = Connection;

    const LOSES: bool = false;
    const CAN_WAIT: bool = true;

    fn room(&self) -> usize {
        ROOM
    }

    fn send(&mut self, socket: &mut Connection, messages: &Outgoing<'_>) -> io::Result<Sent> {
        let numbers: Vec<_> = (0..messages.count)
            .map(|at| number_bytes(messages.message(at).0))
            .collect();
        let (slices, whole) = slices(&socket.messages, &numbers, socket.sent);
        let flags = MsgFlags::MSG_DONTWAIT;
        let descriptor = socket.as_raw_fd();
        let written = sendmsg::<()>(descriptor, &slices, &[], flags, None)?;
        socket.sampler.after_write(&socket.stream, messages.now);
        let length = socket.messages.length();
        let total = socket.sent + written;
        let sent = Sent {
            messages: total / length,
            bytes: written,
            begun: socket.begun,
            is_full: written < whole,
        };
        if sent.messages > 0 {
            socket.begun = None;
        }
        socket.sent = total % length;
        if socket.sent > 0 {
            socket.begun.get_or_insert(messages.now);
        }
        Ok(sent)
    }

    fn receive(
        &mut self,
        socket: &mut Connection,
        inbox: &mut Inbox<'_>,
        waits: bool,
    ) -> io::Result<Received> {
        let flags = if waits {
            MsgFlags::empty()
        } else {
            MsgFlags::MSG_DONTWAIT
        };
        socket.sampler.before_read(&socket.stream, inbox.now);
        let count = recv(socket.as_raw_fd(), &mut self.chunk, flags)?;
        if waits {
            inbox.look_at_clock();
        }
        if count == 0 {
            return Ok(Received::Closed);
        }
        inbox.bytes(count);
        socket.compare(&self.chunk[..count], inbox);
        // A short read took all there was (epoll(7)).
        if count < self.chunk.len() {
            Ok(Received::Dry)
        } else {
            Ok(Received::More)
        }
    }

    /// The connection is closed when it is dropped.
    fn close(&mut self, _: u16, _: &mut Connection, _: u64, _: u64) {}

    fn failure(&mut self, _: &Connection, error: io::Error) -> Failure {
        Failure {
            error: Error::io(format!("lost {}", self.server), error),
            is_passing: false,
        }
    }

    fn acknowledged(&self, socket: &Connection) -> u64 {
        tcp_info(&socket.stream).map_or(0, |info| info.bytes_acknowledged)
    }

    fn held_up(&self, socket: &Connection, now: Duration) -> Option<HeldUp> {
        socket.sampler.held_up(&socket.stream, now)
    }
}

/// The bytes of the messages, the first from `offset` on, as far as one call takes them; and how many
/// those are.
fn slices<'a>(
    messages: &Messages,
    numbers: &'a [[u8; 8]],
    mut offset: usize,
) -> (Vec<IoSlice<'a>>, usize) {
    let (mut slices, mut bytes) = (Vec::with_capacity(2 * numbers.len()), 0);
    for number in numbers {
        while offset < messages.length() && bytes < CHUNK {
            let stretch = messages.stretch(number, offset, CHUNK - bytes);
            slices.push(IoSlice::new(stretch));
            offset += stretch.len();
            bytes += stretch.len();
        }
        offset = 0;
    }
    (slices, bytes)
}
