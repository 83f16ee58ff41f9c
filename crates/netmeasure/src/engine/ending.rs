//! The end of a flow: when it sends no more, when it is done, and what is left of it.

use std::mem;
use std::time::Duration;

use netcommon::socket::held_up::sum;
use netcommon::{Error, ErrorKind};

use super::flow::Phase;
use super::transport::Transport;
use super::worker::Worker;
use crate::outcome::Broken;

/// When every message is answered, how long a copy may still take: at least so long, or else twice
/// the longest round trip, and never longer than `-w`.
const LINGER: Duration = Duration::from_millis(10);

impl<T: Transport> Worker<T> {
    pub(super) fn end_sending(&mut self, at: usize, now: Duration) {
        let flow = &mut self.flows[at];
        flow.phase = Phase::Waiting;
        flow.skip(flow.overdue(now));
        if flow.is_unpaced && self.run.plan.count.is_none() {
            // Throughput is what came back in its time.
            return self.conclude(at, None);
        }
        self.agenda.add(at);
    }

    /// Waits for replies and, where messages may come twice, for copies.
    pub(super) fn settle(&mut self, at: usize, now: Duration) {
        let flow = &self.flows[at];
        let is_decided = flow.recorder.undecided() == 0;
        // ICMP errors shorten nothing: anyone can forge them.
        let until = if is_decided && T::LOSES {
            // A peer that sends without end is not listened to for ever.
            let copies = flow.last.saturating_add(self.linger());
            copies.min(flow.progress_at.saturating_add(self.run.plan.wait))
        } else if is_decided {
            now
        } else {
            flow.settles_at(T::LOSES)
        };
        if now < until {
            self.agenda.add_at(at, until);
        } else {
            self.conclude(at, None);
        }
    }

    fn linger(&self) -> Duration {
        let longest = self.outcome.latencies.max().unwrap_or_default();
        (longest * 2).max(LINGER).min(self.run.plan.wait)
    }

    pub(super) fn close_early(&mut self, at: usize) {
        let (server, counts) = (&self.run.server, self.flows[at].recorder.counts());
        let (came, sent) = (counts.received + counts.late, counts.sent);
        let message = if sent == 0 {
            format!("{server} closed early, before a message was sent")
        } else {
            format!("{server} closed early: {came} of {sent} replies came back")
        };
        self.break_off(at, Error::new(ErrorKind::ClosedEarly, message));
    }

    /// Ends a flow before its time.
    pub(super) fn break_off(&mut self, at: usize, error: Error) {
        let flow = &mut self.flows[at];
        if flow.phase == Phase::Sending {
            flow.skip(flow.overdue(self.clock.now()));
        }
        let flow = flow.index;
        self.outcome.broken.push(Broken { flow, error });
        self.conclude(at, None);
    }

    /// Ends a flow because the user has enough.
    pub(super) fn interrupt_flow(&mut self, at: usize, now: Duration) {
        let flow = &mut self.flows[at];
        if flow.phase == Phase::Sending {
            flow.skip(flow.overdue(now));
        }
        self.conclude(at, Some(now));
    }

    fn conclude(&mut self, at: usize, interrupted: Option<Duration>) {
        let flow = &mut self.flows[at];
        if mem::replace(&mut flow.phase, Phase::Done) == Phase::Done {
            return;
        }
        let messages = flow.recorder.next_number() - 1;
        let now_ns = self.clock.wall_ns(self.clock.now());
        self.transport
            .close(flow.index, &mut flow.socket, messages, now_ns);
        let outcome = &mut self.outcome;
        outcome.counts += flow.recorder.finish(interrupted);
        // The throughput of a stream is over all of its time, silence included.
        let last = if flow.is_unpaced {
            self.clock.now()
        } else {
            flow.last
        };
        outcome.last = outcome.last.max(last);
        if T::LOSES {
            outcome.jitter = outcome.jitter.max(flow.recorder.jitter());
        }
        outcome.dropped = sum(outcome.dropped, self.transport.dropped(&flow.socket));
        let held_up = self.transport.held_up(&flow.socket, self.clock.now());
        outcome.held_up = sum(outcome.held_up, held_up);
        self.release(at);
    }
}
