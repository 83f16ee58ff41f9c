//! One measuring thread: it gives its flows their turns, waits, and reports.

use std::io;
use std::mem;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread;
use std::time::Duration;

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token, Waker};
use netcommon::Error;
use netcommon::socket::held_up::sum;
use netcommon::socket::sent_bytes::SentBytes;

use super::agenda::Agenda;
use super::flow::{Flow, Phase};
use super::timer::Timer;
use super::transport::Transport;
use crate::counts::Counts;
use crate::outcome::{News, Outcome, Progress};
use crate::recorder::Reply;
use crate::run::{Clock, Run};
use crate::schedule::Schedule;
use crate::statistics::Buckets;

const TIMER: Token = Token(usize::MAX);
const WAKER: Token = Token(usize::MAX - 1);

/// Events taken from the kernel at once.
const BATCH: usize = 1024;

/// A thread that gets on so much later than it would have was stopped, with the whole process.
const STOPPED: Duration = Duration::from_millis(500);

/// A thread, before it runs and while it does.
pub(super) struct Worker<T: Transport> {
    pub(super) run: Arc<Run>,
    pub(super) clock: Clock,
    pub(super) transport: T,
    pub(super) flows: Vec<Flow<T::Socket>>,
    pub(super) agenda: Agenda,
    pub(super) outcome: Outcome,
    pub(super) replies: Vec<Reply>,
    poll: Poll,
    events: Events,
    timer: Timer,
    waker: Arc<Waker>,
    /// When the thread last looked at the clock, or was to wake.
    seen: Duration,
    /// Flows that are not done.
    left: usize,
    period: Option<Duration>,
    intervals: u32,
    news: Box<dyn Fn(News) + Send>,
}

impl<T: Transport> Worker<T> {
    /// Takes over flows, each with its number; reports on them every `period`.
    pub(super) fn new(
        run: &Arc<Run>,
        transport: T,
        sockets: Vec<(u16, T::Socket)>,
        period: Option<Duration>,
    ) -> io::Result<Self> {
        let poll = Poll::new()?;
        let flows = sockets.into_iter();
        let flows: Vec<_> = flows
            .map(|(index, socket)| Flow::new(&run.plan, index, socket, T::LOSES))
            .collect();
        for (at, flow) in flows.iter().enumerate() {
            let both = Interest::READABLE | Interest::WRITABLE;
            let mut source = SourceFd(&flow.socket.as_raw_fd());
            poll.registry().register(&mut source, Token(at), both)?;
        }
        Ok(Self {
            run: Arc::clone(run),
            clock: Clock::start(),
            transport,
            agenda: Agenda::new(flows.len()),
            outcome: Outcome::default(),
            replies: Vec::new(),
            timer: Timer::new(poll.registry(), TIMER)?,
            waker: Arc::new(Waker::new(poll.registry(), WAKER)?),
            seen: Duration::ZERO,
            poll,
            events: Events::with_capacity(BATCH),
            left: flows.len(),
            flows,
            period,
            intervals: 0,
            news: Box::new(drop),
        })
    }

    /// Ends a wait from another thread.
    pub(super) fn waker(&self) -> Arc<Waker> {
        Arc::clone(&self.waker)
    }

    /// Sends what there is to tell as the thread of this number.
    pub(super) fn report_to(&mut self, number: usize, news: Sender<(usize, News)>) {
        self.news = Box::new(move |part| {
            // The receiver is gone once standard output was closed.
            let _ = news.send((number, part));
        });
    }

    /// Measures until every flow is done.
    pub(super) fn work(mut self) {
        make_wakeups_exact();
        self.clock = self.run.clock();
        self.seen = self.clock.now();
        let mut turns = Vec::new();
        while self.left > 0 {
            let now = self.clock.now();
            self.report(now);
            if self.run.shutdown.is_requested() {
                self.interrupt(now);
                break;
            }
            self.agenda.take(now, &mut turns);
            turns.iter().for_each(|&at| self.take_turn(at));
            if self.left > 0
                && let Err(error) = self.wait()
            {
                self.fail(&error);
            }
        }
        let outcome = mem::take(&mut self.outcome);
        (self.news)(News::Done(Box::new(outcome)));
    }

    /// Replies that the kernel holds already still count; then every flow is done.
    fn interrupt(&mut self, now: Duration) {
        for at in 0..self.flows.len() {
            if self.flows[at].phase != Phase::Done {
                self.receive(at);
                self.interrupt_flow(at, now);
            }
        }
    }

    fn fail(&mut self, error: &io::Error) {
        for at in 0..self.flows.len() {
            if self.flows[at].phase != Phase::Done {
                let error = io::Error::from(error.kind());
                self.break_off(at, Error::io("cannot wait for replies", error));
            }
        }
    }

    fn wait(&mut self) -> io::Result<()> {
        let now = self.clock.now();
        let wake = self
            .agenda
            .next()
            .into_iter()
            .chain(self.next_report())
            .min();
        let timeout = match wake {
            _ if self.agenda.is_busy() => Some(Duration::ZERO),
            Some(wake) if wake <= now => Some(Duration::ZERO),
            Some(wake) => self.timer.set(wake, now),
            None => None,
        };
        if timeout.is_none() && self.run.plan.schedule == Schedule::Replies {
            // The server may share this processor; to fall asleep and be woken costs more.
            thread::yield_now();
            if self.wait_in_receive() {
                return Ok(());
            }
        }
        match self.poll.poll(&mut self.events, timeout) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
        let now = self.clock.now();
        self.seen = wake.unwrap_or(now).min(now).max(self.seen);
        self.look_at_clock();
        self.take_events();
        Ok(())
    }

    /// The time, at which flows may send. Behind a stop of the process (Ctrl-Z, a paused container),
    /// wherever it came, messages that were due meanwhile are not sent in one burst: only the last of
    /// each flow is.
    pub(super) fn look_at_clock(&mut self) -> Duration {
        let now = self.clock.now();
        let seen = mem::replace(&mut self.seen, now);
        if now.saturating_sub(seen) >= STOPPED {
            for flow in &mut self.flows {
                if flow.phase == Phase::Sending && !flow.is_blocked {
                    flow.skip(flow.overdue(now).saturating_sub(1));
                }
            }
        }
        now
    }

    fn take_events(&mut self) {
        for event in &self.events {
            let Token(at) = event.token();
            let Some(flow) = self.flows.get_mut(at) else {
                continue;
            };
            flow.is_readable |= event.is_readable() || event.is_error() || event.is_read_closed();
            flow.has_hung_up |= event.is_read_closed();
            if event.is_writable() || event.is_error() {
                flow.is_blocked = false;
            }
            self.agenda.add(at);
        }
    }

    /// A flow is done: the poller has nothing more to tell of it.
    pub(super) fn release(&mut self, at: usize) {
        let mut source = SourceFd(&self.flows[at].socket.as_raw_fd());
        if let Err(error) = self.poll.registry().deregister(&mut source) {
            log::debug!("cannot take a flow out of the poller: {error}");
        }
        self.left -= 1;
    }

    fn next_report(&self) -> Option<Duration> {
        let period = self.period?;
        Some(period.saturating_mul(self.intervals + 1))
    }

    fn report(&mut self, now: Duration) {
        while self.next_report().is_some_and(|due| due <= now) {
            self.intervals += 1;
            let flows = self.flows.iter_mut();
            flows.for_each(|flow| flow.recorder.expire(now));
            let trips = mem::take(&mut self.outcome.interval_trips);
            let (counts, bytes) = (self.decided(), self.sent_bytes(now));
            let mut buckets = Buckets::default();
            if self.run.metrics.are_written() {
                buckets = self.outcome.latencies.buckets();
            }
            (self.news)(News::Interval(Box::new(Progress {
                counts,
                bytes,
                trips,
                buckets,
            })));
        }
    }

    fn decided(&self) -> Counts {
        let running = self.flows.iter().filter(|flow| flow.phase != Phase::Done);
        let counts = running.map(|flow| flow.recorder.snapshot());
        counts.fold(self.outcome.counts, |sum, counts| sum + counts)
    }

    fn sent_bytes(&self, now: Duration) -> Option<SentBytes> {
        let running = self.flows.iter().filter(|flow| flow.phase != Phase::Done);
        let held_up = running.map(|flow| self.transport.held_up(&flow.socket, now));
        let held_up = held_up.fold(self.outcome.held_up, sum);
        held_up.and_then(|held_up| held_up.bytes())
    }
}

/// Wake-ups are otherwise up to 50 µs late (`PR_SET_TIMERSLACK`, prctl(2)), and what is sent late
/// counts as latency.
fn make_wakeups_exact() {
    #[cfg(target_os = "linux")]
    if let Err(error) = nix::sys::prctl::set_timerslack(1) {
        log::debug!("wake-ups stay inexact: {error}");
    }
}
