//! What a reply is worth: in time, late, a duplicate, corrupted, or none of ours.

use std::time::Duration;

use netmeasure::probe::{Probe, Reading};
use netmeasure::statistics::{Order, Sequence};
use netmeasure::{FlowSchedule, Plan, Verdict};

/// Sequence numbers that are remembered at least, and at most, one bit each.
const REMEMBERED: std::ops::RangeInclusive<u64> = (1 << 16)..=(1 << 26);

/// What a datagram turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// No reply to this run: a straggler of another one.
    Foreign,
    /// A reply, but too damaged to tell to which probe.
    Unreadable,
    /// A reply to probe `number`.
    Reply {
        number: u64,
        latency: Duration,
        verdict: Verdict,
        is_reordered: bool,
    },
}

/// The replies of one flow so far.
pub(super) struct Ledger {
    run: u32,
    flow: u16,
    length: usize,
    patience: Duration,
    schedule: Option<FlowSchedule>,
    epoch_ns: u64,
    sequence: Sequence,
}

impl Ledger {
    pub(super) fn new(plan: &Plan, run: u32, flow: u16) -> Self {
        let schedule = plan.schedule(flow);
        let patience = plan.patience();
        Self {
            run,
            flow,
            length: plan.length,
            patience,
            schedule,
            epoch_ns: 0,
            sequence: Sequence::remembering(remembered(schedule, patience)),
        }
    }

    /// Says when the measurement started, in nanoseconds since 1970.
    pub(super) fn begin(&mut self, epoch_ns: u64) {
        self.epoch_ns = epoch_ns;
    }

    /// Judges a datagram that came `now`, since the start; `handed` is the highest number sent yet.
    pub(super) fn judge(&mut self, datagram: &[u8], now: Duration, handed: u64) -> Finding {
        let (probe, is_sound) = match Probe::decode(datagram) {
            Reading::Probe(probe) => (probe, datagram.len() == self.length),
            Reading::Damaged(probe) => (probe, false),
            Reading::Unreadable | Reading::Foreign => return Finding::Unreadable,
        };
        if probe.run != self.run {
            return Finding::Foreign;
        }
        if !self.was_sent(&probe, handed) {
            return Finding::Unreadable;
        }
        let sent = Duration::from_nanos(probe.sent_ns.wrapping_sub(self.epoch_ns));
        let latency = now.saturating_sub(sent);
        let order = self.sequence.note(probe.sequence);
        Finding::Reply {
            number: probe.sequence,
            latency,
            verdict: self.verdict(order, is_sound, latency),
            is_reordered: order == Order::Reordered && is_sound,
        }
    }

    /// Whether a probe like this, to the bit, was sent: by the clock, even its time is known.
    fn was_sent(&self, probe: &Probe, handed: u64) -> bool {
        let numbers = 1..=handed;
        let is_on_time = self.schedule.is_none_or(|schedule| {
            let due = schedule.due(probe.sequence).as_nanos() as u64;
            probe.sent_ns == self.epoch_ns.wrapping_add(due)
        });
        probe.flow == self.flow && numbers.contains(&probe.sequence) && is_on_time
    }

    /// What is so late that its number is forgotten has been given up long since.
    fn verdict(&self, order: Order, is_sound: bool, latency: Duration) -> Verdict {
        match order {
            Order::Duplicate => Verdict::Duplicate,
            _ if !is_sound => Verdict::Corrupted,
            Order::Forgotten => Verdict::Late,
            _ if latency > self.patience => Verdict::Late,
            _ => Verdict::Received,
        }
    }

    /// How many of the probes that are due have had their time and no reply by `now`; without a
    /// clock, none is known to be due.
    pub(super) fn lost(&self, now: Duration, sent: u64) -> u64 {
        let Some(schedule) = self.schedule else {
            return 0;
        };
        let Some(expired) = now.checked_sub(self.patience) else {
            return 0;
        };
        let expired = schedule.due_before(expired).min(sent);
        let highest = self.sequence.highest();
        let younger = highest.saturating_sub(expired);
        let younger_came = younger - self.sequence.missing(expired + 1, highest);
        let came = self.sequence.unique().saturating_sub(younger_came);
        expired.saturating_sub(came)
    }
}

/// Twice what is sent while a reply may be under way.
fn remembered(schedule: Option<FlowSchedule>, patience: Duration) -> usize {
    let time = patience
        .saturating_mul(2)
        .saturating_add(Duration::from_secs(1));
    let due = schedule.map_or(0, |schedule| schedule.due_before(time));
    due.clamp(*REMEMBERED.start(), *REMEMBERED.end()) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use netmeasure::MeasureArgs;
    use netmeasure::probe::prepare;
    use proptest::prelude::*;

    const EPOCH: u64 = 1_700_000_000_000_000_000;

    #[derive(clap::Parser)]
    struct Cli {
        #[command(flatten)]
        measure: MeasureArgs,
    }

    /// Of a probe every 10 ms, whose replies may take 100 ms.
    fn ledger() -> Ledger {
        let cli = <Cli as clap::Parser>::parse_from(["client", "-i", "10ms"]);
        let wait = Some(Duration::from_millis(100));
        let plan = cli.measure.plan(wait, 32..=1000).unwrap().unwrap();
        let mut ledger = Ledger::new(&plan, 7, 0);
        ledger.begin(EPOCH);
        ledger
    }

    fn due(number: u64) -> u64 {
        (number - 1) * 10_000_000
    }

    fn reply(run: u32, number: u64) -> Vec<u8> {
        let probe = Probe {
            run,
            flow: 0,
            sequence: number,
            sent_ns: EPOCH + due(number),
        };
        let mut datagram = prepare(64);
        probe.encode(&mut datagram);
        datagram
    }

    /// What is found in a reply that comes `ms` milliseconds after its probe was due.
    fn verdict(ledger: &mut Ledger, datagram: &[u8], number: u64, ms: u64) -> Option<Verdict> {
        let now = Duration::from_nanos(due(number)) + Duration::from_millis(ms);
        match ledger.judge(datagram, now, 1000) {
            Finding::Reply { verdict, .. } => Some(verdict),
            Finding::Foreign | Finding::Unreadable => None,
        }
    }

    #[test]
    fn replies_are_told_apart() {
        let mut ledger = ledger();
        let mut judge = |number, ms| verdict(&mut ledger, &reply(7, number), number, ms);
        assert_eq!(judge(1, 100), Some(Verdict::Received));
        assert_eq!(judge(2, 101), Some(Verdict::Late));
        assert_eq!(judge(1, 5), Some(Verdict::Duplicate));
        assert_eq!(judge(2, 5), Some(Verdict::Duplicate));
        let mut damaged = reply(7, 3);
        damaged[63] ^= 1;
        assert_eq!(
            verdict(&mut ledger, &damaged, 3, 5),
            Some(Verdict::Corrupted)
        );
        let cut = &reply(7, 4)[..63];
        assert_eq!(verdict(&mut ledger, cut, 4, 5), Some(Verdict::Corrupted));
    }

    #[test]
    fn what_was_never_sent_is_no_reply() {
        let mut ledger = ledger();
        let now = Duration::from_secs(1);
        assert_eq!(ledger.judge(&reply(8, 1), now, 9), Finding::Foreign);
        assert_eq!(ledger.judge(&reply(7, 10), now, 9), Finding::Unreadable);
        assert_eq!(ledger.judge(b"hola", now, 9), Finding::Unreadable);
        let probe = Probe {
            run: 7,
            flow: 0,
            sequence: 1,
            sent_ns: EPOCH + 1,
        };
        let mut at_another_time = reply(7, 1);
        probe.encode(&mut at_another_time);
        assert_eq!(ledger.judge(&at_another_time, now, 9), Finding::Unreadable);
    }

    proptest! {
        #[test]
        fn what_is_lost_so_far_is_what_had_its_time(
            came in prop::collection::hash_set(1_u64..60, 0..60), now_ms in 0_u64..1000,
        ) {
            let mut ledger = ledger();
            for &number in &came {
                verdict(&mut ledger, &reply(7, number), number, 1);
            }
            let expired = (1..=60).filter(|&number| due(number) / 1_000_000 + 100 < now_ms);
            let lost = expired.filter(|number| !came.contains(number)).count() as u64;
            prop_assert_eq!(ledger.lost(Duration::from_millis(now_ms), 60), lost);
        }
    }
}
