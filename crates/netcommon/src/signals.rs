//! SIGINT, SIGTERM and SIGHUP, from the first line of a program to its last.
//!
//! They are handled before the first call that may block: process 1 of a container gets no signal
//! that it does not handle (pid_namespaces(7)). A signal that was ignored at the start stays ignored,
//! as nohup(1) wants it.

use std::fs;
use std::io;
use std::sync::{Mutex, PoisonError};
use std::thread::Builder;

use nix::errno::Errno;
use nix::sys::signal::{SigSet, Signal};

use crate::error::Error;

type Handler = Box<dyn FnMut(Signal) + Send>;

/// Without one, a signal ends the process.
static HANDLER: Mutex<Option<Handler>> = Mutex::new(None);

/// Handles the signals from now on: until [`handle_with`] says otherwise, each ends the process with
/// its [`exit_code`]. SIGXFSZ is blocked, so that a file that may not grow is the error `EFBIG`.
///
/// Only threads that are started later inherit the mask: the main thread calls this first.
///
/// # Errors
///
/// When the system refuses a thread that waits for them.
pub(crate) fn start() -> Result<(), Error> {
    let ignored = ignored_signals();
    let mut awaited = SigSet::empty();
    let signals = [Signal::SIGTERM, Signal::SIGHUP];
    awaited.extend(signals.into_iter().filter(|&signal| !ignored.has(signal)));
    let mut blocked = awaited;
    blocked.add(Signal::SIGXFSZ);
    let failed = |error| Error::thread("cannot handle signals", error);
    blocked
        .thread_block()
        .map_err(|errno| failed(errno.into()))?;
    if awaited.iter().next().is_some() {
        let builder = Builder::new().name("signals".to_owned());
        builder.spawn(move || wait_for(awaited)).map_err(failed)?;
    }
    if !ignored.has(Signal::SIGINT) {
        ctrlc::set_handler(|| receive(Signal::SIGINT)).map_err(|error| failed(reason(error)))?;
    }
    Ok(())
}

/// Replaces the handler. It runs in a thread of its own, as any other code does.
pub(crate) fn handle_with(handler: impl FnMut(Signal) + Send + 'static) {
    *HANDLER.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(handler));
}

/// 128 and the number of the signal, as a shell tells of it.
pub(crate) fn exit_code(signal: Signal) -> i32 {
    128 + signal as i32
}

/// Ends the process at once.
#[expect(
    clippy::exit,
    reason = "the main thread may be blocked, and a signal does not wait for it"
)]
pub(crate) fn leave(code: i32) -> ! {
    std::process::exit(code)
}

fn wait_for(signals: SigSet) {
    loop {
        match signals.wait() {
            Ok(signal) => receive(signal),
            Err(Errno::EINTR) => {}
            Err(errno) => return log::error!("cannot wait for signals: {}", errno.desc()),
        }
    }
}

fn receive(signal: Signal) {
    match &mut *HANDLER.lock().unwrap_or_else(PoisonError::into_inner) {
        Some(handler) => handler(signal),
        None => leave(exit_code(signal)),
    }
}

fn reason(error: ctrlc::Error) -> io::Error {
    match error {
        ctrlc::Error::System(error) => error,
        other => io::Error::other(other),
    }
}

/// A bit for each signal, the lowest for signal 1.
struct Mask(u64);

impl Mask {
    fn has(&self, signal: Signal) -> bool {
        self.0 >> (signal as i32 - 1) & 1 == 1
    }
}

/// The signals that this process ignores (`SigIgn`, proc_pid_status(5)); none where /proc is missing.
fn ignored_signals() -> Mask {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let digits = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = digits.and_then(|digits| u64::from_str_radix(digits.trim(), 16).ok());
    Mask(mask.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_has_the_signals_of_its_bits() {
        let mask = Mask(0x1001);
        assert!(mask.has(Signal::SIGHUP) && mask.has(Signal::SIGPIPE));
        assert!(!mask.has(Signal::SIGINT) && !mask.has(Signal::SIGTERM));
    }

    #[test]
    fn rust_s_runtime_ignores_sigpipe_and_leaves_sigxfsz_alone() {
        let ignored = ignored_signals();
        assert_eq!(ignored.has(Signal::SIGPIPE), cfg!(target_os = "linux"));
        assert!(!ignored.has(Signal::SIGXFSZ));
    }
}
