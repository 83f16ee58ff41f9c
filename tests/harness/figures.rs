//! Figures of a running program from the kernel: memory, threads, descriptors, processor time.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::process::Running;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Figures {
    /// Resident memory.
    pub(crate) kibibytes: u64,
    pub(crate) threads: u64,
    pub(crate) descriptors: usize,
    /// Descriptors that are sockets.
    pub(crate) sockets: usize,
}

impl Running {
    pub(crate) fn figures(&self) -> Figures {
        let descriptors = self.descriptors();
        let is_socket = |target: &&PathBuf| target.to_string_lossy().starts_with("socket:");
        Figures {
            kibibytes: self.status("VmRSS"),
            threads: self.status("Threads"),
            descriptors: descriptors.len(),
            sockets: descriptors.iter().filter(is_socket).count(),
        }
    }

    /// Targets of the open descriptors: `socket:[INODE]`, `pipe:[INODE]`, a path (proc_pid_fd(5)).
    pub(crate) fn descriptors(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(format!("/proc/{}/fd", self.pid())).expect("the program runs");
        let targets = entries.map(|entry| fs::read_link(entry?.path()));
        // A descriptor may be closed while the list is read.
        targets.filter_map(Result::ok).collect()
    }

    /// The most resident memory that the program has had.
    pub(crate) fn peak_kibibytes(&self) -> u64 {
        self.status("VmHWM")
    }

    /// A figure of `/proc/PID/status` (proc_pid_status(5)).
    fn status(&self, name: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid()));
        let status = status.expect("the program runs");
        let value = |line: &str| {
            let value = line.strip_prefix(name)?.strip_prefix(':')?;
            value.split_whitespace().next()?.parse().ok()
        };
        status.lines().find_map(value).expect("a figure")
    }

    /// Share of a processor that the program takes for `time`, from 0 to the number of processors. It
    /// has to say nothing on standard error meanwhile.
    #[track_caller]
    pub(crate) fn load_while_silent(&self, time: Duration) -> f64 {
        let (start, before) = (Instant::now(), self.processor_time());
        let said = self.error_line_within(time);
        assert_eq!(said, None, "it says something");
        (self.processor_time() - before).as_secs_f64() / start.elapsed().as_secs_f64()
    }

    /// User and system time of all threads (proc_pid_stat(5)), in steps of 10 ms.
    fn processor_time(&self) -> Duration {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid()));
        let stat = stat.expect("the program runs");
        let (_, behind_name) = stat.rsplit_once(") ").expect("a name in parentheses");
        let times = behind_name.split(' ').skip(11).take(2);
        let ticks: u64 = times.map(|time| time.parse::<u64>().expect("ticks")).sum();
        Duration::from_millis(ticks * 10)
    }
}
