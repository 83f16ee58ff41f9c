//! Timers that are as exact as the kernel allows.

/// Makes the timers of this thread exact. They are otherwise up to 50 µs late (`PR_SET_TIMERSLACK`,
/// prctl(2)), and what is sent late counts as latency.
pub fn make_timers_exact() {
    #[cfg(target_os = "linux")]
    if let Err(error) = nix::sys::prctl::set_timerslack(1) {
        log::debug!("timers stay inexact: {error}");
    }
}
