//! What measuring TCP and measuring UDP have in common: the plan, the counts, what is said about them.
//!
//! # Layout
//!
//! - [`Plan`]: how many messages, how fast, until when; [`Pace`] and [`FlowSchedule`] say when each is due
//! - [`make_timers_exact`]: for who sends by the clock
//! - [`Live`]: what the threads show of themselves while they work
//! - [`Counts`] and [`Tally`]: what each of them ends with
//! - [`Watch`]: waits for them, and reports meanwhile; `status` is the line on a terminal
//! - [`Event`]: replies and intervals, for people and as JSON
//! - [`Summary`]: the end of a measurement, with its [`RoundTrips`]; `bars` draws the histogram
//! - [`Bounds`]: what is good enough

mod bars;
mod bounds;
mod counts;
mod events;
mod live;
mod plan;
mod round_trips;
mod status;
mod summary;
mod timer;
mod watch;

pub use bounds::Bounds;
pub use counts::{Counts, Tally};
pub use events::{Event, Interval, Reply, Verdict};
pub use live::Live;
pub use plan::{FlowSchedule, Pace, Plan};
pub use round_trips::RoundTrips;
pub use summary::Summary;
pub use timer::make_timers_exact;
pub use watch::Watch;
