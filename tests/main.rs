//! Tests over the real binaries, in the release profile that is shipped.

#![allow(
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test says what it skips and measures, and fails by panicking"
)]

mod deploy;
mod harness;
mod house;
mod lesson;
mod measure;
mod programs;
mod scale;
mod tcp;
mod udp;
