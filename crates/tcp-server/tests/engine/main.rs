//! Tests of the engine from outside, through what a program that embeds it sees.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod hand_off;
mod many_clients;
mod panic;
mod running;
