//! Shared by the tests: programs, peers made in the test, and data.
//!
//! - `program`: commands for the four programs and for what else is installed
//! - `process`: a program run to its end, or kept running
//! - `machine`: tests that need the machine for themselves
//! - `server`: a running server with its address
//! - `figures`: memory, threads, descriptors and processor time of a running program
//! - `signals`: the signals that a running program handles or ignores
//! - `terminal`: a pseudo-terminal
//! - `surroundings`: addresses that never answer, names of the test's own, few ports and descriptors
//! - `systemd`: a machine of its own under a real systemd
//! - `crowd`: thousands of TCP clients
//! - `peers`, `echoes`: TCP servers and clients of the test's own
//! - `udp`: UDP sockets of the test's own
//! - `fate`: the treatments of a probe, drawn by lot, and the counts that follow
//! - `relay`: a UDP path that deals them out
//! - `probes`: probe datagrams
//! - `proxy`: a TCP proxy that ends a session at a half-close
//! - `measured`: summaries of measurements, taken apart
//! - `data`: pseudo-random bytes

pub(crate) mod crowd;
pub(crate) mod data;
pub(crate) mod echoes;
pub(crate) mod fate;
pub(crate) mod figures;
pub(crate) mod machine;
pub(crate) mod measured;
pub(crate) mod peers;
pub(crate) mod probes;
pub(crate) mod process;
pub(crate) mod program;
pub(crate) mod proxy;
pub(crate) mod relay;
pub(crate) mod server;
pub(crate) mod signals;
pub(crate) mod surroundings;
pub(crate) mod systemd;
pub(crate) mod terminal;
pub(crate) mod udp;

pub(crate) use crowd::crowd;
pub(crate) use data::{Noise, assert_is_noise, assert_same, noise};
pub(crate) use figures::Figures;
pub(crate) use machine::alone;
pub(crate) use measured::count;
pub(crate) use peers::{
    assert_echoes, assert_ended, closed_port, connect, reply_with, reset, send_without_end,
    serve_one, wait_for_bytes,
};
pub(crate) use process::{Finished, Running, assert_has, eventually, parse_event, run, run_with};
pub(crate) use program::{
    ALL, Program, TcpClient, TcpServer, UdpClient, UdpServer, With, as_process_1, behind, command,
    in_own_machine, in_own_network, installed, python,
};
pub(crate) use server::{Server, address_in};
pub(crate) use systemd::{on_machine_with_systemd, unit_file};
pub(crate) use terminal::Terminal;
pub(crate) use udp::{
    address_of, burst, closed_to_others, connected_to, dropped_before_sockets, is_bound, receive,
    send_segmented, socket_on,
};

use std::time::Duration;

/// Time after which a test gives up on anything: far longer than a busy machine takes. Nothing is
/// measured against it.
pub(crate) const DEADLINE: Duration = Duration::from_secs(300);
