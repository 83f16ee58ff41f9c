//! Programs under load: started, watched, and ended with everything they started.

use std::fs;
use std::io::{self, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;

use crate::experiment::Gap;

/// `USER_HZ` is 100 on all of Linux's usual machines (proc_pid_stat(5), time(7)).
const TICK_MS: u64 = 10;

/// A program that runs until this is dropped.
pub(crate) struct Running(Child);

impl Running {
    pub(crate) fn start(mut command: Command) -> io::Result<Self> {
        command.stdin(Stdio::null()).stderr(Stdio::null());
        command.spawn().map(Self)
    }

    /// The processor time that the program and its children have used, user's and system's.
    pub(crate) fn processor_time(&self) -> Duration {
        let ticks: u64 = self.processes().into_iter().filter_map(ticks).sum();
        Duration::from_millis(ticks * TICK_MS)
    }

    /// Resident memory of the program and its children, in bytes.
    pub(crate) fn resident(&self) -> u64 {
        self.processes().into_iter().filter_map(resident).sum()
    }

    /// Ended by itself, if so how.
    pub(crate) fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.0.try_wait()
    }

    /// Asks for the end, as Ctrl-C does, and waits for it; past the deadline the program is killed.
    pub(crate) fn interrupt(mut self, patience: Duration) -> io::Result<()> {
        // It may have ended by itself.
        let _ = signal::kill(self.pid(), Signal::SIGINT);
        let deadline = Instant::now() + patience;
        while self.0.try_wait()?.is_none() && Instant::now() < deadline {
            thread::yield_now();
        }
        Ok(())
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.0.id().cast_signed())
    }

    /// The program itself, then its children and theirs.
    fn processes(&self) -> Vec<Pid> {
        let mut found = vec![self.pid()];
        let mut next = 0;
        while let Some(parent) = found.get(next) {
            found.extend(children(*parent));
            next += 1;
        }
        found
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        for process in self.processes() {
            // Some end by themselves when their client or parent does.
            let _ = signal::kill(process, Signal::SIGKILL);
        }
        let _ = self.0.wait();
    }
}

/// Runs a program to its end and returns its standard output.
pub(crate) fn output(mut command: Command, patience: Duration) -> Result<String, Gap> {
    command.stdout(Stdio::piped());
    let mut running = Running::start(command)?;
    let Some(mut stdout) = running.0.stdout.take() else {
        return Err(Gap::Failed("no pipe".to_owned()));
    };
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut text = String::new();
        let read = stdout.read_to_string(&mut text);
        // Whoever waited may have lost patience.
        let _ = sender.send(read.map(|_| text));
    });
    let text = receiver.recv_timeout(patience).map_err(|_| Gap::Stalled)?;
    Ok(text?)
}

/// See proc_pid_task(5); each thread lists the processes that it started.
fn children(parent: Pid) -> Vec<Pid> {
    let tasks = fs::read_dir(format!("/proc/{parent}/task"));
    let lists = tasks.into_iter().flatten().filter_map(|task| {
        let list = task.ok()?.path().join("children");
        fs::read_to_string(list).ok()
    });
    let numbers = lists.flat_map(|list| {
        let words = list.split_whitespace().map(str::to_owned);
        words.collect::<Vec<_>>()
    });
    numbers
        .filter_map(|number| number.parse().ok().map(Pid::from_raw))
        .collect()
}

/// `utime`, `stime` and those of children that have ended, see proc_pid_stat(5).
fn ticks(process: Pid) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name may hold anything, also a parenthesis; field 3 follows the last one.
    let (_, fields) = stat.rsplit_once(") ")?;
    let times = fields.split(' ').skip(11).take(4);
    times.map(|time| time.parse::<u64>().ok()).sum()
}

fn resident(process: Pid) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes << 10)
}
