//! One message at a time, on one thread: the fastest way to make round trips.

use std::io::Read;
use std::thread;
use std::time::Instant;

use netcommon::Error;
use netmeasure::{Outcome, WaitEnd};

use super::connection::{Connection, is_passing, write_while};
use super::message::{stamp, unnumbered};

/// Sends a message, waits for its reply, and sends the next.
pub(super) struct Pinger {
    connection: Connection,
    message: Vec<u8>,
    reply: Vec<u8>,
    deadline: Option<Instant>,
    last: Instant,
}

impl Pinger {
    pub(super) fn new(connection: Connection) -> Self {
        let flow = &connection.flow;
        let length = flow.run.plan.length;
        Self {
            message: unnumbered(flow.index, length, 1),
            reply: vec![0; length],
            deadline: None,
            last: Instant::now(),
            connection,
        }
    }

    /// Makes round trips until the plan is fulfilled, the user has enough, or something breaks.
    pub(super) fn run(mut self) -> Outcome {
        let start = self.connection.flow.run.begin();
        self.last = start;
        let time = self.connection.flow.run.plan.time;
        self.deadline = time.and_then(|time| start.checked_add(time));
        let end = self.make_round_trips();
        self.connection
            .flow
            .finish(self.last.duration_since(start), end)
    }

    fn make_round_trips(&mut self) -> Result<Option<WaitEnd>, Error> {
        let messages = self
            .connection
            .flow
            .run
            .plan
            .messages(self.connection.flow.index);
        for number in 1..=messages.unwrap_or(u64::MAX) {
            if self.is_over() {
                break;
            }
            if let Some(end) = self.make_round_trip(number)? {
                return Ok(Some(end));
            }
        }
        Ok(None)
    }

    /// The time of the last reply is good enough: there was nothing to wait for since.
    fn is_over(&self) -> bool {
        self.connection.flow.run.shutdown.is_requested()
            || self.deadline.is_some_and(|deadline| self.last >= deadline)
    }

    fn make_round_trip(&mut self, number: u64) -> Result<Option<WaitEnd>, Error> {
        stamp(&mut self.message, number);
        let sent = Instant::now();
        if !self.send()? {
            return Ok(Some(WaitEnd::Overdue));
        }
        // Whoever has to answer first may share this processor; to fall asleep and be woken costs more.
        thread::yield_now();
        if let Some(end) = self.receive(sent)? {
            return Ok(Some(end));
        }
        self.last = Instant::now();
        let is_intact = self.reply == self.message;
        if !is_intact {
            self.connection
                .note_difference(number, 0, &self.message, &self.reply);
        }
        let latency = self.last.duration_since(sent);
        self.connection
            .count_reply(number, Some(latency), is_intact)?;
        Ok(None)
    }

    /// The buffers are empty: this waits only where they are smaller than a message.
    fn send(&mut self) -> Result<bool, Error> {
        let shutdown = &self.connection.flow.run.shutdown;
        let written = write_while(&self.connection.stream, &self.message, || {
            !shutdown.is_requested()
        });
        let written = written.map_err(|error| self.connection.broken(error))?;
        let is_whole = written == self.message.len();
        self.connection
            .flow
            .live()
            .count_sent(is_whole.into(), written as u64);
        Ok(is_whole)
    }

    fn receive(&mut self, sent: Instant) -> Result<Option<WaitEnd>, Error> {
        let mut filled = 0;
        while filled < self.reply.len() {
            match (&self.connection.stream).read(&mut self.reply[filled..]) {
                Ok(0) => return Err(self.connection.closed_early()),
                Ok(count) => filled += count,
                Err(error) if is_passing(&error) => {
                    let since = self.waits_since(sent);
                    if let Some(end) = self.connection.flow.ends_wait(since) {
                        return Ok(Some(end));
                    }
                }
                Err(error) => return Err(self.connection.broken(error)),
            }
        }
        self.connection
            .flow
            .live()
            .count_bytes_received(filled as u64);
        Ok(None)
    }

    /// A reply may take as long as the user said, or else as long as the measurement and a while more.
    fn waits_since(&self, sent: Instant) -> Option<Instant> {
        match (self.connection.flow.run.plan.wait, self.deadline) {
            (Some(_), _) => Some(sent),
            (None, Some(deadline)) => {
                let now = Instant::now();
                (now >= deadline).then(|| deadline.max(sent))
            }
            (None, None) => None,
        }
    }
}
