//! The sending thread: from the source to the connection, as fast as both allow.

use std::io::{self, Read};
use std::net::Shutdown;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread::{self, Thread};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use netcommon::Error;
use netcommon::buffer::Buffer;

use crate::connection::Connection;
use crate::expectation::Expectation;
use crate::idle::IdleTimer;
use crate::source::Source;

/// Bytes read from the source at once.
const CHUNK: usize = 256 << 10;

/// Time without a byte in either direction after which a server seems to wait for the end of what
/// it is sent, before it answers.
const QUIET: Duration = Duration::from_millis(250);

/// Why sending ended before the source did.
pub(crate) enum SendError {
    /// The connection took no more.
    Connection(io::Error),
    /// The source could not be read.
    Source(io::Error),
}

/// The handle of a sending thread, which is never joined: it may wait for a person to type.
pub(crate) struct Sender {
    thread: Thread,
    view: Arc<View>,
    result: Receiver<Result<(), SendError>>,
}

/// State of a sending thread that others can see.
struct View {
    is_reading: AtomicBool,
    has_ended: AtomicBool,
    bar: ProgressBar,
}

/// The work of a sending thread.
pub(crate) struct SendJob {
    pub(crate) connection: Arc<Connection>,
    pub(crate) source: Source,
    pub(crate) expectation: Option<Arc<Expectation>>,
    pub(crate) half_close: bool,
}

impl Sender {
    pub(crate) fn start(job: SendJob, show_progress: bool) -> Result<Self, Error> {
        let view = Arc::new(View {
            is_reading: AtomicBool::new(false),
            has_ended: AtomicBool::new(false),
            bar: progress_bar(show_progress, job.source.length),
        });
        let (report, result) = mpsc::channel();
        let shared = Arc::clone(&view);
        let run = move || {
            let result = job.send_all(&shared);
            shared.has_ended.store(true, Ordering::Relaxed);
            // The receiver is gone when the receiving side has ended the program.
            let _ = report.send(result);
        };
        let handle = thread::Builder::new()
            .name("sender".to_owned())
            .spawn(run)
            .map_err(|error| Error::thread("cannot start the sending thread", error))?;
        Ok(Self {
            thread: handle.thread().clone(),
            view,
            result,
        })
    }

    /// Tells the thread that something has come, for which it may wait.
    pub(crate) fn wake(&self) {
        self.thread.unpark();
    }

    /// Whether the thread waits for its source.
    pub(crate) fn is_reading(&self) -> bool {
        self.view.is_reading.load(Ordering::Relaxed)
    }

    /// Whether the thread has done all it could.
    pub(crate) fn has_ended(&self) -> bool {
        self.view.has_ended.load(Ordering::Relaxed)
    }

    /// Waits at most `timeout` for the end of the thread.
    pub(crate) fn wait(&self, timeout: Duration) -> Option<Result<(), SendError>> {
        match self.result.recv_timeout(timeout) {
            Ok(result) => Some(result),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => {
                let panicked = io::ErrorKind::BrokenPipe.into();
                Some(Err(SendError::Connection(panicked)))
            }
        }
    }

    /// Removes the progress bar from the terminal.
    pub(crate) fn clear_progress(&self) {
        self.view.bar.finish_and_clear();
    }
}

/// Bytes, rate and, where the length is known, a bar and the time left, on standard error.
fn progress_bar(is_visible: bool, length: Option<u64>) -> ProgressBar {
    let target = if is_visible {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    let bar = ProgressBar::with_draw_target(length, target);
    let template = match length {
        Some(_) => "{bytes}/{total_bytes} [{bar:30}] {bytes_per_sec}, {eta} left",
        None => "{bytes} {bytes_per_sec}",
    };
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.set_style(style.progress_chars("=> ")),
        Err(error) => log::debug!("the default progress bar is drawn: {error}"),
    }
    bar
}

impl SendJob {
    fn send_all(mut self, view: &View) -> Result<(), SendError> {
        let mut chunk = Buffer::new(CHUNK);
        loop {
            view.is_reading.store(true, Ordering::Relaxed);
            let read = self.source.reader.read(&mut chunk);
            view.is_reading.store(false, Ordering::Relaxed);
            match read {
                Ok(0) => break,
                Ok(length) => self.send(&chunk[..length], view)?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    // Without a source there is no exchange: the receiving side's wait ends too.
                    self.connection.shut_down(Shutdown::Both);
                    return Err(SendError::Source(error));
                }
            }
        }
        self.finish();
        Ok(())
    }

    fn send(&self, chunk: &[u8], view: &View) -> Result<(), SendError> {
        if let Some(expectation) = &self.expectation {
            expectation.push(chunk, || !self.connection.has_unread());
        }
        let mut rest = chunk;
        while !rest.is_empty() {
            match self.connection.write(rest) {
                Ok(count) => {
                    rest = &rest[count..];
                    view.bar.inc(count as u64);
                }
                // The receiving side measures how long nothing has passed.
                Err(error) if is_transient(&error) => {}
                Err(error) => {
                    log::info!("cannot send any more: {error}");
                    return Err(SendError::Connection(error));
                }
            }
        }
        Ok(())
    }

    fn finish(&self) {
        let expectation = self.expectation.as_deref();
        if let Some(expectation) = expectation {
            expectation.finish();
        }
        if self.half_close {
            self.wait_for_reply();
            self.connection.half_close();
        } else if expectation.is_some_and(Expectation::is_fulfilled) {
            // The whole echo came before it was known to be whole: the receiving side waits for a
            // byte that never comes.
            self.connection.shut_down(Shutdown::Read);
        }
    }

    /// Many proxies end a session, and what is left of its reply, at a half-close: that waits until
    /// the reply is there, or the server seems to wait for it.
    fn wait_for_reply(&self) {
        let connection = &self.connection;
        let mut quiet = IdleTimer::new(QUIET, connection.position());
        while !connection.is_answered() {
            if quiet.has_expired(connection.position()) && connection.is_settled() {
                return;
            }
            thread::park_timeout(QUIET / 10);
        }
    }
}

fn is_transient(error: &io::Error) -> bool {
    use io::ErrorKind as Io;
    matches!(error.kind(), Io::WouldBlock | Io::Interrupted)
}
