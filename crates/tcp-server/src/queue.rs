//! The queue of ready clients: who waits, which workers are idle, and when one more is needed.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::pace::Pace;

/// After the system refused a thread, how long until the next one is asked for.
const SPAWN_PAUSE: Duration = Duration::from_secs(1);

/// Workers on their way at once. They come to take all who wait, so a burst of clients that say one
/// word each does not cost a thread each.
const MOST_STARTING: usize = 2;

/// Clients that are ready, on their way to the workers that take them one by one.
pub(crate) struct Queue<T> {
    most_workers: usize,
    /// How long a worker without work stays.
    unemployment: Duration,
    state: Mutex<State<T>>,
    work: Condvar,
    pub(crate) pace: Pace,
}

struct State<T> {
    ready: VecDeque<T>,
    workers: usize,
    /// Of these, those on their way.
    starting: usize,
    /// Of these, those that wait for a client.
    idle: usize,
    dismissed: bool,
    no_spawn_before: Instant,
}

impl<T> Queue<T> {
    /// A queue for which one worker is on its way.
    pub(crate) fn new(most_workers: usize, unemployment: Duration, pace: Pace) -> Self {
        let state = State {
            ready: VecDeque::new(),
            workers: 1,
            idle: 0,
            starting: 1,
            dismissed: false,
            no_spawn_before: Instant::now(),
        };
        Self {
            most_workers,
            unemployment,
            state: Mutex::new(state),
            work: Condvar::new(),
            pace,
        }
    }

    /// Adds a client that has become ready and wakes an idle worker. True asks for one more worker,
    /// who is counted from here on: who cannot hire one says so with [`refuse`](Self::refuse).
    #[must_use]
    pub(crate) fn push(&self, client: T) -> bool {
        let mut state = self.lock();
        state.ready.push_back(client);
        let needs_worker = self.reserve_worker(&mut state);
        self.set_pace(&state);
        drop(state);
        self.work.notify_one();
        needs_worker
    }

    /// A worker has started.
    pub(crate) fn enlist(&self) {
        self.lock().starting -= 1;
    }

    /// Counts one more worker if somebody waits for one that is not on its way yet.
    fn reserve_worker(&self, state: &mut State<T>) -> bool {
        let needed = state.others_wait() && state.starting < MOST_STARTING && self.can_grow(state);
        if needed {
            state.workers += 1;
            state.starting += 1;
        }
        needed
    }

    /// One worker fewer came than was asked for. Returns how many there are.
    pub(crate) fn refuse(&self) -> usize {
        let mut state = self.lock();
        state.workers -= 1;
        state.starting -= 1;
        state.no_spawn_before = Instant::now() + SPAWN_PAUSE;
        self.set_pace(&state);
        state.workers
    }

    /// Adds a client whose turn is over. It wakes nobody: the worker who does this goes on to take
    /// one. True asks for one more worker, as in [`push`](Self::push).
    #[must_use]
    pub(crate) fn push_again(&self, client: T) -> bool {
        let mut state = self.lock();
        state.ready.push_back(client);
        let needs_worker = self.reserve_worker(&mut state);
        self.set_pace(&state);
        needs_worker
    }

    /// The next ready client; `None` sends a worker home that has waited long enough, except the last one.
    pub(crate) fn next(&self) -> Option<T> {
        let mut state = self.lock();
        loop {
            if let Some(client) = state.ready.pop_front() {
                self.set_pace(&state);
                return Some(client);
            }
            if state.dismissed {
                return None;
            }
            state.idle += 1;
            self.set_pace(&state);
            let (woken, wait) = self
                .work
                .wait_timeout(state, self.unemployment)
                .unwrap_or_else(PoisonError::into_inner);
            state = woken;
            state.idle -= 1;
            if wait.timed_out() && state.ready.is_empty() && state.workers > 1 {
                state.workers -= 1;
                self.set_pace(&state);
                return None;
            }
        }
    }

    /// Takes everybody out.
    pub(crate) fn take_all(&self) -> VecDeque<T> {
        std::mem::take(&mut self.lock().ready)
    }

    /// Sends every worker home that has nothing to do.
    pub(crate) fn dismiss(&self) {
        self.lock().dismissed = true;
        self.work.notify_all();
    }

    fn set_pace(&self, state: &State<T>) {
        let spare = state.idle > state.ready.len() || self.can_grow(state);
        self.pace.set(state.others_wait(), spare);
    }

    fn can_grow(&self, state: &State<T>) -> bool {
        state.workers < self.most_workers && state.no_spawn_before <= Instant::now()
    }

    // No code that can panic runs under this lock.
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> State<T> {
    fn others_wait(&self) -> bool {
        self.ready.len() > self.idle
    }
}

#[cfg(test)]
mod tests;
