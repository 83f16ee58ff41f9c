//! When a sending thread sends.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::{FlowSchedule, Live, Pace, Run, make_timers_exact};

/// How often who waits looks whether it still should.
pub const TICK: Duration = Duration::from_millis(100);

/// When messages are sent, and so, from when their latency counts.
#[derive(Clone, Copy, Debug)]
pub enum Timing {
    /// By the clock: from when a message was due, whenever it could be sent. What a stall holds up
    /// carries the wait (no "coordinated omission").
    Scheduled(FlowSchedule),
    /// Each behind the reply to the one before: from when it was sent.
    OnReply,
    /// As fast as the path takes them: throughput, no latency.
    Unpaced,
}

impl Timing {
    /// The timing of a flow.
    pub fn of(run: &Run, flow: u16) -> Self {
        match (run.plan.schedule(flow), run.plan.pace) {
            (Some(schedule), _) => Self::Scheduled(schedule),
            (None, Pace::Unpaced) => Self::Unpaced,
            (None, _) => Self::OnReply,
        }
    }
}

/// What the two threads of a flow tell each other.
#[derive(Debug, Default)]
pub struct Handover {
    /// Nothing more will be sent.
    pub sending_ended: AtomicBool,
    /// Nothing more will be read.
    pub receiving_ended: AtomicBool,
    /// The last message that was answered, or given up.
    pub answered: AtomicU64,
    /// The last message that was, or is about to be, sent.
    pub handed: AtomicU64,
    /// When that was, in nanoseconds since the start.
    pub sent_ns: AtomicU64,
}

impl Handover {
    /// When the last message was sent, since the start.
    pub fn sent_at(&self) -> Duration {
        Duration::from_nanos(self.sent_ns.load(Ordering::Acquire))
    }
}

/// How sending ended.
#[derive(Debug)]
pub struct SendEnd {
    /// The last message was handed to the kernel so long after the start.
    pub last: Duration,
    /// Messages for which there was no room before their time was over.
    pub unsent: u64,
    /// What kept the flow from sending more.
    pub error: Option<io::Error>,
}

/// Says to a sending thread when it sends which message.
pub struct Pacer {
    /// What the flow shares with others.
    pub run: Arc<Run>,
    /// The flow's number, from 0.
    pub index: u16,
    handover: Arc<Handover>,
    timing: Timing,
    room: u64,
    start: Instant,
    last: Duration,
}

impl Pacer {
    /// For a thread that can send up to `room` messages at once.
    pub fn new(run: Arc<Run>, index: u16, handover: Arc<Handover>, room: usize) -> Self {
        Self {
            timing: Timing::of(&run, index),
            run,
            index,
            handover,
            room: room as u64,
            start: Instant::now(),
            last: Duration::ZERO,
        }
    }

    /// Sends what the plan asks for, by `send`, which gets the number of the first message and how
    /// many, counts what it sends, and returns how many that were; fewer than asked end the sending.
    pub fn send_all(
        mut self,
        mut send: impl FnMut(&Self, u64, usize) -> io::Result<usize>,
    ) -> SendEnd {
        make_timers_exact();
        self.start = self.run.begin();
        let error = self.send_in_time(&mut send).err();
        self.handover.sending_ended.store(true, Ordering::Release);
        let is_cut_short = self.is_over(None) || error.is_some();
        SendEnd {
            last: self.last,
            unsent: if is_cut_short { 0 } else { self.unsent() },
            error,
        }
    }

    fn send_in_time(
        &mut self,
        send: &mut impl FnMut(&Self, u64, usize) -> io::Result<usize>,
    ) -> io::Result<()> {
        let messages = self.messages();
        let mut number = 1;
        while number <= messages && self.wait_for(number) {
            let count = self.number_due(number, messages);
            let now = self.start.elapsed().as_nanos() as u64;
            self.handover.sent_ns.store(now, Ordering::Release);
            let handed = number + count as u64 - 1;
            self.handover.handed.store(handed, Ordering::Release);
            let sent = send(self, number, count)?;
            self.last = self.start.elapsed();
            number += sent as u64;
            if sent < count {
                break;
            }
        }
        Ok(())
    }

    /// The flow's running counts.
    pub fn live(&self) -> &Live {
        &self.run.live[usize::from(self.index)]
    }

    fn messages(&self) -> u64 {
        self.run.plan.messages(self.index).unwrap_or(u64::MAX)
    }

    /// When the measurement started.
    pub fn start(&self) -> Instant {
        self.start
    }

    /// From when the latency of message `number`, which is about to be sent, counts, since the start.
    pub fn origin(&self, number: u64) -> Duration {
        match self.timing {
            Timing::Scheduled(schedule) => schedule.due(number),
            Timing::OnReply | Timing::Unpaced => self.handover.sent_at(),
        }
    }

    /// Whether who is held up in sending should try on.
    pub fn goes_on(&self) -> bool {
        !self.is_over(self.last_moment())
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
        let room = self.room.min(messages - number + 1);
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
        let time = self.run.plan.time?;
        match self.timing {
            Timing::Scheduled(_) => Some(time.saturating_add(self.run.plan.patience())),
            Timing::OnReply | Timing::Unpaced => Some(time),
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
            (Timing::Scheduled(_), Some(messages)) => messages.saturating_sub(self.live().sent()),
            _ => 0,
        }
    }
}
