//! Tests of the engine from outside, through what a program that embeds it sees.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod handover;
mod panic;
mod running;
