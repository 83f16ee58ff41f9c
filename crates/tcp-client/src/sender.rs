//! The sending thread: from the source to the socket, as fast as both allow.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use netcommon::Error;
use netcommon::buffer::Buffer;

use crate::expectation::Expectation;
use crate::source::Source;

/// Bytes read from the source at once.
const CHUNK: usize = 256 << 10;

/// Why sending ended before the source did.
pub(crate) enum SendError {
    /// The connection took no more.
    Connection(io::Error),
    /// The source could not be read.
    Source(io::Error),
}

/// The handle of a sending thread, which is never joined: it may wait for a person to type.
pub(crate) struct Sender {
    progress: Arc<Progress>,
    result: Receiver<Result<(), SendError>>,
}

/// How far a sending thread has come.
struct Progress {
    sent: AtomicU64,
    is_reading: AtomicBool,
    bar: ProgressBar,
}

/// The work of a sending thread.
pub(crate) struct SendJob {
    pub(crate) stream: TcpStream,
    pub(crate) source: Source,
    pub(crate) expectation: Option<Arc<Expectation>>,
    pub(crate) half_close: bool,
}

impl Sender {
    pub(crate) fn start(job: SendJob, show_progress: bool) -> Result<Self, Error> {
        let progress = Arc::new(Progress {
            sent: AtomicU64::new(0),
            is_reading: AtomicBool::new(false),
            bar: progress_bar(show_progress, job.source.length),
        });
        let (report, result) = mpsc::channel();
        let shared = Arc::clone(&progress);
        let run = move || {
            // The receiver is gone when the receiving side has ended the program.
            let _ = report.send(job.send_all(&shared));
        };
        thread::Builder::new()
            .name("sender".to_owned())
            .spawn(run)
            .map_err(|error| Error::io("cannot start the sending thread", error))?;
        Ok(Self { progress, result })
    }

    /// Bytes handed to the kernel so far.
    pub(crate) fn sent(&self) -> u64 {
        self.progress.sent.load(Ordering::Relaxed)
    }

    /// Whether the thread waits for its source.
    pub(crate) fn is_reading(&self) -> bool {
        self.progress.is_reading.load(Ordering::Relaxed)
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
        self.progress.bar.finish_and_clear();
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
    fn send_all(mut self, progress: &Progress) -> Result<(), SendError> {
        let mut chunk = Buffer::new(CHUNK);
        loop {
            progress.is_reading.store(true, Ordering::Relaxed);
            let read = self.source.reader.read(&mut chunk);
            progress.is_reading.store(false, Ordering::Relaxed);
            match read {
                Ok(0) => break,
                Ok(length) => self.send(&chunk[..length], progress)?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    // Without a source there is no exchange: the receiving side's wait ends too.
                    self.shut_down(Shutdown::Both);
                    return Err(SendError::Source(error));
                }
            }
        }
        self.finish();
        Ok(())
    }

    fn send(&mut self, chunk: &[u8], progress: &Progress) -> Result<(), SendError> {
        if let Some(expectation) = &self.expectation {
            expectation.push(chunk);
        }
        let mut rest = chunk;
        while !rest.is_empty() {
            match self.stream.write(rest) {
                Ok(count) => {
                    rest = &rest[count..];
                    progress.advance(count as u64);
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
            self.shut_down(Shutdown::Write);
        } else if expectation.is_some_and(Expectation::is_fulfilled) {
            // The whole echo came before it was known to be whole: the receiving side waits for a
            // byte that never comes.
            self.shut_down(Shutdown::Read);
        }
    }

    fn shut_down(&self, how: Shutdown) {
        if let Err(error) = self.stream.shutdown(how) {
            log::debug!("cannot shut the connection down: {error}");
        }
    }
}

impl Progress {
    fn advance(&self, count: u64) {
        let sent = self.sent.fetch_add(count, Ordering::Relaxed);
        self.bar.set_position(sent + count);
    }
}

fn is_transient(error: &io::Error) -> bool {
    use io::ErrorKind as Io;
    matches!(error.kind(), Io::WouldBlock | Io::Interrupted)
}
