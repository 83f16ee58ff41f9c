//! Round trips, jitter and sequence numbers, summed up in bounded memory.
//!
//! # Layout
//!
//! - [`Latencies`]: round trips in a histogram of high dynamic range
//! - [`Row`]: a stretch of that histogram, as it is drawn
//! - [`Buckets`]: the same round trips by fixed bounds
//! - [`Jitter`]: how unevenly messages arrive (RFC 3550)
//! - [`Sequence`]: which numbers came, twice, or out of order

mod buckets;
mod jitter;
mod latencies;
mod rows;
mod sequence;

pub use buckets::{BOUNDS_NS, Buckets};
pub use jitter::Jitter;
pub use latencies::Latencies;
pub use rows::Row;
pub use sequence::{Order, Sequence};
