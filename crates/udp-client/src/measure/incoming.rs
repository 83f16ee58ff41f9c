//! The receiving thread: takes replies as they come, until none is due any more.

use std::io;
use std::net::UdpSocket;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use netcommon::datagrams::{Details, Receiver};
use netcommon::options::RCVBUF_HINT;
use netcommon::socket::udp::Peer;
use netcommon::{Error, ErrorKind};
use netmeasure::{Flow, Handover, Outcome, SendEnd, TICK, Timing, WaitEnd};

use super::books::Books;
use super::cannot_start;
use super::identity::Identity;
use super::outgoing::Sender;

/// When every probe is answered, how long a duplicate may still take: at least so long, or else
/// twice the longest round trip.
const LINGER: Duration = Duration::from_millis(10);

/// Each probe meets with one ICMP error at most.
const MOST_REFUSALS: u32 = 1_000;

/// The receiving half of a flow.
pub(super) struct Incoming {
    flow: Flow,
    socket: UdpSocket,
    receiver: Receiver,
    poll: Poll,
    identity: Arc<Identity>,
    handover: Arc<Handover>,
    timing: Timing,
    sender: JoinHandle<SendEnd>,
    books: Books,
    start: Instant,
    last: Duration,
    sending_ended: Option<Instant>,
}

impl Incoming {
    /// Starts the sending thread; it waits for the others.
    pub(super) fn start(flow: Flow, peer: Peer, identity: &Arc<Identity>) -> Result<Self, Error> {
        let socket = peer.into_socket();
        let receiver = Receiver::new(&socket, Details::default())?;
        let handover = Arc::new(Handover::default());
        let other = socket.try_clone().map_err(cannot_start)?;
        let sender = Sender::new(&flow, other, Arc::clone(identity), Arc::clone(&handover));
        let sender = thread::Builder::new().spawn(|| sender.run());
        Ok(Self {
            poll: poll(&socket).map_err(cannot_start)?,
            socket,
            receiver,
            identity: Arc::clone(identity),
            handover,
            timing: Timing::of(&flow.run, flow.index),
            sender: sender.map_err(cannot_start)?,
            books: Books::new(&flow.run.plan, identity.run, flow.index),
            start: Instant::now(),
            last: Duration::ZERO,
            sending_ended: None,
            flow,
        })
    }

    /// Receives until every probe is answered or was waited for, the user has enough, or nobody is there.
    pub(super) fn run(mut self) -> Outcome {
        self.start = self.flow.run.begin();
        self.books.ledger.begin(self.identity.epoch_ns(self.start));
        let end = self.receive_all();
        self.warn_of_drops();
        self.handover.receiving_ended.store(true, Ordering::Release);
        self.sender.thread().unpark();
        self.flow.tally.jitter = self.books.jitter.estimate();
        let Ok(sending) = self.sender.join() else {
            return self.flow.finish(self.last, end);
        };
        self.flow.tally.counts.unsent = sending.unsent;
        let end = match sending.error {
            Some(error) => end.and_then(|_| Err(unreachable(&self.flow, error))),
            None => end,
        };
        self.flow.finish(self.last.max(sending.last), end)
    }

    fn receive_all(&mut self) -> Result<Option<WaitEnd>, Error> {
        let mut events = Events::with_capacity(1);
        loop {
            self.drain()?;
            if self.is_settled() {
                return Ok(None);
            }
            let since = self.sending_ended;
            if let Some(end) = self.flow.ends_wait(since) {
                return Ok(Some(end));
            }
            self.give_up_overdue();
            let polled = self.poll.poll(&mut events, Some(self.tick()));
            // A signal makes no difference here.
            polled
                .or_else(|error| match error.kind() {
                    io::ErrorKind::Interrupted => Ok(()),
                    _ => Err(error),
                })
                .map_err(|error| Error::io("cannot wait for replies", error))?;
        }
    }

    /// Takes all replies that are there.
    fn drain(&mut self) -> Result<(), Error> {
        let mut refusals = 0;
        loop {
            let Err(error) = self.take_batch()? else {
                continue;
            };
            let was_answered = self.handover.answered.load(Ordering::Acquire) > 0;
            match error.kind() {
                io::ErrorKind::WouldBlock => return Ok(()),
                // A peer that has answered may come back; an error without end is the socket's own.
                _ if was_answered && refusals < MOST_REFUSALS => refusals += 1,
                _ => return Err(unreachable(&self.flow, error)),
            }
        }
    }

    /// The outer error is this program's own, the inner one the socket's.
    fn take_batch(&mut self) -> Result<io::Result<()>, Error> {
        let batch = match self.receiver.receive(&self.socket) {
            Ok(batch) => batch,
            Err(error) => return Ok(Err(error)),
        };
        self.last = self.start.elapsed();
        let Handover {
            handed, answered, ..
        } = &*self.handover;
        for datagram in batch.datagrams() {
            let handed = handed.load(Ordering::Acquire);
            let taken = self
                .books
                .take(&mut self.flow, datagram.payload, self.last, handed);
            answered.fetch_max(taken?, Ordering::AcqRel);
        }
        if let Timing::OnReply = self.timing {
            self.sender.thread().unpark();
        }
        Ok(Ok(()))
    }

    /// Whether every probe is accounted for, and duplicates had their time too.
    fn is_settled(&mut self) -> bool {
        if self.sending_ended.is_none() && self.handover.sending_ended.load(Ordering::Acquire) {
            self.sending_ended = Some(Instant::now());
        }
        let mut counts = self.flow.tally.counts;
        counts.sent = self.flow.live().sent();
        let longest = self.flow.tally.latencies.max().unwrap_or_default();
        let linger = (longest * 2).clamp(LINGER, LINGER.max(self.flow.run.plan.patience()));
        self.sending_ended.is_some()
            && counts.unanswered() == 0
            && self.start.elapsed() >= self.last + linger
    }

    /// Counts what is lost so far, and lets a sender that waits for a reply go on without it.
    fn give_up_overdue(&mut self) {
        let now = self.start.elapsed();
        let sent = self.flow.live().sent();
        self.flow.live().set_lost(self.books.ledger.lost(now, sent));
        let is_overdue =
            now.saturating_sub(self.handover.sent_at()) >= self.flow.run.plan.patience();
        let handed = self.handover.handed.load(Ordering::Acquire);
        if matches!(self.timing, Timing::OnReply) && is_overdue && handed == sent {
            self.handover.answered.store(handed, Ordering::Release);
            self.sender.thread().unpark();
        }
    }

    fn tick(&self) -> Duration {
        match self.sending_ended {
            Some(_) => LINGER / 2,
            None => (self.flow.run.plan.patience() / 8).clamp(Duration::from_millis(1), TICK),
        }
    }

    fn warn_of_drops(&mut self) {
        if let Some(dropped @ 1..) = self.receiver.dropped(&self.socket) {
            log::warn!(
                "the kernel dropped {dropped} replies on this side, because the receive buffer was full; \
                 {RCVBUF_HINT}"
            );
        }
    }
}

fn poll(socket: &UdpSocket) -> io::Result<Poll> {
    let poll = Poll::new()?;
    let mut source = SourceFd(&socket.as_raw_fd());
    poll.registry()
        .register(&mut source, Token(0), Interest::READABLE)?;
    Ok(poll)
}

fn unreachable(flow: &Flow, error: io::Error) -> Error {
    let error = Error::io(format!("cannot measure {}", flow.run.server), error);
    match error.kind() {
        ErrorKind::Refused => error.with_hint("is a server listening there?"),
        _ => error,
    }
}
