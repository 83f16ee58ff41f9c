//! Programs under test: run to their end, or kept running while a test talks to them.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;

use super::DEADLINE;

/// What a program left behind.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Finished {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.stdout).expect("standard output is UTF-8")
    }

    /// Standard output as JSON lines, every one of which has to parse and to have an event.
    pub(crate) fn events(&self) -> Vec<serde_json::Value> {
        self.text().lines().map(parse_event).collect()
    }

    #[track_caller]
    pub(crate) fn assert_code(&self, code: i32) -> &Self {
        assert_eq!(self.code, Some(code), "stderr: {}", self.stderr);
        self
    }

    /// The whole of standard error is one line that holds each of `parts`.
    #[track_caller]
    pub(crate) fn assert_one_line_error(&self, parts: &[&str]) -> &Self {
        assert_eq!(self.stderr.lines().count(), 1, "stderr: {}", self.stderr);
        for part in parts {
            assert!(
                self.stderr.contains(part),
                "no '{part}' in: {}",
                self.stderr
            );
        }
        self
    }
}

pub(crate) fn parse_event(line: &str) -> serde_json::Value {
    let event: serde_json::Value =
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}"));
    assert!(event["event"].is_string(), "no event in {line}");
    event
}

/// Runs a program to its end, with `input` as its standard input.
pub(crate) fn run(command: Command, input: impl Into<Vec<u8>>) -> Finished {
    let output = assert_cmd::Command::from_std(command)
        .write_stdin(input)
        .timeout(DEADLINE)
        .output()
        .expect("the program runs");
    Finished {
        code: output.status.code(),
        stdout: output.stdout,
        stderr: String::from_utf8(output.stderr).expect("standard error is UTF-8"),
    }
}

/// A program that runs while the test goes on; killed when the test ends without waiting for it.
pub(crate) struct Running {
    child: Child,
    stdout: Receiver<String>,
    stderr: Receiver<String>,
}

impl Running {
    /// Starts a program whose standard output is lines of text.
    pub(crate) fn start(command: Command) -> Self {
        Self::start_from(command, Stdio::piped())
    }

    /// The same with a standard input of the test's choice.
    pub(crate) fn start_from(mut command: Command, stdin: impl Into<Stdio>) -> Self {
        let mut child = command
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let stdout = lines_of(child.stdout.take().expect("a pipe"));
        let stderr = lines_of(child.stderr.take().expect("a pipe"));
        Self {
            child,
            stdout,
            stderr,
        }
    }

    /// The next line of standard output.
    #[track_caller]
    pub(crate) fn line(&self) -> String {
        next(&self.stdout, "standard output")
    }

    /// The next line of standard error.
    #[track_caller]
    pub(crate) fn error_line(&self) -> String {
        next(&self.stderr, "standard error")
    }

    /// The next line of standard output, which is a JSON event.
    #[track_caller]
    pub(crate) fn event(&self) -> serde_json::Value {
        parse_event(&self.line())
    }

    /// The next line of standard error, if one comes within `time`.
    pub(crate) fn error_line_within(&self, time: Duration) -> Option<String> {
        self.stderr.recv_timeout(time).ok()
    }

    /// The next line of standard output that is not empty, as `listening` lines of UDP servers follow an empty one.
    #[track_caller]
    pub(crate) fn text_line(&self) -> String {
        loop {
            let line = self.line();
            if !line.is_empty() {
                return line;
            }
        }
    }

    /// Waits for the listening line and returns the address behind it, on the IPv4 loopback unless
    /// the line names another literal address.
    #[track_caller]
    pub(crate) fn listening(&self) -> SocketAddr {
        let line = self.text_line();
        let place = line
            .rsplit(' ')
            .next()
            .expect("a last word")
            .replace("localhost", "127.0.0.1");
        place
            .parse()
            .unwrap_or_else(|_| panic!("no address in '{line}'"))
    }

    pub(crate) fn stdin(&mut self) -> ChildStdin {
        self.child
            .stdin
            .take()
            .expect("standard input was not taken yet")
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.pid()).expect("a process id"));
        signal::kill(pid, signal).expect("the program still runs");
    }

    /// Waits for the end; `stdout` and `stderr` hold the lines that were not read yet.
    #[track_caller]
    pub(crate) fn wait(mut self) -> Finished {
        drop(self.child.stdin.take());
        let status = wait_until(&mut self.child).expect("the program ends before the deadline");
        let rest =
            |lines: &Receiver<String>| lines.iter().map(|line| line + "\n").collect::<String>();
        Finished {
            code: status.code(),
            stdout: rest(&self.stdout).into(),
            stderr: rest(&self.stderr),
        }
    }

    /// Ends a server the way a user does and waits for it.
    #[track_caller]
    pub(crate) fn interrupt(self) -> Finished {
        self.signal(Signal::SIGINT);
        self.wait()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits on a thread of its own, because `wait` knows no deadline; a program past it is killed.
pub(crate) fn wait_until(child: &mut Child) -> Option<ExitStatus> {
    let pid = Pid::from_raw(i32::try_from(child.id()).expect("a process id"));
    let (ended, watch) = mpsc::channel::<()>();
    let watchdog = thread::spawn(move || {
        let late = watch.recv_timeout(DEADLINE) == Err(mpsc::RecvTimeoutError::Timeout);
        if late {
            let _ = signal::kill(pid, Signal::SIGKILL);
        }
        late
    });
    let status = child.wait().expect("a child can be waited for");
    drop(ended);
    (!watchdog.join().expect("the watchdog does not panic")).then_some(status)
}

fn lines_of(source: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let lines = BufReader::new(source).lines().map_while(Result::ok);
        lines
            .map_while(|line| sender.send(line).ok())
            .for_each(drop);
    });
    receiver
}

#[track_caller]
fn next(lines: &Receiver<String>, name: &str) -> String {
    lines
        .recv_timeout(DEADLINE)
        .unwrap_or_else(|error| panic!("no further line on {name}: {error}"))
}

/// Waits until `holds` does, looking again and again; panics with `what` past the deadline.
#[track_caller]
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < DEADLINE, "never happened: {what}");
        thread::yield_now();
    }
}

/// A figure of `/proc/PID/status`: kibibytes for `VmRSS` and `VmHWM`, a count for `Threads`.
pub(crate) fn status_figure(pid: u32, name: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    line.split_whitespace().next()?.parse().ok()
}
