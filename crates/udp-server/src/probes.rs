//! Probe datagrams of those who measure: what each sender has sent, and what of it came.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime};

use netcommon::datagrams::Datagram;
use netmeasure::probe::{Probe, Reading};
use netmeasure::statistics::{Jitter, Order, Sequence};

use crate::report::Report;

/// Senders that are kept apart; the probes of more are counted together.
const MOST_SENDERS: usize = 1024;

/// Sequence numbers of a sender that are remembered, one bit each.
const REMEMBERED: usize = 8192;

/// A sender that has been silent for so long is reported, and makes room for others if need be.
const SILENCE: Duration = Duration::from_secs(5);

/// How often silent senders are looked for.
const LOOK: Duration = Duration::from_secs(1);

/// Those who measure, each with what came of its probes. Takes about 1 KB for a sender, whatever its
/// numbers claim.
#[derive(Default)]
pub(crate) struct Probes {
    senders: HashMap<SocketAddr, Sender>,
    untracked: u64,
    looked: Option<Instant>,
}

/// One source port of one run.
struct Sender {
    run: u32,
    flow: u16,
    sequence: Sequence,
    received: u64,
    damaged: u64,
    unreadable: u64,
    jitter: Jitter,
    heard: Instant,
    is_reported: bool,
}

impl Probes {
    /// Counts a datagram if it is a probe. The report of a run that ended, because its sender began
    /// another, comes back at once.
    pub(crate) fn take(&mut self, datagram: Datagram<'_>) -> Taken {
        let reading = Probe::decode(datagram.payload);
        let (peer, time) = (datagram.meta.peer, datagram.meta.time);
        match reading {
            Reading::Foreign => Taken::Not,
            Reading::Unreadable => self.take_unreadable(peer),
            Reading::Probe(probe) => self.take_probe(peer, time, &probe, true),
            Reading::Damaged(probe) => self.take_probe(peer, time, &probe, false),
        }
    }

    /// Only of a known sender is it a probe; of anyone else it is a datagram like others.
    fn take_unreadable(&mut self, peer: SocketAddr) -> Taken {
        match self.senders.get_mut(&peer) {
            Some(sender) => {
                sender.unreadable += 1;
                sender.touch();
                Taken::Counted
            }
            None => Taken::Not,
        }
    }

    fn take_probe(
        &mut self,
        peer: SocketAddr,
        time: Option<SystemTime>,
        probe: &Probe,
        is_sound: bool,
    ) -> Taken {
        if !self.senders.contains_key(&peer) && !self.has_room() {
            self.untracked += 1;
            return Taken::Counted;
        }
        let sender = self.senders.entry(peer);
        let sender = sender.or_insert_with(|| Sender::new(probe));
        let ended = (sender.run != probe.run || sender.flow != probe.flow).then(|| {
            let report = sender.report(peer);
            *sender = Sender::new(probe);
            report
        });
        sender.count(probe, time, is_sound);
        ended.map_or(Taken::Counted, |report| Taken::Ended(Box::new(report)))
    }

    /// Looking for silent senders takes a while, so that not every probe of a crowd may cause it.
    fn has_room(&mut self) -> bool {
        if self.senders.len() >= MOST_SENDERS && self.untracked.is_multiple_of(MOST_SENDERS as u64)
        {
            self.senders
                .retain(|_, sender| !(sender.is_reported && sender.is_silent()));
        }
        self.senders.len() < MOST_SENDERS
    }

    /// Whether a report is due sooner or later.
    pub(crate) fn are_unreported(&self) -> bool {
        self.senders.values().any(|sender| !sender.is_reported)
    }

    /// The senders that have fallen silent since their last report, if it is time to look for them.
    pub(crate) fn silent(&mut self) -> Vec<Report> {
        let now = Instant::now();
        let is_due = self
            .looked
            .is_none_or(|looked| now.duration_since(looked) >= LOOK);
        if self.senders.is_empty() || !is_due {
            return Vec::new();
        }
        self.looked = Some(now);
        self.report(Sender::is_silent)
    }

    /// All that have sent something since their last report.
    pub(crate) fn rest(&mut self) -> Vec<Report> {
        self.report(|_| true)
    }

    fn report(&mut self, is_due: impl Fn(&Sender) -> bool) -> Vec<Report> {
        let senders = self.senders.iter_mut();
        let due = senders.filter(|(_, sender)| !sender.is_reported && is_due(sender));
        let mut reports: Vec<Report> = due
            .map(|(&peer, sender)| {
                sender.is_reported = true;
                sender.report(peer)
            })
            .collect();
        reports.sort_by_key(|report| report.peer);
        reports
    }

    /// Probes of senders for which there was no room.
    pub(crate) fn untracked(&self) -> u64 {
        self.untracked
    }
}

/// What became of a datagram.
pub(crate) enum Taken {
    /// It is no probe.
    Not,
    /// It is, and was counted.
    Counted,
    /// It began another run of its sender.
    Ended(Box<Report>),
}

impl Sender {
    fn new(probe: &Probe) -> Self {
        Self {
            run: probe.run,
            flow: probe.flow,
            sequence: Sequence::remembering(REMEMBERED),
            received: 0,
            damaged: 0,
            unreadable: 0,
            jitter: Jitter::default(),
            heard: Instant::now(),
            is_reported: false,
        }
    }

    fn count(&mut self, probe: &Probe, time: Option<SystemTime>, is_sound: bool) {
        self.touch();
        let order = self.sequence.note(probe.sequence);
        let is_first = matches!(order, Order::InOrder | Order::Reordered);
        match (is_first, is_sound) {
            (true, true) => {
                self.received += 1;
                let time = time.unwrap_or_else(SystemTime::now);
                self.jitter.note(transit_ns(time, probe.sent_ns));
            }
            (true, false) => self.damaged += 1,
            (false, _) => {}
        }
    }

    fn touch(&mut self) {
        self.heard = Instant::now();
        self.is_reported = false;
    }

    fn is_silent(&self) -> bool {
        self.heard.elapsed() >= SILENCE
    }

    /// Numbers begin with 1, and none above the highest is known of: the rest has not come.
    fn report(&self, peer: SocketAddr) -> Report {
        let sequence = &self.sequence;
        let came = sequence.unique() + self.unreadable;
        Report {
            peer,
            run: self.run,
            flow: self.flow,
            received: self.received,
            lost: sequence.highest().saturating_sub(came),
            duplicate: sequence.duplicates(),
            reordered: sequence.reordered(),
            corrupted: self.damaged + self.unreadable,
            jitter: self.jitter.estimate(),
        }
    }
}

/// RecvMeta by this machine's clock less sending by the other's; only differences of it count.
fn transit_ns(arrived: SystemTime, sent_ns: u64) -> i128 {
    let arrived = arrived.duration_since(SystemTime::UNIX_EPOCH);
    let arrived = arrived.unwrap_or_default().as_nanos();
    i128::try_from(arrived).unwrap_or(i128::MAX) - i128::from(sent_ns)
}
