//! What the threads of a measurement share.

use std::sync::{Barrier, OnceLock};
use std::time::Instant;

use crate::{Live, Plan};
use netcommon::output::Output;
use netcommon::shutdown::Shutdown;

/// What the threads of a measurement share. None of them waits for another but at the start.
pub struct Run {
    /// What to measure.
    pub plan: Plan,
    /// Standard output.
    pub output: Output,
    /// Running counts, one for each flow.
    pub live: Box<[Live]>,
    /// Whether the user has enough.
    pub shutdown: Shutdown,
    /// The peer in messages.
    pub server: String,
    ready: Barrier,
    start: OnceLock<Instant>,
}

impl Run {
    /// `threads` are to work, beside the one that watches them.
    pub fn new(
        plan: Plan,
        output: Output,
        shutdown: Shutdown,
        server: String,
        threads: usize,
    ) -> Self {
        Self {
            live: Live::of_flows(plan.flows),
            plan,
            output,
            shutdown,
            server,
            ready: Barrier::new(threads + 1),
            start: OnceLock::new(),
        }
    }

    /// Waits until every thread is there; the start is the same for all.
    pub fn begin(&self) -> Instant {
        self.ready.wait();
        *self.start.get_or_init(Instant::now)
    }
}
