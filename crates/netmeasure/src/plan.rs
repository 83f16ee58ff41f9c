//! How many messages, how fast, until when.

use std::time::Duration;

use crate::Bounds;

/// A reply that takes longer is lost, where the user says nothing; what is in flight when sending
/// ends is awaited for so long.
const DEFAULT_WAIT: Duration = Duration::from_secs(2);

/// Later than any measurement ends, and still a time that clocks can reach.
const NEVER: Duration = Duration::from_secs(100 * 365 * 86_400);

const NANOS: u128 = 1_000_000_000;

/// What to measure. A flow is a connection of TCP, or a source port of UDP.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Messages on each flow.
    pub count: Option<u64>,
    /// When to stop sending.
    pub time: Option<Duration>,
    /// Bytes of a message.
    pub length: usize,
    /// Flows at once.
    pub flows: u16,
    /// When each message is sent.
    pub pace: Pace,
    /// Whether each reply is worth a line.
    pub shows_replies: bool,
    /// How often to say what has passed.
    pub report: Option<Duration>,
    /// What is good enough.
    pub bounds: Bounds,
    /// How long a reply may take, where the user says so.
    pub wait: Option<Duration>,
}

impl Plan {
    /// How long a reply may take.
    pub fn patience(&self) -> Duration {
        self.wait.unwrap_or(DEFAULT_WAIT)
    }

    /// When the messages of a flow (from 0) are due, if a clock says so.
    pub fn schedule(&self, flow: u16) -> Option<FlowSchedule> {
        match self.pace {
            Pace::Clock { ns, per } => Some(FlowSchedule {
                ns,
                per,
                flow: flow.into(),
                flows: self.flows.into(),
            }),
            Pace::Replies | Pace::Unpaced => None,
        }
    }

    /// How many messages a flow is to send; `None` is until it is stopped.
    pub fn messages(&self, flow: u16) -> Option<u64> {
        let due = self
            .schedule(flow)
            .zip(self.time)
            .map(|(schedule, time)| schedule.due_before(time));
        match (self.count, due) {
            (Some(count), Some(due)) => Some(count.min(due)),
            (count, due) => count.or(due),
        }
    }
}

/// When each message is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// When the reply to the one before is there.
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

impl Pace {
    /// So many messages a second on all flows together.
    pub fn rate(per_second: u64) -> Self {
        Self::Clock {
            ns: NANOS,
            per: per_second.into(),
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

/// When the messages of one flow are due. Sender and receiver compute it alike: no message needs to
/// be remembered for its time.
#[derive(Clone, Copy, Debug)]
pub struct FlowSchedule {
    ns: u128,
    per: u128,
    flow: u128,
    flows: u128,
}

impl FlowSchedule {
    /// When message `number`, from 1, is due, from the start of the measurement.
    pub fn due(&self, number: u64) -> Duration {
        let turn = u128::from(number.saturating_sub(1)) * self.flows + self.flow;
        let ns = turn.saturating_mul(self.ns) / self.per;
        Duration::from_nanos(u64::try_from(ns).unwrap_or(u64::MAX)).min(NEVER)
    }

    /// How many messages are due before `time` has passed.
    pub fn due_before(&self, time: Duration) -> u64 {
        let turns = (time.as_nanos() * self.per).div_ceil(self.ns);
        let own = turns.saturating_sub(self.flow).div_ceil(self.flows);
        u64::try_from(own).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn plan(pace: Pace, flows: u16) -> Plan {
        Plan {
            count: None,
            time: None,
            length: 64,
            flows,
            pace,
            shows_replies: false,
            report: None,
            bounds: Bounds::default(),
            wait: None,
        }
    }

    #[test]
    fn flows_take_turns() {
        let plan = plan(Pace::rate(1000), 2);
        let due = |flow, number| plan.schedule(flow).unwrap().due(number).as_millis();
        assert_eq!([due(0, 1), due(1, 1), due(0, 2), due(1, 2)], [0, 1, 2, 3]);
    }

    #[test]
    fn an_interval_is_each_flow_s_own() {
        let plan = plan(Pace::interval(Duration::from_secs(1), 4), 4);
        let due = |flow, number| plan.schedule(flow).unwrap().due(number).as_millis();
        assert_eq!([due(0, 1), due(0, 2), due(3, 1)], [0, 1000, 750]);
    }

    #[test]
    fn the_sooner_of_count_and_time_ends_a_flow() {
        let mut plan = plan(Pace::rate(10), 1);
        assert_eq!(plan.messages(0), None);
        plan.time = Some(Duration::from_secs(2));
        assert_eq!(plan.messages(0), Some(20));
        plan.count = Some(7);
        assert_eq!(plan.messages(0), Some(7));
        plan.count = Some(70);
        assert_eq!(plan.messages(0), Some(20));
    }

    proptest! {
        #[test]
        fn what_is_counted_before_a_time_is_due_before_it(
            rate in 1_u64..1_000_000, flows in 1_u16..100, millis in 1_u64..100_000, flow: prop::sample::Index,
        ) {
            let schedule = plan(Pace::rate(rate), flows).schedule(flow.index(flows.into()) as u16).unwrap();
            let time = Duration::from_millis(millis);
            let due = schedule.due_before(time);
            prop_assert!(due == 0 || schedule.due(due) < time);
            prop_assert!(schedule.due(due + 1) >= time);
        }

        #[test]
        fn all_flows_together_keep_the_rate(rate in 1_u64..100_000, flows in 1_u16..50) {
            let plan = plan(Pace::rate(rate), flows);
            let second = Duration::from_secs(1);
            let due: u64 = (0..flows).map(|flow| plan.schedule(flow).unwrap().due_before(second)).sum();
            prop_assert_eq!(due, rate);
        }

        #[test]
        fn no_schedule_overflows(interval in 1_u64.., number: u64, flows in 1_u16..) {
            let pace = Pace::interval(Duration::from_secs(interval), flows);
            let schedule = plan(pace, flows).schedule(flows - 1).unwrap();
            schedule.due_before(schedule.due(number));
        }
    }
}
