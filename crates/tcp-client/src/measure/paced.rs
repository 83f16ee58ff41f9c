//! The sending thread, by the clock or as fast as the path takes it.

use std::io;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use netcommon::measurement::{FlowSchedule, Live, Pace, make_timers_exact};

use super::flow::{Flow, Run, TICK, write_while};
use super::message::{stamp, unnumbered};

/// Messages that are due together are sent together, up to so many bytes.
const BATCH: usize = 64 << 10;

/// When messages are sent, and so, from when their latency counts.
#[derive(Clone, Copy)]
pub(super) enum Timing {
    /// By the clock: from when a message was due, whenever it could be sent. What a stall holds up
    /// carries the wait (no "coordinated omission").
    Scheduled(FlowSchedule),
    /// Each behind the reply to the one before: from when it was sent.
    OnReply,
    /// As fast as the path takes them: throughput, no latency.
    Unpaced,
}

impl Timing {
    pub(super) fn of(run: &Run, flow: u16) -> Self {
        match (run.plan.schedule(flow), run.plan.pace) {
            (Some(schedule), _) => Self::Scheduled(schedule),
            (None, Pace::Unpaced) => Self::Unpaced,
            (None, _) => Self::OnReply,
        }
    }
}

/// What the two threads of a connection tell each other.
#[derive(Default)]
pub(super) struct Handover {
    /// Nothing more will be sent.
    pub(super) sending_ended: AtomicBool,
    /// Nothing more will be read.
    pub(super) receiving_ended: AtomicBool,
    /// Replies so far.
    pub(super) answered: AtomicU64,
    /// When the last message was sent, in nanoseconds since the start.
    pub(super) sent_ns: AtomicU64,
}

/// How sending ended.
pub(super) struct SendEnd {
    /// The last message was handed to the kernel so long after the start.
    pub(super) last: Duration,
    /// Messages for which there was no room before their time was over.
    pub(super) unsent: u64,
    /// What kept it from sending more.
    pub(super) error: Option<io::Error>,
}

/// The sending half of a connection.
pub(super) struct Sender {
    run: Arc<Run>,
    index: u16,
    stream: TcpStream,
    handover: Arc<Handover>,
    timing: Timing,
    batch: Vec<u8>,
    start: Instant,
    last: Duration,
}

impl Sender {
    pub(super) fn new(flow: &Flow, handover: Arc<Handover>) -> io::Result<Self> {
        let (run, index) = (Arc::clone(&flow.run), flow.index);
        let length = run.plan.length;
        Ok(Self {
            stream: flow.stream.try_clone()?,
            handover,
            timing: Timing::of(&run, index),
            batch: unnumbered(index, length, (BATCH / length).max(1)),
            start: Instant::now(),
            last: Duration::ZERO,
            run,
            index,
        })
    }

    /// Sends what the plan asks for, until it is done, the user has enough, or the connection breaks.
    pub(super) fn run(mut self) -> SendEnd {
        make_timers_exact();
        self.start = self.run.begin();
        let error = self.send_all().err();
        self.handover.sending_ended.store(true, Ordering::Release);
        let is_cut_short = self.is_over(None) || error.is_some();
        SendEnd {
            last: self.last,
            unsent: if is_cut_short { 0 } else { self.unsent() },
            error,
        }
    }

    fn live(&self) -> &Live {
        &self.run.live[usize::from(self.index)]
    }

    fn send_all(&mut self) -> io::Result<()> {
        let length = self.run.plan.length;
        let messages = self.run.plan.messages(self.index).unwrap_or(u64::MAX);
        let mut number = 1;
        while number <= messages && self.wait_for(number) {
            let count = self.number_due(number, messages);
            let written = self.send(number, count)?;
            number += (written / length) as u64;
            if written < count * length {
                break;
            }
        }
        Ok(())
    }

    /// Sends `count` messages from `number` on in one piece; returns the bytes that were written.
    fn send(&mut self, number: u64, count: usize) -> io::Result<usize> {
        let length = self.run.plan.length;
        let batch = &mut self.batch[..count * length];
        for (slot, number) in batch.chunks_mut(length).zip(number..) {
            stamp(slot, number);
        }
        let now = self.start.elapsed().as_nanos() as u64;
        self.handover.sent_ns.store(now, Ordering::Release);
        let go_on = || !self.is_over(self.last_moment());
        let written = write_while(&self.stream, &self.batch[..count * length], go_on)?;
        self.live()
            .count_sent((written / length) as u64, written as u64);
        self.last = self.start.elapsed();
        Ok(written)
    }

    /// Waits until message `number` is to be sent; false when it is not to be sent any more.
    fn wait_for(&self, number: u64) -> bool {
        let last_moment = self.last_moment();
        loop {
            if self.is_over(last_moment) {
                return false;
            }
            let left = self.time_left(number);
            if left.is_zero() {
                return true;
            }
            thread::park_timeout(left.min(TICK));
        }
    }

    fn time_left(&self, number: u64) -> Duration {
        match self.timing {
            Timing::Scheduled(schedule) => {
                schedule.due(number).saturating_sub(self.start.elapsed())
            }
            Timing::OnReply if self.handover.answered.load(Ordering::Acquire) < number - 1 => TICK,
            Timing::OnReply | Timing::Unpaced => Duration::ZERO,
        }
    }

    /// How many messages from `number` on, which is due, can go together.
    fn number_due(&self, number: u64, messages: u64) -> usize {
        let room = (self.batch.len() / self.run.plan.length) as u64;
        let room = room.min(messages - number + 1);
        let due = match self.timing {
            Timing::Scheduled(schedule) => {
                let now = self.start.elapsed();
                let due = (1..room).take_while(|ahead| schedule.due(number + ahead) <= now);
                due.count() as u64 + 1
            }
            Timing::OnReply => 1,
            Timing::Unpaced => room,
        };
        due as usize
    }

    /// What was due in time may be sent a while later: a stall at the end leaves nothing out.
    fn last_moment(&self) -> Option<Duration> {
        match self.timing {
            Timing::Scheduled(_) => Some(self.run.plan.time? + self.run.plan.patience()),
            Timing::OnReply | Timing::Unpaced => self.run.plan.time,
        }
    }

    fn is_over(&self, last_moment: Option<Duration>) -> bool {
        self.run.shutdown.is_requested()
            || self.handover.receiving_ended.load(Ordering::Acquire)
            || last_moment.is_some_and(|moment| self.start.elapsed() >= moment)
    }

    /// Without a clock, no message is due.
    fn unsent(&self) -> u64 {
        match (self.timing, self.run.plan.messages(self.index)) {
            (Timing::Scheduled(_), Some(messages)) => messages - self.live().sent(),
            _ => 0,
        }
    }
}
