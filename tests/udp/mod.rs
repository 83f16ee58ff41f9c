//! `udp-server` and `udp-client`: what they say, hear, answer and lose, and how they end and fail.
//!
//! - `output`: what the server says
//! - `datagrams`: every sender, boundary and size, and the bounds that end a server
//! - `echo`: answers from the address that was asked, and never in a loop
//! - `burst`: nothing is lost without being counted
//! - `groups`: multicast and broadcast
//! - `client`: what the client sends, waits for, and how it fails
//! - `ending`: the end of a server
//! - `interop`: with the peers that people have

mod burst;
mod client;
mod datagrams;
mod echo;
mod ending;
mod groups;
mod interop;
mod output;
