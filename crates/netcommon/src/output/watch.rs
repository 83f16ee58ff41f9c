//! Standard output in a poller: when nobody reads it any more.

use std::io;
use std::os::fd::{AsRawFd, RawFd};

use mio::event::Event;
use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};

/// A poller reports errors and hang-ups whatever the interest (`EPOLLERR`, `EPOLLHUP`, epoll_ctl(2)),
/// and nothing else is of interest here. `EPOLLPRI` is what a pipe, a terminal and a stream socket
/// without urgent data never report. As readable, a terminal would wake the program for each line
/// typed there, and a socket for whatever its peer sends; as writable, a terminal for each character
/// shown, a socket or a full pipe whenever it is read.
#[cfg(target_os = "linux")]
const NOTHING: Interest = Interest::PRIORITY;
/// kqueue reports the end of a reader (`EV_EOF`) to those who want to write.
#[cfg(not(target_os = "linux"))]
const NOTHING: Interest = Interest::WRITABLE;

/// Registers standard output with a poller, which then reports when nobody reads it any more:
/// [`is_closed`] tells such an event. Edge-triggered, as everything in a poller of mio.
///
/// A file cannot be watched (`EPERM`), and needs not be: it has no reader that could go.
pub fn watch(registry: &Registry, token: Token) {
    watch_descriptor(registry, token, io::stdout().as_raw_fd());
}

fn watch_descriptor(registry: &Registry, token: Token, descriptor: RawFd) {
    if let Err(error) = registry.register(&mut SourceFd(&descriptor), token, NOTHING) {
        log::debug!("standard output is not watched: {error}");
    }
}

/// Whether an event of a [watched](watch) standard output means that nobody reads it any more.
pub fn is_closed(event: &Event) -> bool {
    event.is_error() || event.is_write_closed()
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;
    use std::fs::File;
    use std::io::{Read, Write};
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;
    use std::time::Duration;

    use mio::{Events, Poll};
    use nix::pty::openpty;

    /// A stand-in for standard output, and its reader, which can write where the kind of file lets it.
    fn outputs() -> [(&'static str, OwnedFd, OwnedFd); 3] {
        let (pipe_reader, pipe_writer) = io::pipe().unwrap();
        let (socket, peer) = UnixStream::pair().unwrap();
        let terminal = openpty(None, None).unwrap();
        [
            ("pipe", pipe_writer.into(), pipe_reader.into()),
            ("socket", socket.into(), peer.into()),
            ("terminal", terminal.slave, terminal.master),
        ]
    }

    #[test]
    fn nothing_is_reported_but_the_end_of_the_reader() {
        for (kind, output, reader) in outputs() {
            let mut poll = Poll::new().unwrap();
            let mut events = Events::with_capacity(8);
            watch_descriptor(poll.registry(), Token(0), output.as_raw_fd());
            let (mut output, mut reader) = (File::from(output), File::from(reader));
            for _ in 0..3 {
                output.write_all(b"shown\n").unwrap();
                reader.read_exact(&mut [0; 6]).unwrap();
                // Nobody can write into the reading end of a pipe.
                let _ = reader.write(b"typed\n");
                poll.poll(&mut events, Some(Duration::ZERO)).unwrap();
                assert!(events.is_empty(), "{kind}: {events:?}");
            }
            drop(reader);
            poll.poll(&mut events, Some(Duration::from_secs(60)))
                .unwrap();
            assert!(events.iter().any(is_closed), "{kind}: {events:?}");
        }
    }
}
