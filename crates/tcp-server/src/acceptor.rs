//! The listener, and the pauses that full places and empty descriptor tables force on it.

use std::io;
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd};
use std::time::{Duration, Instant};

use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use netcommon::address::Endpoint;
use netcommon::error::reason;
use netcommon::warning::RateLimitedWarning;
use nix::poll::{PollFd, PollFlags, poll};
use socket2::SockRef;

use crate::send_queue;

/// Until the next try when descriptors or memory are short; a client that leaves ends the pause early.
const PAUSE: Duration = Duration::from_millis(500);

/// Between two warnings about the same shortage.
const WARNING_INTERVAL: Duration = Duration::from_secs(60);

/// Milliseconds that a handshake over loopback takes at most, on a busy machine too.
const HANDSHAKE: u8 = 20;

/// A listening socket in the poller.
///
/// The poller reports each arrival once (edge-triggered), so clients that wait in the backlog cost
/// nothing while places or descriptors are short; `ready` remembers that they may be there.
pub(crate) struct Acceptor {
    listener: TcpListener,
    ready: bool,
    paused_until: Option<Instant>,
    /// Of places or descriptors.
    pub(crate) warning: RateLimitedWarning,
}

impl Acceptor {
    pub(crate) fn new(
        listener: TcpListener,
        registry: &Registry,
        token: Token,
    ) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        if let Err(error) = send_queue::bound(&listener) {
            log::debug!("what clients do not read is bounded by their send buffers alone: {error}");
        }
        // Urgent bytes are echoed as all others; connections inherit this from the listener.
        SockRef::from(&listener).set_out_of_band_inline(true)?;
        let descriptor = listener.as_raw_fd();
        registry.register(&mut SourceFd(&descriptor), token, Interest::READABLE)?;
        Ok(Self {
            listener,
            ready: true,
            paused_until: None,
            warning: RateLimitedWarning::new(WARNING_INTERVAL),
        })
    }

    /// A client has come.
    pub(crate) fn set_ready(&mut self) {
        self.ready = true;
    }

    /// Waits a moment for clients whose handshakes are under way; true if one has come, and there is a
    /// descriptor for it.
    pub(crate) fn await_handshake(&mut self) -> bool {
        if self.paused_until.is_some() {
            return false;
        }
        let mut listener = [PollFd::new(self.listener.as_fd(), PollFlags::POLLIN)];
        let has_come = poll(&mut listener, HANDSHAKE).is_ok_and(|ready| ready > 0);
        self.ready |= has_come;
        has_come
    }

    /// A client has left: what was short may be there again.
    pub(crate) fn end_pause(&mut self) {
        self.paused_until = None;
    }

    /// Whether clients may wait in the backlog.
    pub(crate) fn is_ready(&self) -> bool {
        self.ready
    }

    /// Lets no further client connect, while those that have are still accepted: a client between the
    /// last accept and the close would be reset. This one tries again, and is refused.
    pub(crate) fn refuse_newcomers(&self) {
        #[cfg(target_os = "linux")]
        if let Err(error) = SockRef::from(&self.listener).attach_filter(&no_syn::FILTER) {
            log::debug!("a client that connects at the very end may be reset: {error}");
        }
    }

    /// How long until a try to accept makes sense, if clients may wait.
    pub(crate) fn delay(&self) -> Option<Duration> {
        let pause = self
            .paused_until
            .map(|end| end.saturating_duration_since(Instant::now()));
        self.ready.then_some(pause.unwrap_or_default())
    }

    /// The next client; `None` when none waits, or when the machine has no descriptor or no memory
    /// for one: then clients stay in the backlog.
    pub(crate) fn accept(&mut self) -> Option<(TcpStream, Endpoint)> {
        loop {
            match self.listener.accept() {
                Ok((stream, peer)) => return Some((stream, peer.into())),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.ready = false;
                    return None;
                }
                Err(error) if concerns_one_client(&error) => {
                    log::debug!("a client left before it was accepted: {error}");
                }
                Err(error) => {
                    self.paused_until = Some(Instant::now() + PAUSE);
                    self.warning.warn(format_args!(
                        "cannot accept now ({}); clients wait in the backlog",
                        reason(&error)
                    ));
                    return None;
                }
            }
        }
    }
}

/// Errors of a connection that is already gone are to be passed over (accept(2)).
fn concerns_one_client(error: &io::Error) -> bool {
    use io::ErrorKind as Io;
    let network = matches!(
        error.kind(),
        Io::NetworkDown | Io::NetworkUnreachable | Io::HostUnreachable
    );
    let client = matches!(
        error.kind(),
        Io::ConnectionAborted | Io::ConnectionReset | Io::TimedOut
    );
    network || client || error.kind() == Io::Interrupted
}

/// A filter that drops a listener's SYN segments, as if they were lost (socket(7), `SO_ATTACH_FILTER`).
#[cfg(target_os = "linux")]
mod no_syn {
    use nix::libc::{BPF_ABS, BPF_B, BPF_JMP, BPF_JSET, BPF_K, BPF_LD, BPF_RET};
    use socket2::SockFilter;

    /// The byte of a TCP header that has the flags (RFC 9293, 3.1).
    const FLAGS: u32 = 13;
    const SYN: u32 = 2;

    pub(super) static FILTER: [SockFilter; 4] = [
        instruction(BPF_LD | BPF_B | BPF_ABS, FLAGS),
        SockFilter::new((BPF_JMP | BPF_JSET | BPF_K) as u16, 0, 1, SYN),
        instruction(BPF_RET | BPF_K, 0),
        instruction(BPF_RET | BPF_K, u32::MAX),
    ];

    const fn instruction(code: u32, operand: u32) -> SockFilter {
        SockFilter::new(code as u16, 0, 0, operand)
    }
}
