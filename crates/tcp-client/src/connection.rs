//! The connection that both directions share, and how far each of them has come.

use std::io::{self, Read};
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsFd, AsRawFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use netcommon::explain::{self, Call};
use netcommon::openmetrics::Traffic;
use netcommon::socket::held_up::{HeldUp, Sampler};
use netcommon::socket::info::tcp_info;

/// Bytes that have passed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Handed to the kernel.
    pub sent: u64,
    /// Received.
    pub received: u64,
}

/// How far the two kernels are: the connection moves while this changes, however full the buffers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    /// Bytes that the peer has acknowledged.
    acknowledged: u64,
    /// Bytes that have come, read or not.
    arrived: u64,
}

/// A connection and its counts.
pub(crate) struct Connection {
    stream: TcpStream,
    since: Instant,
    sampler: Sampler,
    /// Bytes that the peer had acknowledged at the start: a SYN may count as one.
    acknowledged_before: u64,
    traffic: Traffic,
    has_ended: AtomicBool,
    is_half_closed: AtomicBool,
}

impl Connection {
    /// With the [time-out](Self::set_poll_timeout) of its reads and writes, and its counts, still nought.
    pub(crate) fn new(
        stream: TcpStream,
        poll_timeout: Option<Duration>,
        traffic: Traffic,
    ) -> io::Result<Self> {
        let connection = Self {
            acknowledged_before: tcp_info(&stream).map_or(0, |info| info.bytes_acknowledged),
            stream,
            since: Instant::now(),
            sampler: Sampler::default(),
            traffic,
            has_ended: AtomicBool::new(false),
            is_half_closed: AtomicBool::new(false),
        };
        if poll_timeout.is_some() {
            connection.set_poll_timeout(poll_timeout)?;
        }
        Ok(connection)
    }

    /// The time after which reads and writes return without having done anything; `None` is never.
    pub(crate) fn set_poll_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        let descriptor = self.stream.as_raw_fd();
        explain::call(Call::SetOption(descriptor, "SO_RCVTIMEO"), || {
            self.stream.set_read_timeout(timeout)
        })?;
        explain::call(Call::SetOption(descriptor, "SO_SNDTIMEO"), || {
            self.stream.set_write_timeout(timeout)
        })
    }

    pub(crate) fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.sampler.before_read(&self.stream, self.since.elapsed());
        let call = Call::Receive(self.stream.as_fd(), buffer.len());
        let length = explain::call(call, || (&self.stream).read(buffer))?;
        self.traffic.received.inc_by(length as u64);
        if length == 0 && !buffer.is_empty() {
            self.has_ended.store(true, Ordering::Relaxed);
        }
        Ok(length)
    }

    pub(crate) fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        let begun = Instant::now();
        let length = explain::send(&self.stream, bytes)?;
        self.sampler.after_wait(&self.stream, begun.elapsed());
        self.traffic.sent.inc_by(length as u64);
        Ok(length)
    }

    pub(crate) fn totals(&self) -> Totals {
        Totals {
            sent: self.traffic.sent.get(),
            received: self.traffic.received.get(),
        }
    }

    /// Where the kernel does not tell, what it took counts as acknowledged.
    pub(crate) fn position(&self) -> Position {
        let Totals { sent, received } = self.totals();
        tcp_info(&self.stream).map_or(
            Position {
                acknowledged: sent,
                arrived: received,
            },
            |info| Position {
                acknowledged: info.bytes_acknowledged - self.acknowledged_before,
                arrived: info.bytes_received,
            },
        )
    }

    /// Whether the peer has acknowledged everything that was sent.
    pub(crate) fn is_delivered(&self) -> bool {
        self.position().acknowledged >= self.totals().sent
    }

    /// Whether bytes have come that are not read yet.
    pub(crate) fn has_unread(&self) -> bool {
        self.position().arrived > self.totals().received
    }

    /// Whether nothing is under way or waits to be read.
    pub(crate) fn is_settled(&self) -> bool {
        self.is_delivered() && !self.has_unread()
    }

    /// Whether no more has to be waited for once everything is sent: nothing was asked, as many bytes
    /// have come back as were sent, or the server has ended.
    pub(crate) fn is_answered(&self) -> bool {
        let Totals { sent, received } = self.totals();
        sent == 0 || received == sent || self.has_ended.load(Ordering::Relaxed)
    }

    /// Ends the sending side (shutdown(2)).
    pub(crate) fn half_close(&self) {
        let is_first = !self.has_ended.load(Ordering::Relaxed);
        self.is_half_closed.store(is_first, Ordering::Relaxed);
        self.shut_down(Shutdown::Write);
    }

    /// Whether this side was ended, and before the server's.
    pub(crate) fn is_half_closed(&self) -> bool {
        self.is_half_closed.load(Ordering::Relaxed)
    }

    pub(crate) fn shut_down(&self, how: Shutdown) {
        let call = Call::ShutDown(self.stream.as_raw_fd(), how);
        if let Err(error) = explain::call(call, || self.stream.shutdown(how)) {
            log::debug!("cannot shut the connection down: {error}");
        }
    }

    /// Whether a read would return at once.
    pub(crate) fn is_readable(&self) -> bool {
        explain::is_readable(self.stream.as_fd())
    }

    /// Causes that have held the sending up so far, where the kernel tells.
    pub(crate) fn held_up(&self) -> Option<HeldUp> {
        self.sampler.held_up(&self.stream, self.since.elapsed())
    }

    /// Ends both directions.
    pub(crate) fn close(self) {
        explain::close(self.stream, Call::Close);
    }

    /// The pending error of the connection (SO_ERROR), which is taken off it.
    pub(crate) fn take_error(&self) -> io::Result<()> {
        self.stream.take_error()?.map_or(Ok(()), Err)
    }
}
