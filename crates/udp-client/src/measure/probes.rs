//! Probe datagrams out, and what comes back.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::net::UdpSocket;
use std::time::Duration;

use netcommon::datagrams::GsoSender;
use netcommon::datagrams::connected::{IcmpError, MAX_MESSAGE, dropped, icmp_error, receive};
use netcommon::{Error, ErrorKind};
use netmeasure::engine::{Failure, Inbox, Outgoing, Received, Sent, Transport};
use netmeasure::probe::{self, Kind, Probe, Reading};

/// The buffers of one thread, and what tells this run's probes from others.
#[derive(Clone)]
pub(super) struct Udp {
    /// Chosen at random: the standard library seeds its hashers from the system's randomness.
    run: u32,
    length: usize,
    server: String,
    sender: GsoSender,
    /// Probes one behind the other, as many as one call takes.
    train: Vec<u8>,
    buffer: Vec<u8>,
}

impl Udp {
    /// For probes of `length` bytes to `server`, as people know it.
    pub(super) fn new(server: String, length: usize) -> Self {
        Self {
            run: RandomState::new().build_hasher().finish() as u32,
            length,
            server,
            sender: GsoSender::default(),
            train: probe::prepare(length).repeat(GsoSender::max_segments(length)),
            buffer: vec![0; MAX_MESSAGE],
        }
    }

    fn encode(&mut self, messages: &Outgoing<'_>) {
        let sent_ns = messages.wall_ns(messages.now);
        let slots = self.train.chunks_mut(self.length).take(messages.count);
        for (at, slot) in slots.enumerate() {
            let (sequence, due) = messages.message(at);
            let probe = Probe {
                kind: Kind::Message,
                run: self.run,
                flow: messages.flow,
                sequence,
                due_ns: messages.wall_ns(due),
                sent_ns,
            };
            probe.encode(slot);
        }
    }

    /// Judges one datagram that has waited in this machine for so long.
    fn judge(&self, datagram: &[u8], waited: Duration, inbox: &mut Inbox<'_>) {
        let (probe, is_sound) = match Probe::decode(datagram) {
            Reading::Probe(probe) => (probe, datagram.len() == self.length),
            Reading::Damaged(probe) => (probe, false),
            Reading::Unreadable | Reading::Foreign => return inbox.unmatched(datagram.len()),
        };
        // Nobody listens any more when closing probes are sent.
        let is_message = probe.kind == Kind::Message;
        let is_own = is_message && probe.run == self.run && probe.flow == inbox.flow;
        let Some(times) = inbox.times(probe.sequence).filter(|_| is_own) else {
            return inbox.unmatched(datagram.len());
        };
        let is_right = is_sound
            && probe.due_ns == inbox.wall_ns(times.due)
            && probe.sent_ns == inbox.wall_ns(times.sent);
        let number = probe.sequence;
        let wrong = (!is_right).then_some(|| format!("the reply to message {number} differs"));
        inbox.bytes(datagram.len());
        inbox.reply(
            number,
            inbox.now.saturating_sub(waited),
            datagram.len(),
            wrong,
        );
    }
}

impl Transport for Udp {
    type Socket = UdpSocket;

    const LOSES: bool = true;
    const CAN_WAIT: bool = false;

    fn room(&self) -> usize {
        GsoSender::max_segments(self.length)
    }

    fn send(&mut self, socket: &mut UdpSocket, messages: &Outgoing<'_>) -> io::Result<Sent> {
        self.encode(messages);
        let train = &self.train[..messages.count * self.length];
        let sent = self.sender.send(socket, train, self.length)?;
        Ok(Sent {
            messages: sent,
            bytes: sent * self.length,
            ..Sent::default()
        })
    }

    fn receive(
        &mut self,
        socket: &mut UdpSocket,
        inbox: &mut Inbox<'_>,
        _: bool,
    ) -> io::Result<Received> {
        let mut buffer = std::mem::take(&mut self.buffer);
        let received = receive(socket, &mut buffer).map(|message| {
            inbox.look_at_clock();
            if let Some(waited) = message.waited {
                inbox.waited(waited);
            }
            if message.is_coalesced() {
                inbox.coalesced();
            }
            let waited = message.waited.unwrap_or_default();
            let datagrams = message.datagrams();
            datagrams.for_each(|datagram| self.judge(datagram, waited, inbox));
        });
        self.buffer = buffer;
        received.map(|()| Received::More)
    }

    /// Tells a server that reports how many probes there were; twice, as one may be lost, and not
    /// before every reply had its time: some echo servers join datagrams that come close together.
    fn close(&mut self, flow: u16, socket: &mut UdpSocket, messages: u64, now_ns: u64) {
        let closing = Probe {
            kind: Kind::Closing,
            run: self.run,
            flow,
            sequence: messages,
            due_ns: now_ns,
            sent_ns: now_ns,
        };
        let mut datagram = probe::prepare(probe::HEADER);
        closing.encode(&mut datagram);
        for _ in 0..2 {
            if let Err(error) = socket.send(&datagram) {
                log::debug!("a closing probe was not sent: {error}");
            }
        }
    }

    fn failure(&mut self, socket: &UdpSocket, error: io::Error) -> Failure {
        let operation = format!("cannot measure {}", self.server);
        let error = match icmp_error(socket) {
            Some(
                icmp @ (IcmpError::HostUnreachable
                | IcmpError::NetworkUnreachable
                | IcmpError::Prohibited),
            ) => Error::new(ErrorKind::Unreachable, format!("{operation}: {icmp}")),
            _ => Error::io(operation, error),
        };
        let is_refused = error.kind() == ErrorKind::Refused;
        Failure {
            error: error.with_hint(is_refused.then_some("is a server listening there?")),
            is_passing: true,
        }
    }

    fn dropped(&self, socket: &UdpSocket) -> Option<u64> {
        dropped(socket)
    }
}
