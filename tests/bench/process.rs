//! Programs under load: started, watched through /proc, and ended with their descendants.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;

use crate::experiment::Gap;
use crate::plan::Plan;

/// How long a program may take to listen.
const START: Duration = Duration::from_secs(10);

/// `USER_HZ` is 100 on all of Linux's usual machines (proc_pid_stat(5), time(7)).
const TICKS_PER_SECOND: f64 = 100.0;

#[derive(Clone, Copy)]
pub(crate) enum Protocol {
    Tcp,
    Udp,
}

/// A command line of words, in which `{ours}` is the directory of a build, `{peers}` that of the
/// scripts, and `{port}` the port of a server.
pub(crate) struct Program<'a> {
    pub(crate) ours: &'a Path,
    pub(crate) line: &'a str,
}

/// A server that listens on a port of 127.0.0.1, until it is dropped.
pub(crate) struct Running {
    child: Child,
    pub(crate) port: u16,
}

impl<'a> Program<'a> {
    /// Of this build, or of the system.
    pub(crate) fn of(plan: &'a Plan, line: &'a str) -> Self {
        Self {
            ours: &plan.ours,
            line,
        }
    }

    fn command(&self, port: u16) -> Command {
        let peers = concat!(env!("CARGO_MANIFEST_DIR"), "/peers");
        let (ours, port) = (self.ours.to_string_lossy(), port.to_string());
        let mut words = self.line.split(' ').map(|word| {
            let word = word.replace("{ours}", &ours).replace("{peers}", peers);
            word.replace("{port}", &port)
        });
        let mut command = Command::new(words.next().unwrap_or_default());
        command.args(words).env_remove("RUST_LOG");
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    pub(crate) fn serve(&self, protocol: Protocol) -> Result<Running, Gap> {
        self.serve_into(protocol, Stdio::null())
    }

    /// Starts it, with its standard output to `output`, and waits until it listens on a free port.
    pub(crate) fn serve_into(&self, protocol: Protocol, output: Stdio) -> Result<Running, Gap> {
        let port = free_port(protocol)?;
        let child = self.command(port).stdout(output).spawn();
        let child = child.map_err(|error| match error.kind() {
            ErrorKind::NotFound => Gap("not installed".to_owned()),
            _ => error.into(),
        });
        let mut running = Running {
            child: child?,
            port,
        };
        let deadline = Instant::now() + START;
        while !is_bound(protocol, port) {
            if running.child.try_wait()?.is_some() || Instant::now() > deadline {
                return Err(Gap("it did not listen".to_owned()));
            }
            thread::yield_now();
        }
        Ok(running)
    }
}

impl Running {
    /// Starts a client. In its line, `{length}` is that of a measurement, `{seconds}` the same as a
    /// whole number.
    pub(crate) fn client(&self, plan: &Plan, client: &Program<'_>) -> Result<Child, Gap> {
        let (length, patience) = (plan.length.as_secs_f64(), plan.patience.as_secs_f64());
        let limit = length + 8.0 * patience;
        let line = client.line.replace("{length}", &length.to_string());
        let line = line.replace("{seconds}", &length.ceil().to_string());
        let line = line.replace("{patience}", &patience.to_string());
        let line = format!("timeout --foreground --signal=KILL {limit} {line}");
        let client = Program {
            ours: client.ours,
            line: &line,
        };
        Ok(client.command(self.port).stdout(Stdio::piped()).spawn()?)
    }

    /// Seconds of processor time that the program and its descendants have used, user's and system's.
    pub(crate) fn processor_time(&self) -> f64 {
        let ticks: u64 = self.processes().iter().map(|(_, ticks)| ticks).sum();
        ticks as f64 / TICKS_PER_SECOND
    }

    /// Bytes of resident memory.
    pub(crate) fn resident(&self) -> Result<f64, Gap> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid()))?;
        let rest = status.split_once("VmRSS:").map_or("", |(_, rest)| rest);
        let kibibytes: f64 = rest.split_whitespace().next().unwrap_or_default().parse()?;
        Ok(kibibytes * 1024.0)
    }

    /// Asks for the end, as Ctrl-C does, and waits for it. A background job may ignore that.
    pub(crate) fn interrupt(mut self, patience: Duration) -> Result<(), Gap> {
        signal::kill(self.pid(), Signal::SIGINT)?;
        let deadline = Instant::now() + patience;
        while self.child.try_wait()?.is_none() && Instant::now() < deadline {
            thread::yield_now();
        }
        Ok(())
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().cast_signed())
    }

    /// The program and its descendants, each with the processor time that it and its reaped children
    /// used.
    fn processes(&self) -> Vec<(Pid, u64)> {
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        let all = entries.filter_map(|entry| stat(entry.file_name().to_str()?));
        // Parents before their children.
        let all: BTreeSet<_> = all.collect();
        let mut found = Vec::new();
        for (process, parent, ticks) in all {
            if process == self.pid() || found.iter().any(|(member, _)| *member == parent) {
                found.push((process, ticks));
            }
        }
        found
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        for (process, _) in self.processes() {
            // A child may end by itself meanwhile.
            let _ = signal::kill(process, Signal::SIGKILL);
        }
        let _ = self.child.wait();
    }
}

/// The standard output of a client, when it has ended.
pub(crate) fn finish(client: Child) -> Result<String, Gap> {
    let output = client.wait_with_output()?;
    match output.status.code() {
        // Those of timeout(1).
        Some(127) => Err(Gap("not installed".to_owned())),
        Some(137) => Err(Gap("stalled".to_owned())),
        _ => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
    }
}

/// A process, its parent, and the sum of `utime`, `stime`, `cutime` and `cstime` (proc_pid_stat(5)).
fn stat(process: &str) -> Option<(Pid, Pid, u64)> {
    let pid = Pid::from_raw(process.parse().ok()?);
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name may hold anything, also a parenthesis; field 3 follows the last one.
    let (_, fields) = stat.rsplit_once(") ")?;
    let fields: Vec<&str> = fields.split(' ').collect();
    let parent = Pid::from_raw(fields.get(1)?.parse().ok()?);
    let times = fields
        .get(11..15)?
        .iter()
        .map(|time| time.parse::<u64>().ok());
    Some((pid, parent, times.sum::<Option<_>>()?))
}

/// A port that was free a moment ago: not every peer can say which one it got of port 0.
fn free_port(protocol: Protocol) -> io::Result<u16> {
    let any = (Ipv4Addr::LOCALHOST, 0);
    let address = match protocol {
        Protocol::Tcp => TcpListener::bind(any)?.local_addr()?,
        Protocol::Udp => UdpSocket::bind(any)?.local_addr()?,
    };
    Ok(address.port())
}

/// Whether a socket of IPv4 listens (TCP) or is bound and not connected (UDP) on a port, by
/// proc_net(5).
fn is_bound(protocol: Protocol, port: u16) -> bool {
    let (file, state) = match protocol {
        Protocol::Tcp => ("/proc/net/tcp", "0A"),
        Protocol::Udp => ("/proc/net/udp", "07"),
    };
    let table = fs::read_to_string(file).unwrap_or_default();
    table.contains(&format!(":{port:04X} 00000000:0000 {state}"))
}
