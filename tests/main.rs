//! Tests over the real binaries, in the release profile that is shipped.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says why it was skipped"
)]

mod harness;
mod udp_burst;
mod udp_client;
mod udp_datagrams;
mod udp_echo;
mod udp_ending;
mod udp_groups;
mod udp_interoperation;
mod udp_output;
