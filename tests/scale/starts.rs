//! Many starts of each server, with SIGTERM at once or some milliseconds later: none survives.

use std::process::Stdio;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::harness::echoes::hold_up;
use crate::harness::{Running, Server, TcpServer, UdpServer};

fn every_start_ends_with_a_signal(starts: u64) {
    for program in [TcpServer, UdpServer] {
        let (mut slowest, mut by_default) = (Duration::ZERO, 0);
        for number in 0..starts {
            let mut command = program.command("-p 0 -q");
            command.stdin(Stdio::null()).stdout(Stdio::null());
            command.stderr(Stdio::piped());
            let server = Running::spawn(command);
            hold_up(Duration::from_millis(number % 51));
            server.signal(Signal::SIGTERM);
            let told = Instant::now();
            let end = server.wait();
            slowest = slowest.max(told.elapsed());
            // Before its first instructions the signal itself ends the process, and before it is a
            // server the code tells of the signal.
            assert!(matches!(end.code, None | Some(143 | 0)), "{end:?}");
            by_default += u64::from(end.code != Some(0));
            assert_eq!(end.stderr, "");
        }
        let serving = Server::start(program, "");
        serving.signal(Signal::SIGTERM);
        serving.wait().assert_clean();
        println!(
            "{program:?}: the slowest of {starts} was gone after {slowest:?}, {by_default} before they served"
        );
    }
}

#[test]
fn a_hundred_starts_end_with_a_signal() {
    every_start_ends_with_a_signal(102);
}

#[test]
#[ignore = "takes a while: scripts/soak.sh runs it"]
fn two_thousand_starts_end_with_a_signal() {
    every_start_ends_with_a_signal(2_000);
}
