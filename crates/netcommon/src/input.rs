//! Files to send, where `-` is standard input.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read, Seek};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

use nix::libc::O_NONBLOCK;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{MsgFlags, recv};

use crate::deadline::Deadline;
use crate::error::{Error, ErrorKind};

/// Whether a path stands for standard input.
pub fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

/// A file, a pipe, a terminal, or standard input of any kind.
///
/// Its reads wait for bytes, also where another process has made the descriptor non-blocking: that
/// mode belongs to the open file, which all its processes share (fcntl(2)), and stays as it is.
#[derive(Debug)]
pub struct Input(File);

impl Input {
    /// Opens a file for reading. Standard input gets a descriptor of its own: the buffer that the
    /// standard library has in front of it would copy every byte once more.
    ///
    /// A FIFO is opened at once (fifo(7)); its reads wait for a writer.
    ///
    /// # Errors
    ///
    /// A path that names nothing readable, as a usage error or a local limit.
    pub fn open(path: &Path) -> Result<Self, Error> {
        open_readable(path)
            .map(Self)
            .map_err(|error| cannot_read(path, error))
    }

    /// The same, where the writer of a FIFO is waited for until the deadline.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open), and a FIFO that nobody writes in time.
    pub fn open_in_time(path: &Path, deadline: Deadline) -> Result<Self, Error> {
        let input = Self::open(path)?;
        if !is_stdin(path) && input.is_fifo() {
            wait_for_writer(&input.0, deadline)
                .map_err(|error| cannot_read(path, error).with_hint("nobody writes to it"))?;
        }
        Ok(input)
    }

    fn is_fifo(&self) -> bool {
        let metadata = self.0.metadata();
        metadata.is_ok_and(|metadata| metadata.file_type().is_fifo())
    }

    /// How many bytes it has, where that is known beforehand.
    pub fn length(&self) -> Option<u64> {
        let metadata = self.0.metadata().ok().filter(Metadata::is_file);
        metadata.map(|metadata| metadata.len())
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            poll_events(&self.0, PollTimeout::NONE)?;
            match self.0.read(buffer) {
                // Another reader of the same pipe was faster.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return result,
            }
        }
    }
}

fn open_readable(path: &Path) -> io::Result<File> {
    let file = if is_stdin(path) {
        io::stdin().as_fd().try_clone_to_owned()?.into()
    } else {
        let mut options = OpenOptions::new();
        options.read(true).custom_flags(O_NONBLOCK).open(path)?
    };
    if file.metadata()?.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    Ok(file)
}

/// A report of poll(2): bytes (`POLLIN`), the end (`POLLHUP` alone, from a pipe), or an error.
fn poll_events(file: &File, timeout: PollTimeout) -> io::Result<PollFlags> {
    let mut ready = [PollFd::new(file.as_fd(), PollFlags::POLLIN)];
    poll(&mut ready, timeout)?;
    Ok(ready[0].revents().unwrap_or(PollFlags::empty()))
}

/// Until a FIFO has had a writer, poll(2) reports neither bytes nor an end.
fn wait_for_writer(fifo: &File, deadline: Deadline) -> io::Result<()> {
    while let Some(left) = deadline.left() {
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
        match poll_events(fifo, timeout) {
            Ok(events) if events.is_empty() => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result.map(drop),
        }
    }
    Ok(())
}

/// Why a file cannot be read; one that is not there is a usage error.
fn cannot_read(path: &Path, error: io::Error) -> Error {
    use io::ErrorKind as Io;
    let kind = match error.kind() {
        Io::NotFound | Io::IsADirectory => ErrorKind::Usage,
        _ => ErrorKind::of(&error),
    };
    Error::io(format!("cannot read '{}'", path.display()), error).with_kind(kind)
}

/// Warns when bytes wait at standard input that a program was not asked to read.
///
/// Says nothing where nobody meant to send any: at a terminal or `/dev/null`, with a pipe or socket
/// that is only inherited, and within a loop whose own input is a file.
pub fn warn_of_unread_stdin() {
    if has_unread_stdin().unwrap_or(false) {
        log::warn!("standard input is not read; -f - sends it");
    }
}

fn has_unread_stdin() -> io::Result<bool> {
    let mut stdin = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let metadata = stdin.metadata()?;
    let kind = metadata.file_type();
    Ok(if kind.is_file() {
        metadata.len() > 0 && stdin.stream_position()? == 0
    } else if kind.is_fifo() {
        poll_events(&stdin, PollTimeout::ZERO)?.contains(PollFlags::POLLIN)
    } else if kind.is_socket() {
        let flags = MsgFlags::MSG_PEEK | MsgFlags::MSG_DONTWAIT;
        recv(stdin.as_raw_fd(), &mut [0], flags)? > 0
    } else {
        false
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_names_no_file_is_a_usage_error() {
        for path in ["/nowhere/at/all", "/"] {
            let error = Input::open(Path::new(path)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Usage);
            assert!(error.to_string().contains(&format!("'{path}'")), "{error}");
        }
    }
}
