//! Ctrl-C and SIGTERM: the first signal asks a program to finish, the second ends it at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::Error;

/// A flag that is set when the program is asked to finish. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    requested: Arc<AtomicBool>,
}

impl Shutdown {
    /// A flag that is not set.
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
    /// System calls that the handler interrupts are restarted (`SA_RESTART`, sigaction(2)), so that a
    /// blocked `accept` or `recv` goes on: `wake` has to end the program's wait.
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
    reason = "the main thread may be blocked on a full pipe, and a second signal does not wait for it"
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
