//! How long and how often to measure.

use std::time::{Duration, Instant};

/// What holds for every measurement of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// Rounds of each pair of one of ours and a peer.
    pub(crate) rounds: usize,
    /// Load before anything is counted.
    pub(crate) warm_up: Duration,
    /// Load that is counted.
    pub(crate) length: Duration,
    /// A peer that does not get on for so long has stalled.
    pub(crate) patience: Duration,
    /// Clients of the experiment with idle ones.
    pub(crate) idle_clients: usize,
    /// How long clients are idle before the memory is read; longer than servers keep what they may soon need again.
    pub(crate) settling: Duration,
    /// Datagrams of a burst.
    pub(crate) burst: usize,
    /// No measurement begins after this.
    pub(crate) deadline: Option<Instant>,
}

impl Plan {
    /// What figures are published from.
    pub(crate) fn thorough() -> Self {
        Self {
            rounds: 5,
            warm_up: Duration::from_millis(500),
            length: Duration::from_secs(3),
            patience: Duration::from_secs(10),
            idle_clients: 10_000,
            settling: Duration::from_secs(4),
            burst: 500_000,
            deadline: None,
        }
    }

    /// Everything once, in less than two minutes whatever happens.
    pub(crate) fn quick() -> Self {
        Self {
            rounds: 1,
            warm_up: Duration::from_millis(50),
            length: Duration::from_millis(250),
            patience: Duration::from_millis(1500),
            settling: Duration::from_millis(2500),
            idle_clients: 2_000,
            burst: 100_000,
            deadline: Some(Instant::now() + Duration::from_secs(100)),
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.deadline
            .is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// The window of a measurement whose clients are ready now.
    pub(crate) fn window(&self) -> Window {
        let begin = Instant::now() + self.warm_up;
        Window {
            begin,
            end: begin + self.length,
        }
    }
}

/// When it counts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    pub(crate) begin: Instant,
    pub(crate) end: Instant,
}

impl Window {
    pub(crate) fn seconds(&self) -> f64 {
        self.end.duration_since(self.begin).as_secs_f64()
    }
}
