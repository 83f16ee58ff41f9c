//! A timer in a poller, finer than the milliseconds that epoll_wait(2) counts.

use std::io;
use std::time::Duration;

use mio::{Registry, Token};

/// Ends the wait of a poller when it is due.
pub(super) struct Timer {
    #[cfg(target_os = "linux")]
    descriptor: nix::sys::timerfd::TimerFd,
    /// When it is set to, since the start.
    set: Option<Duration>,
}

#[cfg(target_os = "linux")]
impl Timer {
    pub(super) fn new(registry: &Registry, token: Token) -> io::Result<Self> {
        use nix::sys::timerfd::{ClockId, TimerFd, TimerFlags};
        use std::os::fd::{AsFd, AsRawFd};

        let flags = TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC;
        let descriptor = TimerFd::new(ClockId::CLOCK_MONOTONIC, flags)?;
        let raw = descriptor.as_fd().as_raw_fd();
        registry.register(
            &mut mio::unix::SourceFd(&raw),
            token,
            mio::Interest::READABLE,
        )?;
        Ok(Self {
            descriptor,
            set: None,
        })
    }

    /// Lets the poller wake at `due`. Returns the time-out that the wait needs besides.
    pub(super) fn set(&mut self, due: Duration, now: Duration) -> Option<Duration> {
        use nix::sys::time::TimeSpec;
        use nix::sys::timerfd::{Expiration, TimerSetTimeFlags};

        if self.set == Some(due) {
            return None;
        }
        // Zero would turn it off (timerfd_settime(2)).
        let left = due.saturating_sub(now).max(Duration::from_nanos(1));
        let expiration = Expiration::OneShot(TimeSpec::from_duration(left));
        match self.descriptor.set(expiration, TimerSetTimeFlags::empty()) {
            Ok(()) => {
                self.set = Some(due);
                None
            }
            Err(error) => {
                log::debug!("the timer is refused, milliseconds have to do: {error}");
                Some(left)
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
impl Timer {
    pub(super) fn new(_: &Registry, _: Token) -> io::Result<Self> {
        Ok(Self { set: None })
    }

    /// Elsewhere the time-out of the poller has to do.
    pub(super) fn set(&mut self, due: Duration, now: Duration) -> Option<Duration> {
        self.set = Some(due);
        Some(due.saturating_sub(now))
    }
}
