//! The request to finish, which a signal makes: the first asks, the second ends the program at once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::{Builder, sleep};
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::output::is_held_up;
use crate::signals::{exit_code, handle_with, leave};

/// Time within which a server that is told to end is serving, and so can end in order, or is still
/// waiting for something, such as the address of a name.
const START: Duration = Duration::from_millis(500);

/// A write that has waited for so long behind the end of the drain has no reader.
const HELD_UP: Duration = Duration::from_millis(250);

/// A flag that is set when the program is asked to finish. Clones share it.
#[derive(Clone, Default)]
pub struct Shutdown(Arc<State>);

#[derive(Default)]
struct State {
    is_requested: AtomicBool,
    /// Ends the program's wait.
    wake: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

impl Shutdown {
    /// A flag that is not set, and that no signal sets.
    pub fn new() -> Self {
        Self::default()
    }

    /// The shutdown of a client that has something to say when it is interrupted: a signal requests
    /// it and calls `wake`, a further one ends the process. Until then the first does: a client that
    /// has nothing to say needs no shutdown.
    ///
    /// System calls that a signal interrupts are restarted (`SA_RESTART`, sigaction(2)), so that a
    /// blocked `accept` or `recv` goes on: `wake` has to end the program's wait.
    pub fn on_signals(&self, wake: impl Fn() + Send + Sync + 'static) {
        self.wake_with(wake);
        let shutdown = self.clone();
        handle_with(move |signal: Signal| {
            if shutdown.is_requested() {
                leave(exit_code(signal));
            }
            shutdown.request();
        });
    }

    /// The shutdown of a server: signals request it, a further one ends the process with exit code 0.
    /// So does, after the first, a start that does not come to its end, and, when `drain_timeout` is
    /// over, a log that nobody reads.
    ///
    /// A server calls this before it listens: clients that connect to it from then on are served.
    pub fn of_server(drain_timeout: Duration) -> Self {
        let shutdown = Self::new();
        let requested = shutdown.clone();
        handle_with(move |_| {
            if requested.is_requested() {
                leave(0);
            }
            requested.request();
            requested.watch(drain_timeout);
        });
        shutdown
    }

    /// Lets a request call `wake`, at once if it was made before. Only the first call counts.
    pub fn wake_with(&self, wake: impl Fn() + Send + Sync + 'static) {
        let wake = self.0.wake.get_or_init(|| Box::new(wake));
        if self.is_requested() {
            wake();
        }
    }

    /// Asks the program to finish.
    pub fn request(&self) {
        self.0.is_requested.store(true, Ordering::SeqCst);
        if let Some(wake) = self.0.wake.get() {
            wake();
        }
    }

    /// True from the first request on.
    pub fn is_requested(&self) -> bool {
        self.0.is_requested.load(Ordering::SeqCst)
    }

    fn watch(&self, drain_timeout: Duration) {
        let shutdown = self.clone();
        let end_what_is_stuck = move || {
            sleep(START);
            if shutdown.0.wake.get().is_none() {
                leave(0);
            }
            sleep(drain_timeout);
            while !is_held_up(HELD_UP) {}
            leave(0);
        };
        let builder = Builder::new().name("watch".to_owned());
        if let Err(error) = builder.spawn(end_what_is_stuck) {
            log::debug!("only a second signal ends a server whose log nobody reads: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU32;

    #[test]
    fn a_request_is_seen_by_every_clone() {
        let shutdown = Shutdown::new();
        let other = shutdown.clone();
        assert!(!other.is_requested());
        shutdown.request();
        assert!(other.is_requested());
    }

    #[test]
    fn a_request_wakes_though_it_was_made_before_there_was_a_wait() {
        for early in [true, false] {
            let (shutdown, woken) = (Shutdown::new(), Arc::new(AtomicU32::new(0)));
            if early {
                shutdown.request();
            }
            let counter = Arc::clone(&woken);
            shutdown.wake_with(move || {
                counter.fetch_add(1, Ordering::SeqCst);
            });
            if !early {
                shutdown.request();
            }
            assert_eq!(woken.load(Ordering::SeqCst), 1);
        }
    }
}
