//! State shared by the threads of a measurement.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use mio::Waker;
use netcommon::output::Output;
use netcommon::shutdown::Shutdown;

use crate::openmetrics::MeasureMetrics;
use crate::plan::Plan;

/// State shared by the threads of a measurement. None of them waits for another but at the start.
pub struct Run {
    /// The measurement to make.
    pub plan: Plan,
    /// Standard output.
    pub output: Output,
    /// Whether the user has enough.
    pub shutdown: Shutdown,
    /// The peer in messages.
    pub server: String,
    /// The address of the peer.
    pub peer: SocketAddr,
    /// Metrics for Prometheus.
    pub metrics: MeasureMetrics,
    clock: OnceLock<Clock>,
    wakers: Mutex<Vec<Arc<Waker>>>,
    told: Mutex<HashSet<String>>,
}

impl Run {
    /// Nothing is started yet.
    pub fn new(
        plan: Plan,
        output: Output,
        shutdown: Shutdown,
        server: String,
        peer: SocketAddr,
        metrics: MeasureMetrics,
    ) -> Arc<Self> {
        Arc::new(Self {
            plan,
            output,
            shutdown,
            server,
            peer,
            metrics,
            clock: OnceLock::new(),
            wakers: Mutex::default(),
            told: Mutex::default(),
        })
    }

    /// Lets a signal wake every thread.
    pub fn on_signals(self: &Arc<Self>) {
        let run = Arc::clone(self);
        self.shutdown.on_signals(move || run.wake());
    }

    /// Asks every thread to end.
    pub fn interrupt(&self) {
        self.shutdown.request();
        self.wake();
    }

    /// Lets every thread look at the shutdown.
    pub fn wake(&self) {
        for waker in lock(&self.wakers).iter() {
            if let Err(error) = waker.wake() {
                log::error!("cannot wake a measuring thread: {error}");
            }
        }
    }

    pub(crate) fn add_waker(&self, waker: Arc<Waker>) {
        lock(&self.wakers).push(waker);
    }

    /// The clock of the measurement, which starts when it is first asked for.
    pub(crate) fn clock(&self) -> Clock {
        *self.clock.get_or_init(Clock::start)
    }

    /// Tells of an error that does not end the run, the first time that it is met.
    pub(crate) fn warn_once(&self, warning: &str) {
        if lock(&self.told).insert(warning.to_owned()) {
            log::warn!("{warning}");
        }
    }
}

// No code that can panic runs under these locks.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Time since the start of a measurement.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
    /// The start in nanoseconds since 1970: the same for every thread, even if the system's clock is
    /// set meanwhile.
    epoch_ns: u64,
}

impl Clock {
    pub(crate) fn start() -> Self {
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let nanos = since_1970.unwrap_or_default().as_nanos();
        Self {
            start: Instant::now(),
            epoch_ns: u64::try_from(nanos).unwrap_or(u64::MAX),
        }
    }

    /// Now.
    pub fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// A time since the start in nanoseconds since 1970, as probes carry it.
    pub fn wall_ns(&self, time: Duration) -> u64 {
        self.epoch_ns.wrapping_add(time.as_nanos() as u64)
    }
}
