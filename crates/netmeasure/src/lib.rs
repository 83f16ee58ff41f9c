//! Measuring a path, TCP and UDP alike: round trips, loss, throughput, against any echo server.
//!
//! A program brings a [`Transport`], which sends numbered messages and reads replies; everything
//! else is here: when a message is due, what became of it, what is said about that, and whether it
//! is good enough. Every message ends in exactly one state, and one place alone counts it.
//!
//! # Layout
//!
//! - [`args`]: the options of both clients
//! - [`plan`]: how many messages, how fast, until when; [`schedule`] says when each is due
//! - [`probe`]: the datagrams that measure a UDP path
//! - [`statistics`]: round trips, jitter and sequence numbers
//! - [`counts`]: what became of the messages; [`bounds`]: what is good enough of it
//! - [`recorder`]: the one place that counts, for each flow
//! - [`openmetrics`]: the same as metrics, for Prometheus
//! - [`outcome`]: what the threads find out
//! - [`report`]: what is said, for people and as JSON
//! - [`run`]: what the threads share
//! - [`engine`]: any number of flows on a few threads
//! - [`judge`]: the end, and how it can fail

pub mod args;
pub mod bounds;
pub mod counts;
pub mod engine;
pub mod judge;
pub mod openmetrics;
pub mod outcome;
pub mod plan;
pub mod probe;
pub mod recorder;
pub mod report;
pub mod run;
pub mod schedule;
pub mod statistics;

pub use args::MeasureArgs;
pub use engine::Transport;
pub use judge::{Loss, conclude};
pub use openmetrics::MeasureMetrics;
pub use plan::Plan;
pub use run::Run;
