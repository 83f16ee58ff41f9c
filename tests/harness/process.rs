//! Programs under test: run to their end, or kept running while a test talks to them.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;
use serde_json::Value;

use super::signals::is_sigint_ignored;
use super::{DEADLINE, machine};

/// Exit code and output of a program that has ended.
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
    pub(crate) fn events(&self) -> Vec<Value> {
        self.text().lines().map(parse_event).collect()
    }

    pub(crate) fn events_of(&self, kind: &str) -> Vec<Value> {
        let mut events = self.events();
        events.retain(|event| event["event"] == kind);
        events
    }

    #[track_caller]
    pub(crate) fn assert_code(&self, code: i32) -> &Self {
        assert_eq!(self.code, Some(code), "stderr: {}", self.stderr);
        self
    }

    /// Success, with nothing on standard error.
    #[track_caller]
    pub(crate) fn assert_clean(&self) -> &Self {
        assert_eq!((self.code, self.stderr.as_str()), (Some(0), ""));
        self
    }

    /// The exit code, and one line on standard error that holds each of `parts`.
    #[track_caller]
    pub(crate) fn assert_error(&self, code: i32, parts: &[&str]) -> &Self {
        self.assert_code(code);
        let stderr = &self.stderr;
        assert_eq!(stderr.lines().count(), 1, "stderr: {stderr}");
        for part in parts {
            assert!(stderr.contains(part), "no '{part}' in: {stderr}");
        }
        self
    }
}

#[track_caller]
pub(crate) fn parse_event(line: &str) -> Value {
    let event: Value =
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}"));
    assert!(event["event"].is_string(), "no event in {line}");
    event
}

/// Demands that an event has at least the keys of `expected`, with the same values.
#[track_caller]
pub(crate) fn assert_has(event: &Value, expected: Value) {
    for (key, value) in expected.as_object().expect("keys") {
        assert_eq!(&event[key], value, "{key} of {event}");
    }
}

/// Runs a program to its end.
pub(crate) fn run(command: Command) -> Finished {
    run_with(command, "")
}

/// The same with `input` as its standard input.
pub(crate) fn run_with(mut command: Command, input: impl AsRef<[u8]> + Sync) -> Finished {
    machine::share();
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = piped.stderr(Stdio::piped()).spawn().expect("it starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    let stdout = bytes_of(child.stdout.take().expect("a pipe"));
    let stderr = bytes_of(child.stderr.take().expect("a pipe"));
    let input = input.as_ref();
    let status = thread::scope(|scope| {
        // It fails when the program ends without reading its input.
        scope.spawn(move || stdin.write_all(input));
        wait_for(&mut child).expect("the program ends before the deadline")
    });
    let text = String::from_utf8(stderr.join().expect("the output can be read"));
    Finished {
        code: status.code(),
        stdout: stdout.join().expect("the output can be read"),
        stderr: text.expect("standard error is UTF-8"),
    }
}

fn bytes_of(mut source: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        source.read_to_end(&mut bytes).expect("a pipe");
        bytes
    })
}

/// A program that runs while the test goes on; killed when the test ends without waiting for it.
pub(crate) struct Running {
    child: Child,
    stdout: Receiver<String>,
    stderr: Receiver<String>,
}

impl Running {
    /// Starts a program whose output is lines of text.
    pub(crate) fn start(mut command: Command) -> Self {
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        piped.stderr(Stdio::piped());
        Self::spawn(command)
    }

    /// Starts a program with the streams that the command has; lines are read from those that are pipes.
    pub(crate) fn spawn(mut command: Command) -> Self {
        machine::share();
        let mut child = command.spawn().expect("the program starts");
        let stdout = lines_of(child.stdout.take());
        let stderr = lines_of(child.stderr.take());
        Self {
            child,
            stdout,
            stderr,
        }
    }

    /// The next line of standard output.
    #[track_caller]
    pub(crate) fn line(&self) -> String {
        let line = self.stdout.recv_timeout(DEADLINE);
        line.unwrap_or_else(|error| {
            let said: Vec<String> = self.stderr.try_iter().collect();
            panic!("no further line on standard output: {error}; on standard error: {said:?}")
        })
    }

    /// The next line of standard output that is not empty.
    #[track_caller]
    pub(crate) fn text_line(&self) -> String {
        loop {
            let line = self.line();
            if !line.is_empty() {
                return line;
            }
        }
    }

    /// The next line of standard output, which is a JSON event.
    #[track_caller]
    pub(crate) fn event(&self) -> Value {
        parse_event(&self.line())
    }

    /// The next line of standard error.
    #[track_caller]
    pub(crate) fn error_line(&self) -> String {
        let line = self.stderr.recv_timeout(DEADLINE);
        line.unwrap_or_else(|error| panic!("no further line on standard error: {error}"))
    }

    /// The next line of standard error, if one comes within `time`.
    pub(crate) fn error_line_within(&self, time: Duration) -> Option<String> {
        self.stderr.recv_timeout(time).ok()
    }

    /// Writes a line to standard input.
    pub(crate) fn say(&mut self, line: &str) {
        let stdin = self.child.stdin.as_mut().expect("a pipe");
        writeln!(stdin, "{line}").expect("the program reads");
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        signal::kill(pid_of(&self.child), signal).expect("the program still runs");
    }

    /// Stops the program, so that what is sent to it gathers in its socket.
    pub(crate) fn pause(&self) {
        self.signal(Signal::SIGSTOP);
        let path = format!("/proc/{}/stat", self.pid());
        eventually("the program stops", || {
            let stat = std::fs::read_to_string(&path).expect("the program runs");
            stat.contains(") T ")
        });
    }

    pub(crate) fn resume(&self) {
        self.signal(Signal::SIGCONT);
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        let status = self.child.try_wait().expect("a child can be waited for");
        status.is_some()
    }

    /// Closes standard input and waits for the end; the output is the lines that were not read yet.
    #[track_caller]
    pub(crate) fn wait(mut self) -> Finished {
        let status = wait_for(&mut self.child).expect("the program ends before the deadline");
        let rest =
            |lines: &Receiver<String>| lines.iter().map(|line| line + "\n").collect::<String>();
        Finished {
            code: status.code(),
            stdout: rest(&self.stdout).into(),
            stderr: rest(&self.stderr),
        }
    }

    /// Ends a program the way a user does and waits for it. Where the tests run in the background of
    /// a script, SIGINT is ignored.
    #[track_caller]
    pub(crate) fn interrupt(self) -> Finished {
        self.signal(if is_sigint_ignored() {
            Signal::SIGTERM
        } else {
            Signal::SIGINT
        });
        self.wait()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn pid_of(child: &Child) -> Pid {
    Pid::from_raw(i32::try_from(child.id()).expect("a process id"))
}

/// Waits on a thread of its own, because `wait` knows no deadline; a program past it is killed.
fn wait_for(child: &mut Child) -> Option<ExitStatus> {
    let pid = pid_of(child);
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

/// The lines of a pipe; none of a stream that is not one.
fn lines_of(source: Option<impl Read + Send + 'static>) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    if let Some(source) = source {
        thread::spawn(move || {
            let lines = BufReader::new(source).lines().map_while(Result::ok);
            lines
                .map_while(|line| sender.send(line).ok())
                .for_each(drop);
        });
    }
    receiver
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
