//! The queue of ready clients: who waits, which workers sleep, and when one more is needed.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// After the system refused a thread, how long until the next one is asked for.
const SPAWN_PAUSE: Duration = Duration::from_secs(1);

/// Clients that are ready, on their way to the workers that take them.
///
/// A worker sleeps in its own poller, so each has an alarm `A` of its own that ends its sleep.
pub(crate) struct Queue<T, A> {
    most_workers: usize,
    state: Mutex<State<T, A>>,
    /// How many clients there are, to be looked at in passing.
    waiting: AtomicUsize,
}

struct State<T, A> {
    ready: VecDeque<T>,
    workers: usize,
    /// Of these, those on their way.
    starting: usize,
    /// Of these, those that sleep, each to be woken once. Who has slept longest is woken first: so
    /// clients that come one by one are spread over all workers.
    asleep: VecDeque<Arc<A>>,
    dismissed: bool,
    no_spawn_before: Instant,
}

/// Ends the sleep of a worker, now or as soon as it begins.
pub(crate) trait Alarm {
    fn ring(&self);
}

impl<T, A: Alarm> Queue<T, A> {
    /// A queue for which one worker is on its way.
    pub(crate) fn new(most_workers: usize) -> Self {
        let state = State {
            ready: VecDeque::new(),
            workers: 1,
            starting: 1,
            asleep: VecDeque::new(),
            dismissed: false,
            no_spawn_before: Instant::now(),
        };
        Self {
            most_workers,
            state: Mutex::new(state),
            waiting: AtomicUsize::new(0),
        }
    }

    /// Adds a client that is ready and wakes a worker. True asks for one more worker, who is counted
    /// from here on: who cannot hire one says so with [`refuse`](Self::refuse).
    #[must_use]
    pub(crate) fn push(&self, client: T) -> bool {
        let mut state = self.lock();
        state.ready.push_back(client);
        let sleeper = state.asleep.pop_front();
        let needs_worker = self.reserve_worker(&mut state);
        self.publish(&state);
        drop(state);
        if let Some(alarm) = sleeper {
            alarm.ring();
        }
        needs_worker
    }

    /// Counts one more worker, if there may be one.
    fn reserve_worker(&self, state: &mut State<T, A>) -> bool {
        let grows = self.can_grow(state);
        if grows {
            state.workers += 1;
            state.starting += 1;
        }
        grows
    }

    /// Not while one is on its way, which takes all who wait.
    fn can_grow(&self, state: &State<T, A>) -> bool {
        state.starting == 0
            && state.workers < self.most_workers
            && state.no_spawn_before <= Instant::now()
    }

    /// One worker fewer came than was asked for. Returns how many there are.
    pub(crate) fn refuse(&self) -> usize {
        let mut state = self.lock();
        state.workers -= 1;
        state.starting -= 1;
        state.no_spawn_before = Instant::now() + SPAWN_PAUSE;
        state.workers
    }

    /// A worker has started.
    pub(crate) fn enlist(&self) {
        self.lock().starting -= 1;
    }

    /// The worker's share of those who wait, in the order they came.
    pub(crate) fn take_share(&self) -> Vec<T> {
        if self.waiting.load(Ordering::Relaxed) == 0 {
            return Vec::new();
        }
        let mut state = self.lock();
        let share = state.ready.len().div_ceil(state.workers);
        let share = state.ready.drain(..share).collect();
        self.publish(&state);
        share
    }

    /// Whether a client that is pushed finds a worker with nothing to do, or one more worker.
    pub(crate) fn has_taker(&self) -> bool {
        let state = self.lock();
        !state.asleep.is_empty() || self.can_grow(&state)
    }

    /// To be called before a worker sleeps. False when it must not: somebody waits.
    pub(crate) fn lie_down(&self, alarm: &Arc<A>) -> bool {
        let mut state = self.lock();
        let may_sleep = state.ready.is_empty() && !state.dismissed;
        if may_sleep {
            state.asleep.push_back(Arc::clone(alarm));
        }
        may_sleep
    }

    /// To be called after a worker has slept.
    pub(crate) fn get_up(&self, alarm: &Arc<A>) {
        let mut state = self.lock();
        let place = state.asleep.iter().position(|one| Arc::ptr_eq(one, alarm));
        if let Some(place) = place {
            state.asleep.remove(place);
        }
    }

    /// Whether a worker without clients may go home, and is not counted any more.
    pub(crate) fn resign(&self) -> bool {
        let mut state = self.lock();
        let leaves = state.ready.is_empty() && state.dismissed;
        if leaves {
            state.workers -= 1;
        }
        leaves
    }

    /// Takes everybody out.
    pub(crate) fn take_all(&self) -> VecDeque<T> {
        let mut state = self.lock();
        let all = std::mem::take(&mut state.ready);
        self.publish(&state);
        all
    }

    /// Wakes every worker.
    pub(crate) fn wake_all(&self) {
        let mut state = self.lock();
        let sleepers = std::mem::take(&mut state.asleep);
        drop(state);
        sleepers.iter().for_each(|alarm| alarm.ring());
    }

    /// Sends every worker home that has nothing to do.
    pub(crate) fn dismiss(&self) {
        self.lock().dismissed = true;
        self.wake_all();
    }

    fn publish(&self, state: &State<T, A>) {
        self.waiting.store(state.ready.len(), Ordering::Relaxed);
    }

    // No code that can panic runs under this lock.
    fn lock(&self) -> MutexGuard<'_, State<T, A>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
