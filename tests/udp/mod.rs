//! `udp-server` and `udp-client`: lines, datagrams, echoes, losses, ends and failures.
//!
//! - `output`: standard output of the server
//! - `datagrams`: every sender, boundary and size, and the bounds that end a server
//! - `echo`: answers from the address that was asked, with the header that came
//! - `loops`: the end of loops between two echoes
//! - `burst`: nothing is lost without being counted
//! - `groups`: multicast and broadcast
//! - `client`: messages, replies and failures of the client
//! - `expect_echo`: replies that have to be the echo
//! - `ending`: the end of a server
//! - `interop`: with the peers that people have

mod burst;
mod client;
mod datagrams;
mod echo;
mod ending;
mod expect_echo;
mod groups;
mod interop;
mod loops;
mod output;
