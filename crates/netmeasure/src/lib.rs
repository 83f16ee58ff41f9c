//! Measuring a path: what TCP and UDP have in common, the plan, the counts, what is said about them.
//!
//! # Layout
//!
//! - [`Plan`]: how many messages, how fast, until when; [`Pace`] and [`FlowSchedule`] say when each is due
//! - [`Run`]: what the threads share, [`Live`] what they show of themselves while they work
//! - [`Flow`]: the receiving side of a connection or source port
//! - [`Pacer`]: the sending side, and its [`Handover`] to the other
//! - [`make_timers_exact`]: for who sends by the clock
//! - [`Counts`] and [`Tally`]: what each flow ends with
//! - [`Watch`]: waits for them, and reports meanwhile; `status` is the line on a terminal
//! - [`Event`]: replies and intervals, for people and as JSON
//! - [`Summary`]: the end of a measurement, with its [`RoundTrips`]; `bars` draws the histogram
//! - [`conclude`]: from the start of the threads to the judgement, with its [`Bounds`]

mod args;
mod bars;
mod bounds;
mod conclude;
mod counts;
mod events;
mod flow;
mod live;
mod pacer;
mod plan;
pub mod probe;
mod round_trips;
mod run;
pub mod statistics;
mod status;
mod summary;
mod timer;
mod watch;

pub use args::MeasureArgs;
pub use bounds::Bounds;
pub use conclude::{Loss, conclude};
pub use counts::{Counts, Tally};
pub use events::{Event, Interval, Reply, Verdict};
pub use flow::{Flow, Outcome, WaitEnd};
pub use live::Live;
pub use pacer::{Handover, Pacer, SendEnd, TICK, Timing};
pub use plan::{FlowSchedule, Pace, Plan};
pub use round_trips::RoundTrips;
pub use run::Run;
pub use summary::Summary;
pub use timer::make_timers_exact;
pub use watch::Watch;
