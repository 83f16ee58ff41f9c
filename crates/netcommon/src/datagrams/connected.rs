//! A connected socket's datagrams, for a program that measures: when the kernel took each in, and the
//! ICMP error that came instead.

use std::io;
use std::net::UdpSocket;
use std::time::{Duration, SystemTime};

#[cfg(not(target_os = "linux"))]
pub use elsewhere::{dropped, icmp_error, prepare, receive};
#[cfg(target_os = "linux")]
pub use linux::{dropped, icmp_error, prepare, receive};

/// Bytes of the largest message: datagrams that the kernel joined are no longer together.
pub const MAX_MESSAGE: usize = 65_535;

/// One datagram, or several of one size that the kernel joined (`UDP_GRO`, udp(7)).
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    bytes: &'a [u8],
    segment: Option<usize>,
    /// How long it has waited in this machine, as far as the kernel tells.
    pub waited: Option<Duration>,
}

impl<'a> Message<'a> {
    /// Its datagrams, apart again.
    pub fn datagrams(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        super::segments(self.bytes, self.segment)
    }
}

/// An ICMP error that a peer or a router sent (RFC 792, RFC 4443).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IcmpError {
    /// Nothing listens on the port.
    PortUnreachable,
    /// No way to the host.
    HostUnreachable,
    /// No way to its network.
    NetworkUnreachable,
    /// A firewall says no.
    Prohibited,
    /// Too large for the path, and not to be fragmented.
    TooLarge,
    /// Another one, by its type and code.
    Other(u8, u8),
}

impl IcmpError {
    /// The meaning of a type and a code.
    pub fn of(is_v6: bool, kind: u8, code: u8) -> Self {
        match (is_v6, kind, code) {
            (false, 3, 3) | (true, 1, 4) => Self::PortUnreachable,
            (false, 3, 1 | 7 | 8 | 12) | (true, 1, 3) => Self::HostUnreachable,
            (false, 3, 0 | 6 | 11) | (true, 1, 0 | 2) => Self::NetworkUnreachable,
            (false, 3, 9 | 10 | 13) | (true, 1, 1 | 5 | 6) => Self::Prohibited,
            (false, 3, 4) | (true, 2, _) => Self::TooLarge,
            _ => Self::Other(kind, code),
        }
    }
}

impl std::fmt::Display for IcmpError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::PortUnreachable => f.write_str("connection refused"),
            Self::HostUnreachable => f.write_str("host unreachable"),
            Self::NetworkUnreachable => f.write_str("network unreachable"),
            Self::Prohibited => f.write_str("administratively prohibited"),
            Self::TooLarge => f.write_str("too large for the path"),
            Self::Other(kind, code) => write!(f, "ICMP type {kind}, code {code}"),
        }
    }
}

/// The time from `stamp`, by the system's clock, to now. Both are read within the wait, so that a step
/// of the clock at any other time spoils nothing; a step within it is told from its sign or size.
fn time_since(stamp: SystemTime) -> Option<Duration> {
    const BEYOND_BELIEF: Duration = Duration::from_secs(60);
    let waited = SystemTime::now().duration_since(stamp).ok()?;
    (waited < BEYOND_BELIEF).then_some(waited)
}

#[cfg(target_os = "linux")]
#[allow(unreachable_pub, reason = "nix's macro makes its option public")]
mod linux {
    use std::io::IoSliceMut;
    use std::os::fd::AsRawFd;

    use nix::libc::{self, sock_extended_err, sockaddr_in6, timespec};
    use nix::sys::socket::{
        ControlMessageOwned, MsgFlags, SockaddrStorage, getsockopt, recvmsg, setsockopt, sockopt,
    };
    use nix::{cmsg_space, getsockopt_impl, sockopt_impl};

    use super::*;
    use crate::error::Error;

    /// `SK_MEMINFO_DROPS` (linux/sock_diag.h): the place of the drop counter.
    const DROPS: usize = 8;

    sockopt_impl!(
        /// `SO_MEMINFO`: the memory of a socket.
        MemInfo,
        GetOnly,
        libc::SOL_SOCKET,
        libc::SO_MEMINFO,
        [u32; 9]
    );

    /// Makes a socket non-blocking, and lets the kernel join datagrams, stamp them with the time, and
    /// report every ICMP error (`IP_RECVERR`, ip(7)).
    ///
    /// # Errors
    ///
    /// The option that the kernel refused.
    pub fn prepare(socket: &UdpSocket) -> Result<(), Error> {
        let failed = |error| Error::io("cannot set up the socket", error);
        socket.set_nonblocking(true).map_err(failed)?;
        if let Err(error) = setsockopt(socket, sockopt::UdpGroSegment, &true) {
            log::debug!("no UDP_GRO on this kernel: {error}");
        }
        let is_v6 = socket.local_addr().map_err(failed)?.is_ipv6();
        let reports = if is_v6 {
            setsockopt(socket, sockopt::Ipv6RecvErr, &true)
        } else {
            setsockopt(socket, sockopt::Ipv4RecvErr, &true)
        };
        reports
            .and_then(|()| setsockopt(socket, sockopt::ReceiveTimestampns, &true))
            .map_err(|error| failed(error.into()))
    }

    /// Receives the next message into `buffer`, of [`MAX_MESSAGE`] bytes.
    ///
    /// # Errors
    ///
    /// `WouldBlock` where there is none, else the pending error of the socket; [`icmp_error`] tells
    /// more about it.
    pub fn receive<'a>(socket: &UdpSocket, buffer: &'a mut [u8]) -> io::Result<Message<'a>> {
        let mut control = cmsg_space!(timespec, i32);
        let mut slices = [IoSliceMut::new(buffer)];
        let flags = MsgFlags::MSG_DONTWAIT;
        let message = recvmsg::<()>(socket.as_raw_fd(), &mut slices, Some(&mut control), flags)?;
        let (mut segment, mut waited) = (None, None);
        for control in message.cmsgs().into_iter().flatten() {
            match control {
                ControlMessageOwned::UdpGroSegments(size) => segment = usize::try_from(size).ok(),
                ControlMessageOwned::ScmTimestampns(time) => {
                    let stamp = SystemTime::UNIX_EPOCH.checked_add(Duration::from(time));
                    waited = stamp.and_then(time_since);
                }
                _ => {}
            }
        }
        let length = message.bytes;
        Ok(Message {
            bytes: &buffer[..length],
            segment,
            waited,
        })
    }

    /// Empties the error queue of a socket, and returns the first ICMP error in it.
    pub fn icmp_error(socket: &UdpSocket) -> Option<IcmpError> {
        let mut first = None;
        while let Ok(error) = next_error(socket) {
            first = first.or(error);
        }
        first
    }

    /// `None` is an error of this machine's own.
    fn next_error(socket: &UdpSocket) -> io::Result<Option<IcmpError>> {
        let mut control = cmsg_space!(sock_extended_err, sockaddr_in6, timespec);
        let mut returned = [0; 64];
        let mut slices = [IoSliceMut::new(&mut returned)];
        let flags = MsgFlags::MSG_ERRQUEUE | MsgFlags::MSG_DONTWAIT;
        let descriptor = socket.as_raw_fd();
        let message =
            recvmsg::<SockaddrStorage>(descriptor, &mut slices, Some(&mut control), flags)?;
        let errors = message.cmsgs().into_iter().flatten();
        Ok(errors.filter_map(|control| meaning(&control)).next())
    }

    fn meaning(control: &ControlMessageOwned) -> Option<IcmpError> {
        let (is_v6, error) = match control {
            ControlMessageOwned::Ipv4RecvErr(error, _) => (false, error),
            ControlMessageOwned::Ipv6RecvErr(error, _) => (true, error),
            _ => return None,
        };
        let is_icmp = matches!(
            error.ee_origin,
            libc::SO_EE_ORIGIN_ICMP | libc::SO_EE_ORIGIN_ICMP6
        );
        is_icmp.then(|| IcmpError::of(is_v6, error.ee_type, error.ee_code))
    }

    /// Messages that the kernel dropped for a socket, for want of room in its receive buffer above all.
    pub fn dropped(socket: &UdpSocket) -> Option<u64> {
        let memory = getsockopt(socket, MemInfo).ok()?;
        Some(memory[DROPS].into())
    }
}

#[cfg(not(target_os = "linux"))]
mod elsewhere {
    use super::*;
    use crate::error::Error;

    /// Makes a socket non-blocking.
    ///
    /// # Errors
    ///
    /// The system's reason.
    pub fn prepare(socket: &UdpSocket) -> Result<(), Error> {
        let prepared = socket.set_nonblocking(true);
        prepared.map_err(|error| Error::io("cannot set up the socket", error))
    }

    /// Receives the next datagram into `buffer`, of [`MAX_MESSAGE`] bytes.
    ///
    /// # Errors
    ///
    /// `WouldBlock` where there is none, else the pending error of the socket.
    pub fn receive<'a>(socket: &UdpSocket, buffer: &'a mut [u8]) -> io::Result<Message<'a>> {
        let length = socket.recv(buffer)?;
        Ok(Message {
            bytes: &buffer[..length],
            segment: None,
            waited: None,
        })
    }

    /// Unknown here.
    pub fn icmp_error(_: &UdpSocket) -> Option<IcmpError> {
        None
    }

    /// Unknown here.
    pub fn dropped(_: &UdpSocket) -> Option<u64> {
        None
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;
    use std::time::Instant;

    const DEADLINE: Duration = Duration::from_secs(60);

    fn pair(place: &str) -> (UdpSocket, UdpSocket) {
        let [one, other] = [place; 2].map(|place| UdpSocket::bind(place).unwrap());
        one.connect(other.local_addr().unwrap()).unwrap();
        other.connect(one.local_addr().unwrap()).unwrap();
        prepare(&one).unwrap();
        (one, other)
    }

    /// What comes next that is not "nothing yet".
    fn next<T>(mut receive: impl FnMut() -> io::Result<T>) -> io::Result<T> {
        let start = Instant::now();
        loop {
            match receive() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    assert!(start.elapsed() < DEADLINE, "nothing comes");
                }
                result => return result,
            }
        }
    }

    #[test]
    fn a_datagram_tells_how_long_it_has_waited() {
        for place in ["127.0.0.1:0", "[::1]:0"] {
            let (socket, peer) = pair(place);
            let start = Instant::now();
            peer.send(b"hola").unwrap();
            let mut buffer = vec![0; MAX_MESSAGE];
            next(|| receive(&socket, &mut buffer).map(drop)).unwrap();
            peer.send(b"hola").unwrap();
            let waited = next(|| receive(&socket, &mut buffer).map(|message| message.waited));
            assert!(waited.unwrap().unwrap() <= start.elapsed());
        }
    }

    #[test]
    fn a_closed_port_is_named() {
        for place in ["127.0.0.1:0", "[::1]:0"] {
            let (socket, peer) = pair(place);
            drop(peer);
            socket.send(b"?").unwrap();
            let mut buffer = vec![0; MAX_MESSAGE];
            let error = next(|| receive(&socket, &mut buffer).map(drop)).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
            assert_eq!(icmp_error(&socket), Some(IcmpError::PortUnreachable));
            assert_eq!(icmp_error(&socket), None);
        }
    }

    #[test]
    fn drops_are_counted_without_a_further_datagram() {
        let (socket, peer) = pair("127.0.0.1:0");
        assert_eq!(dropped(&socket), Some(0));
        socket2::SockRef::from(&socket)
            .set_recv_buffer_size(1)
            .unwrap();
        let start = Instant::now();
        while dropped(&socket) == Some(0) {
            assert!(start.elapsed() < DEADLINE, "nothing is dropped");
            peer.send(&[b'x'; 1_000]).unwrap();
        }
    }

    #[test]
    fn types_and_codes_have_their_names() {
        let table = [
            (false, 3, 1, "host unreachable"),
            (false, 3, 13, "administratively prohibited"),
            (true, 1, 1, "administratively prohibited"),
            (true, 1, 0, "network unreachable"),
            (true, 2, 0, "too large for the path"),
            (false, 11, 0, "ICMP type 11, code 0"),
        ];
        for (is_v6, kind, code, name) in table {
            assert_eq!(IcmpError::of(is_v6, kind, code).to_string(), name);
        }
    }
}
