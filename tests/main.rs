//! Tests over the real binaries, in the release profile that is shipped.

#![allow(
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test says what it skips and measures, and fails by panicking"
)]

mod harness;

mod faults_descriptors;
mod faults_drain;
mod faults_places;
mod faults_threads;
mod generated;
mod house;
mod manual;
mod measure_tcp_echoes;
mod measure_tcp_failures;
mod measure_tcp_latency;
mod measure_tcp_output;
mod measure_udp_echoes;
mod measure_udp_path;
mod measure_udp_server;
mod minimum_rust;
mod readme;
mod scale_crowd;
mod scale_drain;
mod scale_hostile;
mod scale_soak;
mod scale_turns;
mod services;
mod sockets;
mod tcp_arguments;
mod tcp_bad_servers;
mod tcp_defaults;
mod tcp_interop;
mod tcp_output;
mod tcp_shutdown;
mod tcp_terminal;
mod tcp_transfer;
mod udp_burst;
mod udp_client;
mod udp_datagrams;
mod udp_echo;
mod udp_ending;
mod udp_groups;
mod udp_interop;
mod udp_output;
