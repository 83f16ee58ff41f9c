//! How many messages, how fast, until when, and what is good enough.

use std::time::Duration;

use crate::bounds::Bounds;
use crate::schedule::{FlowSchedule, Schedule};

/// A measurement to make. A flow is a connection of TCP, or a source port of UDP.
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
    /// Bounds that are judged at the end.
    pub bounds: Bounds,
    /// How long a reply may take.
    pub wait: Duration,
}

/// A start that takes longer is part of the time of a run. A usual handshake is not: it would only
/// make the round number of messages in that time odd.
const LONG_START: Duration = Duration::from_millis(100);

impl Plan {
    /// The start of the run took so long: its time bounds the whole of it.
    pub fn begin_after(&mut self, start: Duration) {
        if start > LONG_START {
            self.time = self.time.map(|time| time.saturating_sub(start));
        }
    }

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
    fn a_long_start_is_part_of_the_time() {
        let mut plan = measured_plan(&["-t", "2", "--rate", "10"]);
        plan.begin_after(Duration::from_millis(40));
        assert_eq!(plan.messages(0), Some(20));
        plan.begin_after(Duration::from_secs(1));
        assert_eq!(plan.messages(0), Some(10));
        plan.begin_after(Duration::from_secs(9));
        assert_eq!(plan.messages(0), Some(0));
    }

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
