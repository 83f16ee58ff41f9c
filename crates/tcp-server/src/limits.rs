//! How many clients and threads this machine bears.

use std::fs;
use std::path::Path;
use std::thread;

use netcommon::Error;
use netcommon::limits::{RESERVED_DESCRIPTORS, require_open_files};
use nix::sys::resource::{Resource, getrlimit};

/// A poller and what wakes it.
const DESCRIPTORS_PER_THREAD: usize = 2;

/// A client, and the thread that serves it.
const ONE_CLIENT: u64 = 1 + DESCRIPTORS_PER_THREAD as u64;

/// Threads take no more than a quarter of the descriptors: they are there for clients.
const FILES_PER_THREAD: usize = 4 * DESCRIPTORS_PER_THREAD;

/// Each thread takes five memory maps (stack, signal stack, a guard page to each, buffer), and
/// creation past `vm.max_map_count` aborts the process instead of failing: only a quarter of that
/// room is used.
const MAPS_PER_THREAD: u64 = 4 * 5;

/// More than anybody has processors for, and far from what a kernel refuses.
const MOST_THREADS: u64 = 1024;

/// Bounds that hold for the whole life of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Clients at once.
    pub clients: usize,
    /// Worker threads at once.
    pub threads: usize,
}

impl Limits {
    /// Raises the soft limit of open files to the hard one (getrlimit(2)) and derives both bounds
    /// from what the system then allows. Without a wish, there is a thread for each processor.
    ///
    /// # Errors
    ///
    /// A limit of open files that leaves none for a client.
    pub fn of_this_machine(threads: Option<usize>) -> Result<Self, Error> {
        let files = count(require_open_files(RESERVED_DESCRIPTORS + ONE_CLIENT)?);
        let wanted = threads.unwrap_or_else(processors);
        let bearable = count(bearable_threads()).min((files / FILES_PER_THREAD).max(1));
        let threads = wanted.min(bearable);
        let reserved = RESERVED_DESCRIPTORS as usize + DESCRIPTORS_PER_THREAD * threads;
        let limits = Self {
            clients: files.saturating_sub(reserved).max(1),
            threads,
        };
        log::info!(
            "at most {} clients at once and {} threads for them",
            limits.clients,
            limits.threads
        );
        Ok(limits)
    }
}

/// Those that this process may use (sched_getaffinity(2), cgroups(7)).
fn processors() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// At least one; what does not fit the machine's word is as good as endless.
fn count(limit: u64) -> usize {
    usize::try_from(limit.max(1)).unwrap_or(usize::MAX)
}

/// Half of what the user, and a quarter of what the whole machine, may still have; see proc(5), cgroups(7).
fn bearable_threads() -> u64 {
    let user = getrlimit(Resource::RLIMIT_NPROC)
        .ok()
        .map(|(soft, _)| soft / 2);
    let machine = [
        (figure("/proc/sys/kernel/pid_max"), 4),
        (figure("/proc/sys/kernel/threads-max"), 4),
        (figure("/proc/sys/vm/max_map_count"), MAPS_PER_THREAD),
        (control_group_figure("pids.max"), 2),
    ];
    let shares = machine
        .into_iter()
        .filter_map(|(limit, share)| Some(limit? / share));
    shares
        .chain(user)
        .min()
        .unwrap_or(MOST_THREADS)
        .min(MOST_THREADS)
}

fn figure(path: impl AsRef<Path>) -> Option<u64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

/// A limit of this process's control group, such as `pids.max`; the word `max` is none.
pub(crate) fn control_group_figure(name: &str) -> Option<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let path = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    figure(Path::new("/sys/fs/cgroup").join(path).join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bounds_stay_inside_what_the_system_allows() {
        for wish in [None, Some(1), Some(usize::MAX)] {
            let limits = Limits::of_this_machine(wish).unwrap();
            let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
            assert_eq!(soft, hard);
            assert!((limits.clients + 2 * limits.threads) as u64 <= soft);
            assert!((1..=MOST_THREADS as usize).contains(&limits.threads));
            if let Some(maps) = figure("/proc/sys/vm/max_map_count") {
                assert!(limits.threads as u64 * 5 < maps);
            }
        }
    }

    #[test]
    fn a_wish_that_the_machine_bears_is_granted() {
        assert_eq!(Limits::of_this_machine(Some(3)).unwrap().threads, 3);
    }
}
