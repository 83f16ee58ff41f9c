//! When a wait is given up.

use std::io;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

/// The end of a wait; the default never comes.
///
/// ```
/// use std::time::Duration;
///
/// use netcommon::deadline::Deadline;
///
/// let soon = Deadline::after(Some(Duration::from_millis(1)));
/// let never = Deadline::after(None);
/// assert_eq!(never.left(), None);
/// assert!(soon.sooner(never).left().is_some());
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Deadline(Option<Instant>);

impl Deadline {
    /// So long after now; `None` is for ever.
    pub fn after(limit: Option<Duration>) -> Self {
        // No clock counts on for ever: what it cannot count is as good as endless.
        Self(limit.and_then(|limit| Instant::now().checked_add(limit)))
    }

    /// The one of the two that comes first.
    #[must_use]
    pub fn sooner(self, other: Self) -> Self {
        Self(self.0.into_iter().chain(other.0).min())
    }

    /// Time that is left, which may be zero; `None` is for ever.
    pub fn left(self) -> Option<Duration> {
        let end = self.0?;
        Some(end.saturating_duration_since(Instant::now()))
    }

    /// Whether the time is over.
    pub fn is_over(self) -> bool {
        self.left() == Some(Duration::ZERO)
    }

    /// The result of a call that nothing interrupts, such as getaddrinfo(3) or open(2) of a FIFO. It
    /// runs on a thread of its own, which is left behind when it is not done in time.
    ///
    /// # Errors
    ///
    /// [`TimedOut`](io::ErrorKind::TimedOut), or the reason why the thread did not start.
    pub fn call<T: Send + 'static>(
        self,
        call: impl FnOnce() -> T + Send + 'static,
    ) -> io::Result<T> {
        let Some(left) = self.left() else {
            return Ok(call());
        };
        let (sender, result) = mpsc::channel();
        let run = move || {
            // The receiver is gone when the time is over.
            let _ = sender.send(call());
        };
        thread::Builder::new()
            .name("blocking".to_owned())
            .spawn(run)?;
        result.recv_timeout(left).map_err(|error| match error {
            RecvTimeoutError::Timeout => io::ErrorKind::TimedOut.into(),
            RecvTimeoutError::Disconnected => io::Error::other("its thread panicked"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_is_not_done_in_time_is_left_behind() {
        let (hold, held) = mpsc::channel::<()>();
        let soon = Deadline::after(Some(Duration::from_millis(10)));
        let error = soon.call(move || held.recv()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        drop(hold);
        let long = Deadline::after(Some(Duration::from_secs(600)));
        assert_eq!(long.call(|| 7).unwrap(), 7);
        assert_eq!(Deadline::default().call(|| 8).unwrap(), 8);
    }

    #[test]
    fn the_sooner_of_two_ends_a_wait() {
        let [over, long] = [0, 600].map(|secs| Deadline::after(Some(Duration::from_secs(secs))));
        assert!(over.is_over() && !long.is_over() && !Deadline::default().is_over());
        assert!(long.sooner(over).is_over() && over.sooner(Deadline::default()).is_over());
        assert!(!Deadline::after(Some(Duration::MAX)).is_over());
    }
}
