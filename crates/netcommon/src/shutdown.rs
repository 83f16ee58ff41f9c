//! Ctrl-C and SIGTERM: the first signal asks a program to finish, the second ends it at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::Error;

/// Whether the program was asked to finish. Clones share the answer.
///
/// ```
/// use std::sync::mpsc;
///
/// use netcommon::shutdown::Shutdown;
///
/// let shutdown = Shutdown::new();
/// let (wake, woken) = mpsc::channel();
/// shutdown.on_signals(move || {
///     let _ = wake.send(());
/// })?;
/// # shutdown.request();
/// while !shutdown.is_requested() {
///     // Something to do comes through the same channel as the word of the signal handler.
///     let _ = woken.recv();
/// }
/// # Ok::<(), netcommon::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    requested: Arc<AtomicBool>,
}

impl Shutdown {
    /// One that only [`request`](Self::request) triggers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks the program to finish.
    pub fn request(&self) {
        self.requested.store(true, Ordering::SeqCst);
    }

    /// True from the first request on.
    pub fn is_requested(&self) -> bool {
        self.requested.load(Ordering::SeqCst)
    }

    /// Lets SIGINT, SIGTERM and SIGHUP request the shutdown and then call `wake`; a second signal
    /// ends the process with exit code 0.
    ///
    /// The handler restarts system calls that it interrupts (`SA_RESTART`, sigaction(2)), so a
    /// blocked `accept` or `recv` does not notice: `wake` has to end the program's wait.
    ///
    /// # Errors
    ///
    /// When a handler is set already, or the kernel refuses one.
    pub fn on_signals(&self, wake: impl Fn() + Send + 'static) -> Result<(), Error> {
        let shutdown = self.clone();
        let handler = move || {
            if shutdown.is_requested() {
                leave();
            }
            shutdown.request();
            wake();
        };
        ctrlc::set_handler(handler)
            .map_err(|error| Error::io("cannot handle signals", std::io::Error::other(error)))
    }
}

#[expect(
    clippy::exit,
    reason = "the main thread may be blocked on a full pipe; who asks twice must not wait for it"
)]
fn leave() {
    std::process::exit(0)
}

#[cfg(test)]
mod tests {
    use super::Shutdown;

    #[test]
    fn a_request_is_seen_by_every_clone() {
        let shutdown = Shutdown::new();
        let other = shutdown.clone();
        assert!(!other.is_requested());
        shutdown.request();
        assert!(other.is_requested());
    }
}
