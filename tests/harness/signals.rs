//! The signals that a running program handles or ignores, as the kernel tells (proc_pid_status(5)).

use std::fs;

use nix::sys::signal::Signal;

use super::process::{Running, eventually};

impl Running {
    /// Waits until the program has a handler for each signal that ends programs: before, the signal
    /// would end it without its help.
    pub(crate) fn wait_for_handlers(&self) {
        eventually("the program handles signals", || {
            handles_signals(self.pid())
        });
    }
}

/// Whether a process handles SIGINT, and has SIGTERM and SIGHUP wait for it.
pub(crate) fn handles_signals(pid: u32) -> bool {
    let pid = pid.to_string();
    has(&pid, "SigCgt:", Signal::SIGINT)
        && has(&pid, "SigBlk:", Signal::SIGTERM)
        && has(&pid, "SigBlk:", Signal::SIGHUP)
}

/// Whether this process, and so every program that it starts, ignores SIGINT, as what a shell script
/// runs in the background does.
pub(crate) fn is_sigint_ignored() -> bool {
    has("self", "SigIgn:", Signal::SIGINT)
}

fn has(process: &str, mask: &str, signal: Signal) -> bool {
    let status = fs::read_to_string(format!("/proc/{process}/status"));
    let status = status.expect("the process runs");
    let digits = status.lines().find_map(|line| line.strip_prefix(mask));
    let digits = digits.expect("a mask of signals").trim();
    let bits = u64::from_str_radix(digits, 16).expect("hexadecimal digits");
    bits >> (signal as i32 - 1) & 1 == 1
}
