//! When each message is due.

use std::time::Duration;

/// Later than any measurement ends, and still a time that clocks can reach.
const NEVER: Duration = Duration::from_secs(100 * 365 * 86_400);

/// A rate is a number of messages in a thousand seconds, so that `0.5` a second has one.
const RATE_PERIOD_NS: u128 = 1_000_000_000_000;

/// When each message is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schedule {
    /// When the reply to the one before is there (a closed loop).
    Replies,
    /// By the clock: every `ns / per` nanoseconds, the flows taking turns.
    Clock {
        /// Nanoseconds in which `per` messages are due.
        ns: u128,
        /// Messages due in `ns` nanoseconds, on all flows together.
        per: u128,
    },
    /// As fast as the path takes them.
    Unpaced,
}

impl Schedule {
    /// Messages in a thousand seconds, on all flows together.
    pub fn rate(per_thousand_seconds: u64) -> Self {
        Self::Clock {
            ns: RATE_PERIOD_NS,
            per: per_thousand_seconds.into(),
        }
    }

    /// A message on each flow every `interval`.
    pub fn interval(interval: Duration, flows: u16) -> Self {
        Self::Clock {
            ns: interval.as_nanos(),
            per: flows.into(),
        }
    }
}

/// When the messages of one flow are due. A message keeps its place, so its time need not be stored.
#[derive(Clone, Copy, Debug)]
pub struct FlowSchedule {
    ns: u128,
    per: u128,
    flow: u128,
    flows: u128,
}

impl FlowSchedule {
    /// The share of one flow (from 0) in a schedule by the clock.
    pub fn of(schedule: Schedule, flow: u16, flows: u16) -> Option<Self> {
        match schedule {
            Schedule::Clock { ns, per } => Some(Self {
                ns,
                per,
                flow: flow.into(),
                flows: flows.into(),
            }),
            Schedule::Replies | Schedule::Unpaced => None,
        }
    }

    /// When the message at `place`, from 1, is due, from the start of the measurement.
    pub fn due(&self, place: u64) -> Duration {
        let turn = u128::from(place.saturating_sub(1)) * self.flows + self.flow;
        let ns = turn.saturating_mul(self.ns) / self.per;
        Duration::from_nanos(u64::try_from(ns).unwrap_or(u64::MAX)).min(NEVER)
    }

    /// How many messages are due before `time` has passed.
    pub fn due_before(&self, time: Duration) -> u64 {
        let turns = (time.as_nanos() * self.per).div_ceil(self.ns);
        let own = turns.saturating_sub(self.flow).div_ceil(self.flows);
        u64::try_from(own).unwrap_or(u64::MAX)
    }

    /// The time between two messages of the flow.
    pub fn interval(&self) -> Duration {
        self.due(2).saturating_sub(self.due(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn flow(schedule: Schedule, flow: u16, flows: u16) -> FlowSchedule {
        FlowSchedule::of(schedule, flow, flows).unwrap()
    }

    #[test]
    fn flows_take_turns() {
        let rate = Schedule::rate(1_000_000);
        let due = |number, place| flow(rate, number, 2).due(place).as_millis();
        assert_eq!([due(0, 1), due(1, 1), due(0, 2), due(1, 2)], [0, 1, 2, 3]);
    }

    #[test]
    fn an_interval_is_each_flow_s_own() {
        let second = Schedule::interval(Duration::from_secs(1), 4);
        let due = |number, place| flow(second, number, 4).due(place).as_millis();
        assert_eq!([due(0, 1), due(0, 2), due(3, 1)], [0, 1000, 750]);
        assert_eq!(flow(second, 3, 4).interval(), Duration::from_secs(1));
    }

    #[test]
    fn without_a_clock_nothing_is_due() {
        for schedule in [Schedule::Replies, Schedule::Unpaced] {
            assert!(FlowSchedule::of(schedule, 0, 1).is_none());
        }
    }

    proptest! {
        #[test]
        fn messages_counted_before_a_time_are_due_before_it(
            rate in 1_u64..1_000_000_000, flows in 1_u16..100, millis in 1_u64..100_000, index: prop::sample::Index,
        ) {
            let schedule = flow(Schedule::rate(rate), index.index(flows.into()) as u16, flows);
            let time = Duration::from_millis(millis);
            let due = schedule.due_before(time);
            prop_assert!(due == 0 || schedule.due(due) < time);
            prop_assert!(schedule.due(due + 1) >= time);
        }

        #[test]
        fn all_flows_together_keep_the_rate(rate in 1_u64..100_000, flows in 1_u16..50) {
            let schedule = Schedule::rate(rate * 1000);
            let second = Duration::from_secs(1);
            let due: u64 = (0..flows).map(|number| flow(schedule, number, flows).due_before(second)).sum();
            prop_assert_eq!(due, rate);
        }

        #[test]
        fn no_schedule_overflows(interval in 1_u64.., place: u64, flows in 1_u16..) {
            let schedule = Schedule::interval(Duration::from_secs(interval), flows);
            let schedule = flow(schedule, flows - 1, flows);
            schedule.due_before(schedule.due(place));
        }
    }
}
