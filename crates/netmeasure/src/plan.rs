//! How many messages, how fast, until when, and what is good enough.

use std::time::Duration;

use crate::bounds::Bounds;
use crate::schedule::{FlowSchedule, Schedule};

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
    pub schedule: Schedule,
    /// Whether each reply is worth a line.
    pub shows_replies: bool,
    /// Length of an interval line.
    pub report: Option<Duration>,
    /// What is good enough.
    pub bounds: Bounds,
    /// How long a reply may take.
    pub wait: Duration,
}

impl Plan {
    /// When the messages of a flow (from 0) are due, if a clock says so.
    pub fn schedule(&self, flow: u16) -> Option<FlowSchedule> {
        FlowSchedule::of(self.schedule, flow, self.flows)
    }

    /// How many messages are due on a flow; `None` is until it is stopped.
    pub fn messages(&self, flow: u16) -> Option<u64> {
        let in_time = self
            .schedule(flow)
            .zip(self.time)
            .map(|(schedule, time)| schedule.due_before(time));
        match (self.count, in_time) {
            (Some(count), Some(in_time)) => Some(count.min(in_time)),
            (count, in_time) => count.or(in_time),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::measured_plan;

    #[test]
    fn the_sooner_of_count_and_time_ends_a_flow() {
        let mut plan = measured_plan(&["--rate", "10"]);
        assert_eq!(plan.messages(0), None);
        plan.time = Some(Duration::from_secs(2));
        assert_eq!(plan.messages(0), Some(20));
        plan.count = Some(7);
        assert_eq!(plan.messages(0), Some(7));
        plan.count = Some(70);
        assert_eq!(plan.messages(0), Some(20));
    }
}
