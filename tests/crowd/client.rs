//! One client of the crowd: sends its pattern, and checks that the same bytes come back.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream as Blocking};
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use socket2::{Domain, SockRef, Socket, Type};

use crate::pattern;

pub(crate) struct Client {
    pub(crate) stream: TcpStream,
    number: usize,
    is_connected: bool,
    pub(crate) sent: u64,
    /// Bytes to send so far, of which `sent` have been.
    pub(crate) due: u64,
    pub(crate) received: u64,
    /// Time of the last `ask`.
    pub(crate) asked: Instant,
}

/// State of the connection from the server to the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    Open,
    Ended,
}

impl Client {
    pub(crate) fn connect(
        server: SocketAddr,
        buffers: Option<usize>,
        number: usize,
    ) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(server), Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        if let Some(size) = buffers {
            socket.set_send_buffer_size(size)?;
            socket.set_recv_buffer_size(size)?;
        }
        match socket.connect(&server.into()) {
            Err(error) if error.raw_os_error() != Some(nix::Error::EINPROGRESS as i32) => {
                return Err(error);
            }
            _ => {}
        }
        Ok(Self {
            stream: TcpStream::from_std(Blocking::from(socket)),
            number,
            is_connected: false,
            sent: 0,
            due: 0,
            received: 0,
            asked: Instant::now(),
        })
    }

    /// True once, when the handshake is over.
    pub(crate) fn has_just_connected(&mut self) -> io::Result<bool> {
        if let Some(error) = self.stream.take_error()? {
            return Err(error);
        }
        let before = self.is_connected;
        self.is_connected = self.stream.peer_addr().is_ok();
        Ok(self.is_connected && !before)
    }

    /// Adds `bytes` to what is to be sent.
    pub(crate) fn ask(&mut self, bytes: u64) {
        self.due = self.due.saturating_add(bytes);
        self.asked = Instant::now();
    }

    /// Whether everything that was to be sent has come back.
    pub(crate) fn is_served(&self) -> bool {
        self.received == self.due
    }

    /// Sends and receives as much as it can without waiting.
    pub(crate) fn advance(&mut self, buffer: &mut [u8]) -> io::Result<Flow> {
        self.send()?;
        self.receive(buffer)
    }

    /// A write to a connection that the server has ended may fail; what the server sent can still be read.
    pub(crate) fn send(&mut self) -> io::Result<()> {
        while self.sent < self.due {
            let bytes = pattern::slice(self.number, self.sent, self.due - self.sent);
            match self.stream.write(bytes) {
                Ok(count) => self.sent += count as u64,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if is_refusal(&error) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<Flow> {
        while self.received < self.due {
            match self.stream.read(buffer) {
                Ok(0) => return Ok(Flow::Ended),
                Ok(count) => self.check(&buffer[..count])?,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(Flow::Open)
    }

    fn check(&mut self, bytes: &[u8]) -> io::Result<()> {
        for piece in bytes.chunks(pattern::LONGEST) {
            let wanted = pattern::slice(self.number, self.received, piece.len() as u64);
            if piece != wanted || self.received + piece.len() as u64 > self.sent {
                let place = format!("client {} behind offset {}", self.number, self.received);
                return Err(io::Error::new(ErrorKind::InvalidData, place));
            }
            self.received += piece.len() as u64;
        }
        Ok(())
    }

    /// Closes the connection with an RST.
    pub(crate) fn reset(self) -> io::Result<()> {
        SockRef::from(&self.stream).set_linger(Some(Duration::ZERO))
    }
}

fn is_refusal(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::BrokenPipe | ErrorKind::ConnectionReset
    )
}
