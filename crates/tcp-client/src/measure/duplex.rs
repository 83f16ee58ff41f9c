//! The receiving thread beside a sending one.

use std::io::{self, Read};
use std::net::Shutdown;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use netcommon::Error;
use netmeasure::{Handover, Outcome, SendEnd, Timing, WaitEnd};

use super::connection::{Connection, is_passing};
use super::message::{stamp, unnumbered};
use super::paced::Sender;

/// Bytes taken from the socket at once.
const PIECE: usize = 256 << 10;

/// Both directions of a connection at once.
pub(super) struct Duplex {
    connection: Connection,
    handover: Arc<Handover>,
    timing: Timing,
    sender: JoinHandle<SendEnd>,
    /// The message whose reply comes next, or is coming.
    expected: Vec<u8>,
    number: u64,
    offset: usize,
    is_intact: bool,
    start: Instant,
    last: Duration,
    /// When this side learned that nothing more is sent.
    sending_ended: Option<Instant>,
}

impl Duplex {
    /// Starts the sending thread; it waits for the others.
    pub(super) fn start(connection: Connection) -> io::Result<Self> {
        let handover = Arc::new(Handover::default());
        let sender = Sender::new(&connection, Arc::clone(&handover))?;
        let sender = thread::Builder::new().spawn(|| sender.run())?;
        let flow = &connection.flow;
        let mut expected = unnumbered(flow.index, flow.run.plan.length, 1);
        stamp(&mut expected, 1);
        Ok(Self {
            timing: Timing::of(&flow.run, flow.index),
            connection,
            handover,
            sender,
            expected,
            number: 1,
            offset: 0,
            is_intact: true,
            start: Instant::now(),
            last: Duration::ZERO,
            sending_ended: None,
        })
    }

    /// Receives until everything that was sent is back, was waited for, or something breaks.
    pub(super) fn run(mut self) -> Outcome {
        self.start = self.connection.flow.run.begin();
        let end = self.receive_all();
        self.handover.receiving_ended.store(true, Ordering::Release);
        // A sender that waits for room in the buffers need not wait any longer.
        if let Err(error) = self.connection.stream.shutdown(Shutdown::Both) {
            log::debug!("cannot close: {error}");
        }
        self.sender.thread().unpark();
        let Ok(sending) = self.sender.join() else {
            return self.connection.flow.finish(self.last, end);
        };
        self.connection.flow.tally.counts.unsent = sending.unsent;
        let end = match sending.error {
            // Only one of the two sides meets the reason why a connection broke.
            Some(error) => end.and_then(|_| Err(self.connection.broken(error))),
            None => end,
        };
        self.connection
            .flow
            .finish(self.last.max(sending.last), end)
    }

    fn receive_all(&mut self) -> Result<Option<WaitEnd>, Error> {
        let mut piece = vec![0; PIECE];
        while !self.is_complete() {
            match (&self.connection.stream).read(&mut piece) {
                Ok(0) => return Err(self.connection.closed_early()),
                Ok(count) => {
                    self.last = self.start.elapsed();
                    self.connection
                        .flow
                        .live()
                        .count_bytes_received(count as u64);
                    self.take(&piece[..count])?;
                }
                Err(error) if is_passing(&error) => {
                    let since = self.waits_since();
                    if let Some(end) = self.connection.flow.ends_wait(since) {
                        return Ok(Some(end));
                    }
                }
                Err(error) => return Err(self.connection.broken(error)),
            }
        }
        Ok(None)
    }

    /// Whether every reply is there. Which message is the last is known from the plan, or else when
    /// the sender has ended.
    fn is_complete(&self) -> bool {
        let answered = self.number - 1;
        let planned = self
            .connection
            .flow
            .run
            .plan
            .messages(self.connection.flow.index);
        planned == Some(answered)
            || (self.handover.sending_ended.load(Ordering::Acquire)
                && answered >= self.connection.flow.live().sent())
    }

    fn waits_since(&mut self) -> Option<Instant> {
        if self.handover.sending_ended.load(Ordering::Acquire) {
            return Some(*self.sending_ended.get_or_insert_with(Instant::now));
        }
        match (self.timing, self.connection.flow.run.plan.wait) {
            (Timing::OnReply, Some(_)) => Some(self.start + self.handover.sent_at()),
            _ => None,
        }
    }

    /// Compares what came with what was sent, message by message.
    fn take(&mut self, mut piece: &[u8]) -> Result<(), Error> {
        while !piece.is_empty() {
            let due = &self.expected[self.offset..];
            let (came, rest) = piece.split_at(due.len().min(piece.len()));
            if &due[..came.len()] != came {
                self.is_intact = false;
                self.connection
                    .note_difference(self.number, self.offset, due, came);
            }
            self.offset += came.len();
            if self.offset == self.expected.len() {
                self.finish_reply()?;
            }
            piece = rest;
        }
        Ok(())
    }

    fn finish_reply(&mut self) -> Result<(), Error> {
        let origin = match self.timing {
            Timing::Scheduled(schedule) => Some(schedule.due(self.number)),
            Timing::OnReply => Some(self.handover.sent_at()),
            Timing::Unpaced => None,
        };
        let latency = origin.map(|origin| self.last.saturating_sub(origin));
        self.connection
            .count_reply(self.number, latency, self.is_intact)?;
        self.handover.answered.store(self.number, Ordering::Release);
        if let Timing::OnReply = self.timing {
            self.sender.thread().unpark();
        }
        self.number += 1;
        (self.offset, self.is_intact) = (0, true);
        stamp(&mut self.expected, self.number);
        Ok(())
    }
}
