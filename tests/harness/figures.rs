//! What the kernel knows about a running program: memory, threads, descriptors, processor time.

use std::fs;
use std::time::{Duration, Instant};

use super::process::{Running, status_figure};

/// Of a program that is running.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figures {
    /// Resident memory.
    pub(crate) kibibytes: u64,
    pub(crate) threads: u64,
    pub(crate) descriptors: usize,
}

impl Figures {
    pub(crate) fn of(program: &Running) -> Self {
        let pid = program.pid();
        let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).expect("the program runs");
        Self {
            kibibytes: status_figure(pid, "VmRSS").expect("VmRSS"),
            threads: status_figure(pid, "Threads").expect("Threads"),
            descriptors: descriptors.count(),
        }
    }
}

/// How much of a processor the program takes, from 0 to the number of processors, until it says
/// something on standard error, or for `time` if it says nothing.
pub(crate) fn load_while_silent(program: &Running, time: Duration) -> f64 {
    let (start, before) = (Instant::now(), processor_time(program));
    let said = program.error_line_within(time);
    assert_eq!(said, None, "it says something");
    (processor_time(program) - before).as_secs_f64() / start.elapsed().as_secs_f64()
}

/// User and system time of all threads (proc_pid_stat(5)), in steps of 10 ms.
pub(crate) fn processor_time(program: &Running) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{}/stat", program.pid())).expect("it runs");
    let behind_name = stat.rsplit(") ").next().expect("a name in parentheses");
    let ticks = behind_name.split(' ').skip(11).take(2);
    let ticks: u64 = ticks
        .map(|field| field.parse::<u64>().expect("ticks"))
        .sum();
    Duration::from_millis(ticks * 10)
}
