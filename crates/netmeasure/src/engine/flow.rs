//! One flow: when it sends next, and when it is done.

use std::time::Duration;

use crate::plan::Plan;
use crate::recorder::Recorder;
use crate::schedule::{FlowSchedule, Schedule};

/// How long to wait until messages under way are decided, where no more of them can be remembered.
const FULL: Duration = Duration::from_millis(10);

/// The phase of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// It has messages to send.
    Sending,
    /// It waits for replies.
    Waiting,
    /// Nothing more.
    Done,
}

/// The next step of a flow that is sending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Send so many messages.
    Send(usize),
    /// Look again then.
    Wait(Duration),
    /// Send nothing more.
    End,
}

/// One flow, of a thread that serves many.
pub(super) struct Flow<S> {
    pub(super) index: u16,
    pub(super) socket: S,
    pub(super) recorder: Recorder,
    pub(super) phase: Phase,
    /// The kernel took no more; the poller tells when it does.
    pub(super) is_blocked: bool,
    /// There may be something to read.
    pub(super) is_readable: bool,
    /// The poller said that nothing follows on what is there: it will not say so again.
    pub(super) has_hung_up: bool,
    /// The place of the next message in the schedule, from 1.
    pub(super) place: u64,
    /// Errors in a row of the message that is to be sent next.
    pub(super) refusals: u32,
    /// Until when a closed loop waits behind a message that was never sent, as if it had been lost.
    pub(super) pauses_until: Duration,
    /// ICMP errors that came, each for one message.
    pub(super) errors: u64,
    /// The last message sent or received, or try to send.
    pub(super) last: Duration,
    /// When a reply, or a part of one, came last, or the peer acknowledged more.
    pub(super) progress_at: Duration,
    /// Bytes acknowledged by the peer, at the last look.
    pub(super) acknowledged: u64,
    schedule: Option<FlowSchedule>,
    /// Messages that are due in all.
    planned: Option<u64>,
    /// When sending ends: without a schedule, at the end of the time; with one, when a reply to the
    /// last message could not be in time any more.
    deadline: Option<Duration>,
    /// When the flow ends, whatever is still to come.
    bound: Option<Duration>,
    wait: Duration,
    pub(super) is_unpaced: bool,
}

impl<S> Flow<S> {
    pub(super) fn new(plan: &Plan, index: u16, socket: S, loses: bool) -> Self {
        let schedule = plan.schedule(index);
        let planned = plan.messages(index);
        let gives_up = schedule
            .zip(planned)
            .map(|(schedule, planned)| schedule.due(planned));
        let gives_up = gives_up.map(|last| last.saturating_add(plan.wait));
        Self {
            index,
            socket,
            recorder: Recorder::new(plan, index, loses),
            phase: Phase::Sending,
            is_blocked: false,
            is_readable: false,
            has_hung_up: false,
            place: 1,
            refusals: 0,
            pauses_until: Duration::ZERO,
            errors: 0,
            last: Duration::ZERO,
            progress_at: Duration::ZERO,
            acknowledged: 0,
            schedule,
            planned,
            deadline: gives_up.or(plan.time.filter(|_| schedule.is_none())),
            bound: plan.time.map(|time| time.saturating_add(plan.wait)),
            wait: plan.wait,
            is_unpaced: plan.schedule == Schedule::Unpaced,
        }
    }

    /// The step at `now`, with room for so many messages in one call.
    pub(super) fn next(&self, now: Duration, room: usize) -> Next {
        let left = self.left();
        if left == 0 || self.deadline.is_some_and(|deadline| now >= deadline) {
            return Next::End;
        }
        if self.recorder.is_full() {
            return Next::Wait(now + FULL);
        }
        let room = left.min(room as u64);
        match self.schedule {
            Some(schedule) => next_due(&schedule, self.place, room, now),
            None if self.is_unpaced => Next::Send(room as usize),
            None => self.next_in_loop(now),
        }
    }

    fn left(&self) -> u64 {
        self.planned
            .map_or(u64::MAX, |planned| (planned + 1).saturating_sub(self.place))
    }

    /// A closed loop waits for the last reply, as long as it may take.
    fn next_in_loop(&self, now: Duration) -> Next {
        let reply = self.recorder.waits_until().unwrap_or_default();
        let until = reply.max(self.pauses_until);
        if now < until {
            return Next::Wait(self.deadline.map_or(until, |end| end.min(until)));
        }
        Next::Send(1)
    }

    /// Passes over messages that were due and will not be sent.
    pub(super) fn skip(&mut self, count: u64) {
        self.place += count;
        self.recorder.unsent(count);
    }

    /// How many messages were due before `now` and were not sent; without a clock, none is due.
    pub(super) fn overdue(&self, now: Duration) -> u64 {
        let Some(schedule) = self.schedule else {
            return 0;
        };
        let due = schedule.due_before(now);
        let due = self.planned.map_or(due, |planned| planned.min(due));
        (due + 1).saturating_sub(self.place)
    }

    /// When sending ends, whether the kernel takes the rest or not.
    pub(super) fn sends_until(&self) -> Duration {
        self.deadline.unwrap_or(Duration::MAX)
    }

    /// When a flow without progress is given up.
    pub(super) fn stalls_at(&self) -> Duration {
        let stall = self.progress_at.saturating_add(self.wait);
        self.bound.map_or(stall, |bound| stall.min(bound))
    }

    /// When a flow that has sent everything is done, whatever is missing: every message has had its
    /// time and, over a path that loses nothing, no more bytes come.
    pub(super) fn settles_at(&self, loses: bool) -> Duration {
        let settled = self.recorder.settles_at();
        if loses {
            return settled;
        }
        settled
            .max(self.progress_at.saturating_add(self.wait))
            .min(self.bound.unwrap_or(Duration::MAX))
    }

    /// How late the message at the next place is at `now`; `None` without a clock.
    pub(super) fn lag(&self, now: Duration) -> Option<Duration> {
        self.schedule
            .map(|schedule| now.saturating_sub(schedule.due(self.place)))
    }
}

/// Counts the messages from `place` on that are due, at most `room`.
fn next_due(schedule: &FlowSchedule, place: u64, room: u64, now: Duration) -> Next {
    let first = schedule.due(place);
    if now < first {
        return Next::Wait(first);
    }
    let more = (1..room).take_while(|ahead| schedule.due(place + ahead) <= now);
    Next::Send(1 + more.count())
}
