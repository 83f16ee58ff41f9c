//! The differences between TCP and UDP.

use std::io;
use std::os::fd::AsRawFd;
use std::time::Duration;

use netcommon::Error;
use netcommon::socket::held_up::HeldUp;

use crate::outcome::Outcome;
use crate::recorder::{Recorder, Reply, Times, Verdict};

use crate::run::Clock;

/// How the messages of a flow are sent and its replies read. One value serves all flows of a thread,
/// so that buffers are there once; a flow owns its [`Socket`](Self::Socket) alone.
pub trait Transport: Send {
    /// One flow's socket, which never blocks, and what is under way on it.
    type Socket: AsRawFd + Send;

    /// Whether the path may lose messages, and deliver them twice.
    const LOSES: bool;

    /// Whether [`receive`](Self::receive) can wait itself, for a while: a thread with a single flow in a
    /// closed loop saves the poller's part of each round trip.
    const CAN_WAIT: bool;

    /// Messages of one call of [`send`](Self::send) at most; no more than
    /// [`MAX_BATCH`](crate::recorder::MAX_BATCH).
    fn room(&self) -> usize;

    /// Hands messages to the kernel, as far as it takes them.
    ///
    /// # Errors
    ///
    /// The reason why not even the first was sent.
    fn send(&mut self, socket: &mut Self::Socket, messages: &Outgoing<'_>) -> io::Result<Sent>;

    /// Reads a part of what is there, and hands each reply to the inbox; `WouldBlock` where nothing is,
    /// or has come in a while where it `waits`.
    ///
    /// # Errors
    ///
    /// The socket's own; an error that a peer or its network caused may be one of them.
    fn receive(
        &mut self,
        socket: &mut Self::Socket,
        inbox: &mut Inbox<'_>,
        waits: bool,
    ) -> io::Result<Received>;

    /// A flow is done, and has sent so many messages. The time is in nanoseconds since 1970.
    fn close(&mut self, flow: u16, socket: &mut Self::Socket, messages: u64, now_ns: u64);

    /// The meaning of an error of `send` or `receive`. A passing one costs messages and does not end
    /// the flow.
    fn failure(&mut self, socket: &Self::Socket, error: io::Error) -> Failure;

    /// Bytes that the peer has acknowledged so far; a figure that grows is progress.
    fn acknowledged(&self, _: &Self::Socket) -> u64 {
        0
    }

    /// Replies that the kernel dropped on this side, where it tells.
    fn dropped(&self, _: &Self::Socket) -> Option<u64> {
        None
    }

    /// Causes that have held the sending up until `now`, over TCP where the kernel tells.
    fn held_up(&self, _: &Self::Socket, _now: Duration) -> Option<HeldUp> {
        None
    }
}

/// An error of a flow.
pub struct Failure {
    /// In words.
    pub error: Error,
    /// Whether the flow goes on.
    pub is_passing: bool,
}

/// Messages to send.
pub struct Outgoing<'a> {
    /// The flow, from 0.
    pub flow: u16,
    /// The number of the first, from 1.
    pub first: u64,
    /// How many.
    pub count: usize,
    /// Now.
    pub now: Duration,
    pub(super) place: u64,
    pub(super) recorder: &'a Recorder,
    pub(super) clock: Clock,
}

impl Outgoing<'_> {
    /// The number of a message (from 0 in this call), and when it was due.
    pub fn message(&self, at: usize) -> (u64, Duration) {
        let at = at as u64;
        (
            self.first + at,
            self.recorder.due(self.place + at, self.now),
        )
    }

    /// A time since the start in nanoseconds since 1970.
    pub fn wall_ns(&self, time: Duration) -> u64 {
        self.clock.wall_ns(time)
    }
}

/// Result of [`Transport::send`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// Messages handed over whole.
    pub messages: usize,
    /// Payload bytes handed over, those of a part of a message included.
    pub bytes: usize,
    /// When the first byte of the first of them was handed over, if that was before this call.
    pub begun: Option<Duration>,
    /// Whether the kernel takes no more for now.
    pub is_full: bool,
}

/// Whether there is more to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// Nothing: what came was all there was.
    Dry,
    /// Something came, and there may be more.
    More,
    /// The peer has closed its side.
    Closed,
}

/// Takes the replies of one flow.
pub struct Inbox<'a> {
    /// The flow, from 0.
    pub flow: u16,
    /// Now.
    pub now: Duration,
    /// Whether something came that was still to come.
    pub(super) has_progress: bool,
    pub(super) clock: Clock,
    pub(super) recorder: &'a mut Recorder,
    pub(super) replies: &'a mut Vec<Reply>,
    pub(super) outcome: &'a mut Outcome,
}

impl Inbox<'_> {
    /// Takes the time anew: what came was waited for.
    pub fn look_at_clock(&mut self) {
        self.now = self.clock.now();
    }

    /// When a message was due and sent; `None` of one that was not sent, or is forgotten.
    pub fn times(&self, number: u64) -> Option<Times> {
        self.recorder.times(number)
    }

    /// A time since the start in nanoseconds since 1970.
    pub fn wall_ns(&self, time: Duration) -> u64 {
        self.clock.wall_ns(time)
    }

    /// A reply of `bytes` to message `number` arrived at `arrived`; `wrong` describes it where it is
    /// not what was sent.
    pub fn reply(
        &mut self,
        number: u64,
        arrived: Duration,
        bytes: usize,
        wrong: Option<impl FnOnce() -> String>,
    ) {
        let is_right = wrong.is_none();
        let reply = self.recorder.reply(number, arrived, bytes, is_right);
        self.note_waiting(&reply, self.now.saturating_sub(arrived));
        if let (Verdict::Corrupted, Some(wrong)) = (reply.verdict, wrong) {
            self.outcome.corruption.get_or_insert_with(wrong);
        }
        self.has_progress |= !matches!(reply.verdict, Verdict::Duplicate | Verdict::Unmatched);
        self.replies.push(reply);
    }

    /// Of a transport that knows nothing of the wait, there is nothing to note.
    fn note_waiting(&mut self, reply: &Reply, waited: Duration) {
        let is_right = matches!(reply.verdict, Verdict::Received | Verdict::Late);
        if let Some(trip) = reply.round_trip
            && is_right
            && self.outcome.waiting.count() > 0
        {
            self.outcome.latencies_with_waiting.record(trip + waited);
        }
    }

    /// A part of a reply came whose rest is still to come.
    pub fn partial(&mut self) {
        self.has_progress = true;
    }

    /// Something of the peer that answers no message.
    pub fn unmatched(&mut self, bytes: usize) {
        let reply = self.recorder.unmatched(bytes);
        self.replies.push(reply);
    }

    /// Payload bytes came, of whatever worth.
    pub fn bytes(&mut self, bytes: usize) {
        self.recorder.bytes_received(bytes);
    }

    /// The kernel joined this message from several.
    pub fn coalesced(&mut self) {
        self.outcome.is_coalesced = true;
    }

    /// A reply waited so long in this machine before it was read.
    pub fn waited(&mut self, time: Duration) {
        self.outcome.waiting.record(time);
    }
}
