//! The mailbox of a worker: new clients for it, and its load and sleep, which other threads ask for.

use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};

use mio::Waker;

/// A load above that of any worker, so that no client is assigned.
const RETIRED: usize = usize::MAX / 2;

/// Takes clients `T` from other threads, and ends the worker's sleep for them.
pub(crate) struct Mailbox<T> {
    waker: Waker,
    state: Mutex<State<T>>,
}

struct State<T> {
    incoming: Vec<T>,
    /// Clients that the worker has or is about to take in.
    load: usize,
    is_asleep: bool,
}

impl<T> Mailbox<T> {
    /// For a worker whose sleep `waker` ends, now or as soon as it begins.
    pub(crate) fn new(waker: Waker) -> Self {
        let state = State {
            incoming: Vec::new(),
            load: 0,
            is_asleep: false,
        };
        Self {
            waker,
            state: Mutex::new(state),
        }
    }

    /// Gives the worker a client, or the client back where there is no memory for it.
    pub(crate) fn push(&self, client: T) -> Result<(), T> {
        let mut state = self.lock();
        if state.incoming.try_reserve(1).is_err() {
            return Err(client);
        }
        state.incoming.push(client);
        state.load += 1;
        let was_asleep = mem::take(&mut state.is_asleep);
        drop(state);
        if was_asleep {
            self.wake();
        }
        Ok(())
    }

    /// The clients that have come, for the worker to take in.
    pub(crate) fn take(&self) -> Vec<T> {
        mem::take(&mut self.lock().incoming)
    }

    /// A client has left the worker.
    pub(crate) fn subtract(&self) {
        self.lock().load -= 1;
    }

    /// To be called before the worker sleeps. False when it must not: a client has come.
    pub(crate) fn begin_sleep(&self) -> bool {
        let mut state = self.lock();
        state.is_asleep = state.incoming.is_empty();
        state.is_asleep
    }

    /// To be called after the worker has slept.
    pub(crate) fn end_sleep(&self) {
        self.lock().is_asleep = false;
    }

    /// Ends the worker's sleep.
    pub(crate) fn wake(&self) {
        if let Err(error) = self.waker.wake() {
            log::error!("cannot wake a worker: {error}");
        }
    }

    /// To be called when no worker will take clients in.
    pub(crate) fn retire(&self) {
        self.lock().load = RETIRED;
    }

    /// Clients of the worker.
    pub(crate) fn load(&self) -> usize {
        self.lock().load
    }

    pub(crate) fn is_asleep(&self) -> bool {
        self.lock().is_asleep
    }

    // No code that can panic runs under this lock.
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
