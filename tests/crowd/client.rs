//! One client of the crowd: sends its pattern, and checks that the same bytes come back.

use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use socket2::SockRef;

use crate::pattern;

pub(crate) struct Client {
    pub(crate) stream: TcpStream,
    number: usize,
    /// Bytes under way at most.
    pub(crate) window: u64,
    pub(crate) sent: u64,
    /// Bytes to send so far, of which `sent` have been.
    pub(crate) due: u64,
    pub(crate) received: u64,
    /// When a byte last came or went.
    moved: Instant,
    /// The longest time in which none did.
    silence: Duration,
}

/// State of the connection from the server to the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    Open,
    Ended,
}

impl Client {
    pub(crate) fn connect(server: SocketAddr, number: usize) -> io::Result<Self> {
        Ok(Self {
            stream: TcpStream::connect(server)?,
            number,
            window: u64::MAX,
            sent: 0,
            due: 0,
            received: 0,
            moved: Instant::now(),
            silence: Duration::ZERO,
        })
    }

    /// Whether the handshake is over.
    pub(crate) fn has_connected(&mut self) -> io::Result<bool> {
        if let Some(error) = self.stream.take_error()? {
            return Err(error);
        }
        Ok(self.stream.peer_addr().is_ok())
    }

    /// Adds `bytes` to what is to be sent.
    pub(crate) fn ask(&mut self, bytes: u64) {
        self.due = self.due.saturating_add(bytes);
    }

    /// Whether everything that was to be sent has come back.
    pub(crate) fn is_served(&self) -> bool {
        self.received == self.due
    }

    /// Sends and receives as much as it can without waiting.
    pub(crate) fn advance(&mut self) -> io::Result<Flow> {
        let before = (self.sent, self.received);
        self.send()?;
        let flow = self.receive()?;
        // Received bytes have opened the window.
        self.send()?;
        if (self.sent, self.received) != before {
            self.silence = self.longest_silence();
            self.moved = Instant::now();
        }
        Ok(flow)
    }

    /// The longest time in which no byte came or went, up to now.
    pub(crate) fn longest_silence(&self) -> Duration {
        self.silence.max(self.moved.elapsed())
    }

    /// The same with a server that has to keep the connection open; whether everything has come back.
    pub(crate) fn is_served_now(&mut self) -> io::Result<bool> {
        if self.advance()? == Flow::Ended {
            return Err(io::Error::other("the server ended a connection"));
        }
        Ok(self.is_served())
    }

    /// A write to a connection that the server has ended may fail; what the server sent can still be read.
    pub(crate) fn send(&mut self) -> io::Result<()> {
        let end = self.due.min(self.received.saturating_add(self.window));
        while self.sent < end {
            let bytes = pattern::slice(self.number, self.sent, end - self.sent);
            match self.stream.write(bytes) {
                Ok(count) => self.sent += count as u64,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if is_refusal(&error) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn receive(&mut self) -> io::Result<Flow> {
        let mut buffer = [0; pattern::LONGEST];
        while self.received < self.due {
            match self.stream.read(&mut buffer) {
                Ok(0) => return Ok(Flow::Ended),
                Ok(count) => self.check(&buffer[..count])?,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(Flow::Open)
    }

    fn check(&mut self, bytes: &[u8]) -> io::Result<()> {
        let length = bytes.len() as u64;
        let expected = pattern::slice(self.number, self.received, length);
        if bytes != expected || self.received + length > self.sent {
            let place = format!("client {} behind offset {}", self.number, self.received);
            return Err(io::Error::new(ErrorKind::InvalidData, place));
        }
        self.received += length;
        Ok(())
    }

    /// Closes the connection with an RST.
    pub(crate) fn reset(self) -> io::Result<()> {
        SockRef::from(&self.stream).set_linger(Some(Duration::ZERO))
    }
}

fn is_refusal(error: &io::Error) -> bool {
    let kinds = [ErrorKind::BrokenPipe, ErrorKind::ConnectionReset];
    kinds.contains(&error.kind())
}
