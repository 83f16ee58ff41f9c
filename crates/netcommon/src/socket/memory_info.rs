//! Memory and drops of a socket from the kernel (`SO_MEMINFO`, Linux 4.12; linux/sock_diag.h, `SK_MEMINFO_*`).

use std::os::fd::AsFd;

/// Figures as of now; memory is in bytes, with the kernel's own bookkeeping in them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryInfo {
    /// Memory of what came and was not read yet.
    pub unread: u32,
    /// The most of that (`SO_RCVBUF`).
    pub rcvbuf: u32,
    /// Memory of what the peer has not acknowledged yet, sent or not.
    pub unacknowledged: u32,
    /// The most of that (`SO_SNDBUF`).
    pub sndbuf: u32,
    /// Packets dropped since the socket was opened, for want of room above all; the count wraps.
    pub drops: u32,
}

impl MemoryInfo {
    /// The figures of a socket, where the kernel tells them.
    #[cfg(target_os = "linux")]
    pub fn of(socket: &impl AsFd) -> Option<Self> {
        let figures = nix::sys::socket::getsockopt(socket, linux::Memory).ok()?;
        let [unread, rcvbuf, _, sndbuf, _, unacknowledged, _, _, drops] = figures;
        Some(Self {
            unread,
            rcvbuf,
            unacknowledged,
            sndbuf,
            drops,
        })
    }

    /// Elsewhere nothing is told.
    #[cfg(not(target_os = "linux"))]
    pub fn of(_: &impl AsFd) -> Option<Self> {
        None
    }
}

#[cfg(target_os = "linux")]
#[allow(unreachable_pub, reason = "nix's macro makes its option public")]
mod linux {
    use nix::{getsockopt_impl, libc, sockopt_impl};

    sockopt_impl!(
        /// `SO_MEMINFO`: as many figures as there were from the beginning.
        Memory, GetOnly, libc::SOL_SOCKET, libc::SO_MEMINFO, [u32; 9]);
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn bytes_that_nobody_reads_take_memory() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut server, _) = listener.accept().unwrap();
        client.write_all(&[7; 1000]).unwrap();
        server.peek(&mut [0]).unwrap();
        let full = MemoryInfo::of(&server).unwrap();
        assert!(full.unread >= 1000 && full.unread < full.rcvbuf, "{full:?}");
        server.read_exact(&mut [0; 1000]).unwrap();
        assert_eq!(MemoryInfo::of(&server).unwrap().unread, 0);
    }

    #[test]
    fn the_sizes_of_the_buffers_are_those_of_the_socket_options() {
        let socket = socket2::Socket::new(socket2::Domain::IPV6, socket2::Type::DGRAM, None);
        let socket = socket.unwrap();
        let info = MemoryInfo::of(&socket).unwrap();
        assert_eq!(info.rcvbuf as usize, socket.recv_buffer_size().unwrap());
        assert_eq!(info.sndbuf as usize, socket.send_buffer_size().unwrap());
        assert_eq!((info.unread, info.unacknowledged), (0, 0));
    }
}
