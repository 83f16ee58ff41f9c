//! The sending thread: by the clock, or each probe behind the reply to the one before.

use std::io;
use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use netcommon::datagrams::GsoSender;
use netmeasure::probe::{Probe, prepare};
use netmeasure::{Flow, Handover, Pacer, SendEnd};

use super::identity::Identity;

/// How long to wait for room in the send buffer before another try.
const FULL: Duration = Duration::from_micros(100);

/// An ICMP error that an earlier probe met with is told once; more in a row are this probe's own.
const MOST_REFUSALS: u32 = 3;

/// The sending half of a flow.
pub(super) struct Sender {
    pacer: Pacer,
    probes: Probes,
}

/// Its probes, and the way they take.
struct Probes {
    socket: UdpSocket,
    identity: Arc<Identity>,
    handover: Arc<Handover>,
    trains: GsoSender,
    train: Vec<u8>,
    length: usize,
}

impl Sender {
    pub(super) fn new(
        flow: &Flow,
        socket: UdpSocket,
        identity: Arc<Identity>,
        handover: Arc<Handover>,
    ) -> Self {
        let length = flow.run.plan.length;
        let room = GsoSender::max_segments(length);
        let probes = Probes {
            socket,
            identity,
            handover: Arc::clone(&handover),
            trains: GsoSender::default(),
            train: prepare(length).repeat(room),
            length,
        };
        let pacer = Pacer::new(Arc::clone(&flow.run), flow.index, handover, room);
        Self { pacer, probes }
    }

    /// Sends what the plan asks for, until it is done, the user has enough, or nothing can be sent.
    pub(super) fn run(self) -> SendEnd {
        let Self { pacer, mut probes } = self;
        pacer.send_all(|pacer, number, count| {
            probes.number(pacer, number, count);
            probes.send(pacer, count)
        })
    }
}

impl Probes {
    fn number(&mut self, pacer: &Pacer, number: u64, count: usize) {
        let epoch_ns = self.identity.epoch_ns(pacer.start());
        let slots = self.train.chunks_mut(self.length).take(count);
        for (slot, sequence) in slots.zip(number..) {
            let origin = pacer.origin(sequence).as_nanos() as u64;
            let probe = Probe {
                run: self.identity.run,
                flow: pacer.index,
                sequence,
                sent_ns: epoch_ns.wrapping_add(origin),
            };
            probe.encode(slot);
        }
    }

    /// Sends the first `count` probes of the train, unless the time for it ends.
    fn send(&mut self, pacer: &Pacer, count: usize) -> io::Result<usize> {
        let (mut sent, mut refusals) = (0, 0);
        while sent < count {
            let rest = &self.train[sent * self.length..count * self.length];
            match self.trains.send(&self.socket, rest, self.length) {
                Ok(more) => {
                    sent += more;
                    refusals = 0;
                    let bytes = (more * self.length) as u64;
                    pacer.live().count_sent(more as u64, bytes);
                }
                Err(error) if is_full(&error) && pacer.goes_on() => thread::park_timeout(FULL),
                Err(error) if is_full(&error) => break,
                Err(error) => {
                    refusals += 1;
                    if refusals >= MOST_REFUSALS || !self.was_answered() {
                        return Err(error);
                    }
                    log::debug!("passed over: {error}");
                }
            }
        }
        Ok(sent)
    }

    /// A peer that has never answered is not there; one that has may come back.
    fn was_answered(&self) -> bool {
        self.handover.answered.load(Ordering::Acquire) > 0
    }
}

/// The send buffer, or the queue of the interface (`ENOBUFS`, 105 on Linux), has no room.
fn is_full(error: &io::Error) -> bool {
    let is_passing = matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    );
    is_passing || error.raw_os_error() == Some(105)
}
