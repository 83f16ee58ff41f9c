//! The bound on echo that waits in this process for clients that do not read.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use memmap2::MmapMut;
use netcommon::warning::RateLimitedWarning;
use nix::sys::resource::{Resource, getrlimit};

use crate::limits::control_group_figure;

/// One part in so many of what the limits bear is for unsent echo.
const SHARE: u64 = 4;

/// Address space for small allocations, which are not allowed to fail, once large ones do.
const RESERVE: usize = 4 << 20;

/// Between two warnings that the memory for unsent echo is used up.
const WARNING_INTERVAL: Duration = Duration::from_secs(60);

/// The memory that all clients together may take for unsent echo.
pub(crate) struct Memory {
    limit: AtomicUsize,
    taken: AtomicUsize,
    reserve: Mutex<Option<MmapMut>>,
    warning: RateLimitedWarning,
}

/// A part of the memory; it is given back when this is dropped.
pub(crate) struct Share {
    memory: Arc<Memory>,
    bytes: usize,
}

impl Memory {
    pub(crate) fn of_this_machine() -> Arc<Self> {
        let limit = bearable() / SHARE;
        log::info!("at most {limit} bytes of echo wait for clients that do not read");
        Self::new(usize::try_from(limit).unwrap_or(usize::MAX))
    }

    fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            limit: limit.into(),
            taken: AtomicUsize::new(0),
            reserve: Mutex::new(MmapMut::map_anon(RESERVE).ok()),
            warning: RateLimitedWarning::new(WARNING_INTERVAL),
        })
    }

    /// Whether no client may take any more. Threads that ask at the same time may exceed the limit by
    /// a buffer each.
    pub(crate) fn is_used_up(&self) -> bool {
        let taken = self.taken.load(Ordering::Relaxed);
        let is_used_up = taken >= self.limit.load(Ordering::Relaxed);
        if is_used_up {
            self.warning.warn(format_args!(
                "{taken} bytes of echo wait for clients that do not read; no more is read than they take"
            ));
        }
        is_used_up
    }

    pub(crate) fn take(self: &Arc<Self>, bytes: usize) -> Share {
        self.taken.fetch_add(bytes, Ordering::Relaxed);
        Share {
            memory: Arc::clone(self),
            bytes,
        }
    }

    /// The system has refused memory: no more than now is taken from here on.
    pub(crate) fn note_refusal(&self) {
        let taken = self.taken.load(Ordering::Relaxed);
        self.limit.fetch_min(taken, Ordering::Relaxed);
        let mut reserve = self.reserve.lock().unwrap_or_else(PoisonError::into_inner);
        *reserve = None;
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.memory.taken.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// Bytes that the machine, the control group and the process's own limits leave (proc(5), cgroups(7),
/// getrlimit(2)).
fn bearable() -> u64 {
    let limits = [
        kibibytes("/proc/meminfo", "MemTotal:"),
        control_group_figure("memory.max"),
        address_space(),
    ];
    limits.into_iter().flatten().min().unwrap_or(u64::MAX)
}

/// Bytes that the limit of the address space leaves beside the memory that is mapped already.
fn address_space() -> Option<u64> {
    let (limit, _) = getrlimit(Resource::RLIMIT_AS).ok()?;
    let mapped = kibibytes("/proc/self/status", "VmSize:")?;
    Some(limit.saturating_sub(mapped))
}

fn kibibytes(file: &str, name: &str) -> Option<u64> {
    let text = fs::read_to_string(file).ok()?;
    let value = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: u64 = value.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_used_up_until_a_share_is_given_back() {
        let memory = Memory::new(100);
        let share = memory.take(60);
        assert!(!memory.is_used_up());
        let other = memory.take(60);
        assert!(memory.is_used_up());
        drop(share);
        assert!(!memory.is_used_up());
        memory.note_refusal();
        assert!(memory.is_used_up());
        drop(other);
        assert!(!memory.is_used_up());
    }
}
