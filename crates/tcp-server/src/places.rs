//! Places for clients: how many are taken, and a wake-up where the main thread waits for one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use mio::Waker;
use netcommon::openmetrics::Gauge;

/// The places of one server.
pub(crate) struct Places {
    limit: usize,
    taken: AtomicUsize,
    awaited: AtomicBool,
    /// The same as `taken`, for Prometheus.
    connected: Gauge,
    waker: Arc<Waker>,
}

impl Places {
    pub(crate) fn new(limit: usize, connected: Gauge, waker: Arc<Waker>) -> Arc<Self> {
        Arc::new(Self {
            limit,
            taken: AtomicUsize::new(0),
            awaited: AtomicBool::new(false),
            connected,
            waker,
        })
    }

    /// Takes a place. Only the main thread does, after it has seen that one is free.
    pub(crate) fn take(self: &Arc<Self>) -> Place {
        self.taken.fetch_add(1, Ordering::SeqCst);
        self.connected.inc();
        Place(Arc::clone(self))
    }

    pub(crate) fn taken(&self) -> usize {
        self.taken.load(Ordering::SeqCst)
    }

    pub(crate) fn are_full(&self) -> bool {
        self.taken() >= self.limit
    }

    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// Whether each place that falls free wakes the main thread. Once this is on, the places have to
    /// be looked at again before the main thread sleeps: one may just have fallen free.
    pub(crate) fn set_awaited(&self, awaited: bool) {
        self.awaited.store(awaited, Ordering::SeqCst);
    }
}

/// A taken place; it falls free when this is dropped, whatever ended the client.
pub(crate) struct Place(Arc<Places>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.connected.dec();
        self.0.taken.fetch_sub(1, Ordering::SeqCst);
        if self.0.awaited.load(Ordering::SeqCst)
            && let Err(error) = self.0.waker.wake()
        {
            log::error!("cannot wake the main thread: {error}");
        }
    }
}
