//! Samples of a connection, for the causes that the kernel does not count.

use std::os::fd::AsFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::HeldUp;
use crate::socket::info::tcp_info;
use crate::socket::memory_info::MemoryInfo;

/// Between looks, at least: each costs a system call, and there may be thousands of connections.
const INTERVAL: Duration = Duration::from_millis(100);

/// A shorter write has not waited.
const SHORTEST_WAIT: Duration = Duration::from_millis(1);

/// Samples of one connection, taken by the threads that read and write. Times are since it stood.
#[derive(Debug, Default)]
pub struct Sampler {
    unread: Samples,
    full: Samples,
}

impl Sampler {
    /// Before a read: looks whether unread bytes fill more than half of the receive buffer.
    pub fn before_read(&self, socket: &impl AsFd, now: Duration) {
        self.unread.look(now, || {
            MemoryInfo::of(socket).is_some_and(|memory| memory.unread > memory.rcvbuf / 2)
        });
    }

    /// After a write that does not block: looks whether bytes under way fill more than half of the
    /// send buffer.
    pub fn after_write(&self, socket: &impl AsFd, now: Duration) {
        self.full.look(now, || {
            let is_full = |memory: MemoryInfo| memory.unacknowledged > memory.sndbuf / 2;
            MemoryInfo::of(socket).is_some_and(is_full) && is_under_way(socket)
        });
    }

    /// After a write that blocked for `waited`: looks whether it was for bytes under way. A program that
    /// was stopped meanwhile is charged no more than `busy_time`.
    pub fn after_wait(&self, socket: &impl AsFd, waited: Duration) {
        if waited >= SHORTEST_WAIT && is_under_way(socket) {
            self.full.add(waited);
        }
    }

    /// Causes that have held the sending up until now; `None` where the kernel does not tell.
    pub fn held_up(&self, socket: &impl AsFd, now: Duration) -> Option<HeldUp> {
        self.before_read(socket, now);
        let (unread, full) = (self.unread.found(), self.full.found());
        Some(HeldUp::sampled(&tcp_info(socket)?, now, unread, full))
    }
}

/// Whether all is sent and does not queue on the path, where round trips would take more than twice
/// as long as the shortest.
fn is_under_way(socket: &impl AsFd) -> bool {
    tcp_info(socket).is_some_and(|info| {
        let rtt = info.rtt.zip(info.min_rtt);
        let queues = rtt.is_some_and(|(smoothed, shortest)| smoothed > 2 * shortest);
        info.bytes_unsent == 0 && !queues
    })
}

/// The time in which something held, as far as looks have found it: each stands for the time since
/// the one before.
#[derive(Debug, Default)]
struct Samples {
    looked_ns: AtomicU64,
    found_ns: AtomicU64,
}

impl Samples {
    fn look(&self, now: Duration, holds: impl FnOnce() -> bool) {
        let looked = Duration::from_nanos(self.looked_ns.load(Ordering::Relaxed));
        let passed = now.saturating_sub(looked);
        if passed < INTERVAL {
            return;
        }
        self.looked_ns.store(nanos(now), Ordering::Relaxed);
        if holds() {
            self.add(passed);
        }
    }

    fn add(&self, time: Duration) {
        self.found_ns.fetch_add(nanos(time), Ordering::Relaxed);
    }

    fn found(&self) -> Duration {
        Duration::from_nanos(self.found_ns.load(Ordering::Relaxed))
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_stands_for_the_time_since_the_one_before() {
        let samples = Samples::default();
        let looks = [(150, true), (200, true), (400, false), (1000, true)];
        for (millis, holds) in looks {
            samples.look(Duration::from_millis(millis), || holds);
        }
        // The second came too soon.
        assert_eq!(samples.found(), Duration::from_millis(150 + 600));
    }
}
