//! The standard streams of a process, written whatever their mode.
//!
//! Whether writing blocks is a property of the open file (`O_NONBLOCK`, open(2)), which other
//! processes share: it is inherited, and not this program's to change.

use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::sleep;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::write;

/// A standard stream without a buffer. A full one is waited for.
#[derive(Clone, Copy, Debug)]
pub enum StandardStream {
    /// Standard output.
    Output,
    /// Standard error.
    Error,
}

/// Writes to one stream, counted by all threads.
struct Writes {
    begun: AtomicU64,
    ended: AtomicU64,
}

static WRITES: [Writes; 2] = [const { Writes::none() }; 2];

impl Writes {
    const fn none() -> Self {
        Self {
            begun: AtomicU64::new(0),
            ended: AtomicU64::new(0),
        }
    }

    fn ended(&self) -> u64 {
        self.ended.load(Ordering::SeqCst)
    }

    fn ended_while_one_is_under_way(&self) -> Option<u64> {
        let ended = self.ended();
        (self.begun.load(Ordering::SeqCst) > ended).then_some(ended)
    }
}

impl Write for StandardStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let writes = &WRITES[*self as usize];
        writes.begun.fetch_add(1, Ordering::SeqCst);
        let written = match self {
            Self::Output => write_when_writable(&io::stdout(), bytes),
            Self::Error => write_when_writable(&io::stderr(), bytes),
        };
        writes.ended.fetch_add(1, Ordering::SeqCst);
        Ok(written?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn write_when_writable(stream: &impl AsFd, bytes: &[u8]) -> nix::Result<usize> {
    loop {
        match write(stream, bytes) {
            Err(Errno::EAGAIN) => wait_until_writable(stream)?,
            result => return result,
        }
    }
}

/// The end of the reader ends the wait, too.
fn wait_until_writable(stream: &impl AsFd) -> nix::Result<()> {
    let mut streams = [PollFd::new(stream.as_fd(), PollFlags::POLLOUT)];
    match poll(&mut streams, PollTimeout::NONE) {
        Ok(_) | Err(Errno::EINTR) => Ok(()),
        Err(errno) => Err(errno),
    }
}

/// Looks for `time` whether a standard stream takes nothing of what is being written to it.
pub(crate) fn is_held_up(time: Duration) -> bool {
    let under_way = WRITES.each_ref().map(Writes::ended_while_one_is_under_way);
    sleep(time);
    let mut streams = WRITES.iter().zip(under_way);
    streams.any(|(writes, before)| before == Some(writes.ended()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;
    use std::thread;

    #[test]
    fn a_full_stream_that_does_not_block_is_waited_for() {
        let (stream, mut reader) = UnixStream::pair().unwrap();
        stream.set_nonblocking(true).unwrap();
        let mut filled = 0;
        while let Ok(count) = (&stream).write(&[1; 4096]) {
            filled += count;
        }
        thread::scope(|scope| {
            scope.spawn(|| assert_eq!(write_when_writable(&stream, b"hola"), Ok(4)));
            reader.read_exact(&mut vec![0; filled]).unwrap();
            let mut rest = [0; 4];
            reader.read_exact(&mut rest).unwrap();
            assert_eq!(&rest, b"hola");
        });
    }
}
