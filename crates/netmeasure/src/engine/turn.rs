//! The turn of one flow: it reads what is there, and sends what is due, or ends.

use std::io;
use std::mem;
use std::time::Duration;

use netcommon::units::show_duration;
use netcommon::{Error, ErrorKind};
use nix::errno::Errno;

use super::flow::{Next, Phase};
use super::transport::{Inbox, Outgoing, Received, Sent, Transport};
use super::worker::Worker;
use crate::recorder::Verdict;
use crate::report::{Event, ReplyLine};
use crate::schedule::Schedule;

/// Parts of what is there that a flow reads before others have their turn.
const READS: usize = 16;

/// Tries of a message that is refused: an ICMP error that an earlier one met with is told once, and
/// over a path whose limit has just been learnt the message goes in fragments.
const TRIES: u32 = 3;

/// Each message meets with one ICMP error at most; an error that comes more often is the socket's own.
const MAX_ERRORS: u64 = 1_000;

/// How long to wait for room in the queue of an interface, which no poller tells of (`ENOBUFS`).
const NO_BUFFERS: Duration = Duration::from_micros(100);

/// Warning at the first unmatched reply.
const UNMATCHED: &str = "bytes come that answer no message of this run: unreadable, foreign, or too \
                         old to tell; they are counted as unmatched";

impl<T: Transport> Worker<T> {
    pub(super) fn take_turn(&mut self, at: usize) {
        if self.flows[at].phase == Phase::Done {
            return;
        }
        if self.flows[at].is_readable {
            self.receive(at);
        }
        let now = self.look_at_clock();
        self.flows[at].recorder.expire(now);
        match self.flows[at].phase {
            Phase::Sending if self.flows[at].is_blocked => self.watch_stall(at, now),
            Phase::Sending => self.send(at, now),
            Phase::Waiting => self.settle(at, now),
            Phase::Done => return,
        }
        if self.flows[at].is_readable {
            self.agenda.add(at);
        }
    }

    /// Waits for the reply of the only flow, in the place of the poller; false where that is not what
    /// the thread waits for.
    pub(super) fn wait_in_receive(&mut self) -> bool {
        let [flow] = &self.flows[..] else {
            return false;
        };
        let is_loop = T::CAN_WAIT && self.run.plan.schedule == Schedule::Replies;
        let waits = is_loop && !flow.is_blocked && flow.recorder.waits_until().is_some();
        if waits {
            self.flows[0].is_readable = true;
            self.receive_in(0, true);
            self.agenda.add(0);
        }
        waits
    }

    pub(super) fn receive(&mut self, at: usize) {
        self.receive_in(at, false);
    }

    fn receive_in(&mut self, at: usize, mut waits: bool) {
        for _ in 0..READS {
            match self.receive_part(at, mem::take(&mut waits)) {
                Ok(Received::More) => {}
                Ok(Received::Dry) => {
                    self.flows[at].is_readable = false;
                    break;
                }
                Ok(Received::Closed) => {
                    self.close_early(at);
                    break;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    if self.meet(at, error) {
                        break;
                    }
                }
            }
        }
        self.take_replies(at);
    }

    fn receive_part(&mut self, at: usize, waits: bool) -> io::Result<Received> {
        let flow = &mut self.flows[at];
        let mut inbox = Inbox {
            flow: flow.index,
            now: self.clock.now(),
            has_progress: false,
            clock: self.clock,
            recorder: &mut flow.recorder,
            replies: &mut self.replies,
            outcome: &mut self.outcome,
        };
        let received = self.transport.receive(&mut flow.socket, &mut inbox, waits);
        let (now, has_progress) = (inbox.now, inbox.has_progress);
        match received {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Received::Dry),
            Err(error) => Err(error),
            Ok(Received::Closed) => Ok(Received::Closed),
            Ok(received) => {
                flow.last = now;
                if has_progress {
                    flow.progress_at = now;
                }
                // Behind the last bytes lies the end, of which the poller tells once.
                Ok(if flow.has_hung_up {
                    Received::More
                } else {
                    received
                })
            }
        }
    }

    fn take_replies(&mut self, at: usize) {
        let (flow, plan) = (self.flows[at].index, &self.run.plan);
        let (shows, is_timed) = (plan.shows_replies, plan.schedule != Schedule::Unpaced);
        let mut replies = mem::take(&mut self.replies);
        for reply in replies.drain(..) {
            match (reply.verdict, reply.round_trip) {
                (Verdict::Received | Verdict::Late, Some(trip)) if is_timed => {
                    self.outcome.latencies.record(trip);
                    self.outcome.interval_trips.record(trip);
                }
                (Verdict::Unmatched, _) => self.run.warn_once(UNMATCHED),
                _ => {}
            }
            if shows {
                let line = Event::Reply(ReplyLine::new(self.run.peer, flow, &reply));
                // Without a reader, no flow has anything to measure for.
                if self.run.output.say(&line).is_err() {
                    self.run.interrupt();
                }
            }
        }
        self.replies = replies;
    }

    /// True when the error ended the flow.
    fn meet(&mut self, at: usize, error: io::Error) -> bool {
        let flow = &mut self.flows[at];
        flow.errors += 1;
        let sent = flow.recorder.counts().sent;
        let is_lasting = flow.errors > sent.saturating_add(MAX_ERRORS);
        let failure = self.transport.failure(&flow.socket, error);
        if failure.is_passing && !is_lasting {
            self.run
                .warn_once(&format!("{}; the run goes on", failure.error));
            self.outcome.passing.get_or_insert(failure.error);
            return false;
        }
        self.break_off(at, failure.error);
        true
    }

    fn send(&mut self, at: usize, now: Duration) {
        match self.flows[at].next(now, self.transport.room()) {
            Next::Wait(until) => self.agenda.add_at(at, until),
            Next::End => self.end_sending(at, now),
            Next::Send(count) => {
                let flow = &mut self.flows[at];
                let messages = Outgoing {
                    flow: flow.index,
                    first: flow.recorder.next_number(),
                    count,
                    now,
                    place: flow.place,
                    recorder: &flow.recorder,
                    clock: self.clock,
                };
                match self.transport.send(&mut flow.socket, &messages) {
                    Ok(sent) => self.count_sent(at, sent, now),
                    Err(error) => self.not_sent(at, error, now),
                }
            }
        }
    }

    fn count_sent(&mut self, at: usize, sent: Sent, now: Duration) {
        let flow = &mut self.flows[at];
        let begun = sent.begun.unwrap_or(now);
        if let Some(lag) = flow.lag(begun).filter(|_| sent.messages > 0) {
            self.outcome.lag.record_many(lag, sent.messages as u64);
        }
        flow.recorder.bytes_sent(sent.bytes);
        flow.recorder.sent(flow.place, sent.messages, begun);
        flow.place += sent.messages as u64;
        (flow.refusals, flow.last) = (0, now);
        flow.is_blocked = sent.is_full;
        if sent.is_full {
            flow.progress_at = now;
        }
        match flow.next(now, 1) {
            Next::Wait(until) if !sent.is_full => self.agenda.add_at(at, until),
            _ => self.agenda.add(at),
        }
    }

    fn not_sent(&mut self, at: usize, error: io::Error, now: Duration) {
        let flow = &mut self.flows[at];
        if error.kind() == io::ErrorKind::WouldBlock {
            self.outcome.refused += 1;
            (flow.is_blocked, flow.progress_at) = (true, now);
        } else if error.raw_os_error() == Some(Errno::ENOBUFS as i32) {
            self.outcome.refused += 1;
            return self.agenda.add_at(at, now + NO_BUFFERS);
        } else if error.kind() != io::ErrorKind::Interrupted {
            (flow.refusals, flow.last) = (flow.refusals + 1, now);
            if flow.refusals.is_multiple_of(TRIES) {
                flow.skip(1);
                flow.pauses_until = now.saturating_add(self.run.plan.wait);
            }
            if self.meet(at, error) {
                return;
            }
        }
        self.agenda.add(at);
    }

    /// A flow that the kernel holds up goes on as long as the peer takes something.
    fn watch_stall(&mut self, at: usize, now: Duration) {
        let flow = &mut self.flows[at];
        let acknowledged = self.transport.acknowledged(&flow.socket);
        if acknowledged > flow.acknowledged {
            (flow.acknowledged, flow.progress_at) = (acknowledged, now);
        }
        let (stalls_at, wait) = (flow.stalls_at(), self.run.plan.wait);
        let sends_until = flow.sends_until();
        if now >= sends_until {
            return self.end_sending(at, now);
        }
        if now < stalls_at {
            let soon = now.saturating_add(wait / 4);
            return self.agenda.add_at(at, stalls_at.min(soon).min(sends_until));
        }
        let (server, wait) = (&self.run.server, show_duration(wait));
        let message = format!("timed out: {server} took no byte for {wait}");
        self.break_off(at, Error::new(ErrorKind::TimedOut, message));
    }
}
