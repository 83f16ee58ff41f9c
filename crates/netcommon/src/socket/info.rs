//! Figures of a TCP connection from the kernel (`TCP_INFO`, tcp(7)).

use std::time::Duration;

use super::sent_bytes::SentBytes;

/// Figures of one connection, as of now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpInfo {
    /// Bytes that the peer has acknowledged.
    pub bytes_acknowledged: u64,
    /// Bytes received, read by the program or not.
    pub bytes_received: u64,
    /// Whether the peer has closed its side, or the connection is over.
    pub peer_has_closed: bool,
    /// Bytes that are not sent yet.
    pub bytes_unsent: u32,
    /// Segments that were sent again.
    pub retransmitted: u32,
    /// Smoothed round-trip time (RFC 6298), if one was measured.
    pub rtt: Option<Duration>,
    /// The shortest round trip of the last minutes (tcp(7), `tcp_min_rtt_wlen`).
    pub min_rtt: Option<Duration>,
    /// Times of its sending.
    pub times: SendTimes,
    /// Bytes sent, first and again; since Linux 4.19.
    pub bytes: Option<SentBytes>,
}

/// Times of a connection in which it had something to send or unacknowledged, in steps of the
/// kernel's timer (1 to 10 ms).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SendTimes {
    /// All of that, the others included.
    pub busy: Duration,
    /// The receiver's window had no room for the next segment.
    pub rwnd_limited: Duration,
    /// All was sent, and the program waited for room in the send buffer. The kernel begins to count
    /// when it sends with the program already waiting: with pacing nearly always, without hardly ever.
    pub sndbuf_limited: Duration,
}

#[cfg(target_os = "linux")]
pub use linux::tcp_info;

/// The figures of a connection; elsewhere nothing is told.
#[cfg(not(target_os = "linux"))]
pub fn tcp_info(_: &impl std::os::fd::AsFd) -> Option<TcpInfo> {
    None
}

#[cfg(target_os = "linux")]
#[allow(
    unreachable_pub,
    reason = "nix's macro makes its options public, and so their types"
)]
mod linux {
    use std::os::fd::AsFd;
    use std::sync::OnceLock;
    use std::time::Duration;

    use nix::sys::socket::getsockopt;
    use nix::sys::utsname::uname;
    use nix::{getsockopt_impl, libc, sockopt_impl};

    use super::{SendTimes, TcpInfo};
    use crate::socket::sent_bytes::SentBytes;

    /// The beginning of `struct tcp_info` (linux/tcp.h), as it is since Linux 4.10.
    #[repr(C)]
    #[derive(Clone, Copy)]
    #[allow(dead_code, reason = "the layout is the kernel's")]
    pub struct Raw {
        state: u8,
        flags: [u8; 7],
        early: [u32; 15],
        rtt: u32,
        middle: [u32; 7],
        total_retrans: u32,
        pacing_rates: [u64; 2],
        bytes_acked: u64,
        bytes_received: u64,
        segments: [u32; 2],
        notsent_bytes: u32,
        min_rtt: u32,
        data_segments: [u32; 2],
        delivery_rate: u64,
        busy_time: u64,
        rwnd_limited: u64,
        sndbuf_limited: u64,
    }

    /// The same and what has followed since Linux 4.19.
    #[repr(C)]
    #[derive(Clone, Copy)]
    #[allow(dead_code, reason = "the layout is the kernel's")]
    pub struct LongRaw {
        raw: Raw,
        delivered: [u32; 2],
        bytes_sent: u64,
        bytes_retrans: u64,
    }

    sockopt_impl!(
        /// `TCP_INFO`.
        Info, GetOnly, libc::IPPROTO_TCP, libc::TCP_INFO, Raw);

    sockopt_impl!(
        /// `TCP_INFO` with the bytes that were sent.
        LongInfo, GetOnly, libc::IPPROTO_TCP, libc::TCP_INFO, LongRaw);

    /// `TCP_TIME_WAIT`, `TCP_CLOSE`, `TCP_CLOSE_WAIT`, `TCP_LAST_ACK` and `TCP_CLOSING`
    /// (include/net/tcp_states.h).
    const HALF_CLOSED_BY_PEER: [u8; 5] = [6, 7, 8, 9, 11];

    /// The figures of a connection, where the kernel tells them (Linux 4.10).
    ///
    /// A kernel gives as much of the structure as it has, and nix panics where that is less than what
    /// was asked for: so its version decides what it is asked for.
    pub fn tcp_info(socket: &impl AsFd) -> Option<TcpInfo> {
        match version() {
            version if version >= (4, 19) => {
                let long = getsockopt(socket, LongInfo).ok()?;
                Some(TcpInfo {
                    bytes: Some(SentBytes {
                        sent: long.bytes_sent,
                        again: long.bytes_retrans,
                    }),
                    ..long.raw.into()
                })
            }
            version if version >= (4, 10) => getsockopt(socket, Info).ok().map(TcpInfo::from),
            _ => None,
        }
    }

    /// The kernel's version; 0.0 where it has none that can be read.
    fn version() -> (u32, u32) {
        static VERSION: OnceLock<(u32, u32)> = OnceLock::new();
        *VERSION.get_or_init(|| {
            let release = uname().ok();
            let release = release.as_ref().and_then(|names| names.release().to_str());
            release.and_then(parse_version).unwrap_or_default()
        })
    }

    /// `6.1` of `6.1.0-18-amd64`.
    pub(super) fn parse_version(release: &str) -> Option<(u32, u32)> {
        let mut numbers = release.split(|character: char| !character.is_ascii_digit());
        let mut number = || numbers.next()?.parse().ok();
        Some((number()?, number()?))
    }

    impl From<Raw> for TcpInfo {
        fn from(raw: Raw) -> Self {
            let peer_has_closed = HALF_CLOSED_BY_PEER.contains(&raw.state);
            Self {
                bytes_acknowledged: raw.bytes_acked,
                // The kernel counts the FIN as a byte.
                bytes_received: raw.bytes_received
                    - u64::from(peer_has_closed && raw.bytes_received > 0),
                peer_has_closed,
                bytes_unsent: raw.notsent_bytes,
                retransmitted: raw.total_retrans,
                rtt: round_trip(raw.rtt),
                min_rtt: round_trip(raw.min_rtt),
                times: SendTimes {
                    busy: Duration::from_micros(raw.busy_time),
                    rwnd_limited: Duration::from_micros(raw.rwnd_limited),
                    sndbuf_limited: Duration::from_micros(raw.sndbuf_limited),
                },
                bytes: None,
            }
        }
    }

    /// 0 and the largest number stand for none.
    fn round_trip(micros: u32) -> Option<Duration> {
        let is_measured = ![0, u32::MAX].contains(&micros);
        is_measured.then(|| Duration::from_micros(micros.into()))
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn a_connection_tells_how_far_it_is() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut server, _) = listener.accept().unwrap();
        client.write_all(&[7; 1000]).unwrap();
        server.read_exact(&mut [0; 1000]).unwrap();
        server.write_all(b"echo").unwrap();
        client.read_exact(&mut [0; 4]).unwrap();
        let info = tcp_info(&client).unwrap();
        // The handshake's SYN counts as a byte where the kernel has it so.
        assert!((1000..=1001).contains(&info.bytes_acknowledged), "{info:?}");
        assert_eq!((info.bytes_received, info.bytes_unsent), (4, 0));
        assert_eq!(info.retransmitted, 0);
        assert!(!info.peer_has_closed);
        drop(server);
        assert_eq!(client.read(&mut [0]).unwrap(), 0);
        let info = tcp_info(&client).unwrap();
        assert_eq!((info.bytes_received, info.peer_has_closed), (4, true));
    }

    #[test]
    fn the_side_that_accepted_is_acknowledged_its_own_bytes_alone() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut server, _) = listener.accept().unwrap();
        server.write_all(b"echo").unwrap();
        client.read_exact(&mut [0; 4]).unwrap();
        // The answer carries the acknowledgement.
        client.write_all(b"!").unwrap();
        server.read_exact(&mut [0]).unwrap();
        assert_eq!(tcp_info(&server).unwrap().bytes_acknowledged, 4);
    }

    #[test]
    fn round_trips_and_bytes_are_told_once_there_were_some() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut server, _) = listener.accept().unwrap();
        client.write_all(&[7; 1000]).unwrap();
        server.read_exact(&mut [0; 1000]).unwrap();
        server.write_all(b"!").unwrap();
        client.read_exact(&mut [0]).unwrap();
        let info = tcp_info(&client).unwrap();
        let (rtt, min_rtt) = (info.rtt.unwrap(), info.min_rtt.unwrap());
        assert!(min_rtt <= rtt && rtt < Duration::from_secs(60), "{info:?}");
        // Nothing but a lost timer's race could send them again.
        assert!(
            info.bytes
                .is_none_or(|bytes| bytes.sent - bytes.again == 1000),
            "{info:?}"
        );
        assert!(info.times.rwnd_limited + info.times.sndbuf_limited <= info.times.busy);
    }

    #[test]
    fn the_kernel_s_version_is_the_first_two_numbers() {
        let table = [
            ("6.18.44-fc-v782", Some((6, 18))),
            ("4.19.0-gvisor", Some((4, 19))),
            ("5.10", Some((5, 10))),
            ("5", None),
            ("", None),
            ("rolling", None),
        ];
        for (release, version) in table {
            assert_eq!(linux::parse_version(release), version, "{release}");
        }
    }
}
