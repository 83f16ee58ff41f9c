//! Measuring: every message is accounted for, and latency is what the path made of it.
//!
//! - `tcp_echoes`, `udp_echoes`: round trips against every echo server at hand
//! - `tcp_latency`: known delays and stalls are found again
//! - `tcp_failures`: servers that fail a measurement
//! - `connecting`: many flows, their addresses, ports and descriptors
//! - `tcp_stalls`: peers that stop taking or giving bytes
//! - `tcp_attribution`: slow peers, paths and programs are told apart
//! - `tcp_output`: what a measurement says
//! - `udp_matrix`: hundreds of paths that lose, copy, delay, reorder and damage, each count the path's own
//! - `udp_path`: single fates, and how bounds, interrupts and intervals tell them
//! - `udp_errors`: refusals and stops that pass
//! - `udp_forgery`: replies and ICMP errors that someone made up
//! - `udp_attribution`: where datagrams were lost, and what waited in this machine
//! - `udp_server`: what `udp-server` says about probes
//! - `udp_senders`: the table of senders of `udp-server`

mod connecting;
mod tcp_attribution;
mod tcp_echoes;
mod tcp_failures;
mod tcp_latency;
mod tcp_output;
mod tcp_stalls;
mod udp_attribution;
mod udp_echoes;
mod udp_errors;
mod udp_forgery;
mod udp_matrix;
mod udp_path;
mod udp_senders;
mod udp_server;
