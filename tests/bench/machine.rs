//! What it all ran on, from the system itself.

use std::fs;
use std::process::Command;
use std::thread;
use std::time::SystemTime;

/// A machine at the time of a run.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    /// UTC, RFC 3339.
    pub(crate) date: String,
    pub(crate) processor: String,
    pub(crate) cores: usize,
    pub(crate) memory_bytes: u64,
    pub(crate) kernel: String,
    /// Load averages before the run (proc_loadavg(5)): figures of a busy machine are worth little.
    pub(crate) load: String,
    /// What was measured.
    pub(crate) commit: String,
}

impl Machine {
    pub(crate) fn now() -> Self {
        let processor = field("/proc/cpuinfo", "model name");
        let memory = field("/proc/meminfo", "MemTotal");
        let kibibytes = memory.and_then(|text| text.split(' ').next()?.parse::<u64>().ok());
        Self {
            date: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
            processor: processor.unwrap_or_else(|| "unknown processor".to_owned()),
            cores: thread::available_parallelism().map_or(1, usize::from),
            memory_bytes: kibibytes.unwrap_or_default() << 10,
            kernel: kernel(),
            load: words("/proc/loadavg"),
            commit: commit().unwrap_or_else(|| "unknown commit".to_owned()),
        }
    }
}

/// Without the word that whoever built it put behind the version; with what paces TCP (tcp(7)).
fn kernel() -> String {
    let release = words("/proc/sys/kernel/osrelease");
    let version = release.split('-').next().unwrap_or_default();
    let system = words("/proc/sys/kernel/ostype");
    let pacing = words("/proc/sys/net/ipv4/tcp_congestion_control");
    format!("{system} {version}, TCP congestion control {pacing}")
}

/// The value of the first line `name : value`.
fn field(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let pairs = text.lines().filter_map(|line| line.split_once(':'));
    let mut values = pairs.filter(|(key, _)| key.trim() == name);
    values.next().map(|(_, value)| value.trim().to_owned())
}

fn words(file: &str) -> String {
    let text = fs::read_to_string(file).unwrap_or_default();
    text.trim().to_owned()
}

fn commit() -> Option<String> {
    let output = Command::new("git")
        .args(["describe", "--always", "--dirty"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .ok()?;
    let name = String::from_utf8(output.stdout).ok()?;
    let name = name.trim();
    (!name.is_empty()).then(|| name.to_owned())
}
