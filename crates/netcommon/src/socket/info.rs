//! What the kernel knows about a TCP connection (`TCP_INFO`, tcp(7)).

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
    reason = "nix's macro makes its option public, and so its type"
)]
mod linux {
    use std::os::fd::AsFd;

    use nix::sys::socket::getsockopt;
    use nix::{getsockopt_impl, libc, sockopt_impl};

    use super::TcpInfo;

    /// The beginning of `struct tcp_info` as Linux has it since 4.10; nix demands the exact length.
    #[repr(C)]
    #[derive(Clone, Copy)]
    #[allow(dead_code, reason = "the layout is the kernel's")]
    pub struct Raw {
        state: u8,
        flags: [u8; 7],
        early: [u32; 23],
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

    sockopt_impl!(
        /// `TCP_INFO`.
        Info, GetOnly, libc::IPPROTO_TCP, libc::TCP_INFO, Raw);

    /// `TCP_TIME_WAIT`, `TCP_CLOSE`, `TCP_CLOSE_WAIT`, `TCP_LAST_ACK` and `TCP_CLOSING`
    /// (include/net/tcp_states.h).
    const HALF_CLOSED_BY_PEER: [u8; 5] = [6, 7, 8, 9, 11];

    /// The figures of a connection, where the kernel tells them.
    pub fn tcp_info(socket: &impl AsFd) -> Option<TcpInfo> {
        let raw = getsockopt(socket, Info).ok()?;
        let peer_has_closed = HALF_CLOSED_BY_PEER.contains(&raw.state);
        Some(TcpInfo {
            bytes_acknowledged: raw.bytes_acked,
            // The kernel counts the FIN as a byte.
            bytes_received: raw.bytes_received
                - u64::from(peer_has_closed && raw.bytes_received > 0),
            peer_has_closed,
            bytes_unsent: raw.notsent_bytes,
            retransmitted: raw.total_retrans,
        })
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
}
