//! UDP sockets of the test's own, and what the kernel tells about those of others.

use std::fs;
use std::io::IoSlice;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;

use nix::sys::socket::{
    ControlMessage, MsgFlags, MultiHeaders, SockaddrStorage, sendmmsg, sendmsg,
};

use super::DEADLINE;
use super::process::{Running, eventually};

/// A socket of the test on an address of this machine, that does not wait for ever.
pub(crate) fn socket_on(address: &str) -> UdpSocket {
    let address: std::net::IpAddr = address.parse().expect("an address");
    let socket = UdpSocket::bind((address, 0)).expect("a port is free");
    socket.set_read_timeout(Some(DEADLINE)).expect("a time-out");
    socket
}

/// A socket on an address of this machine that hears itself alone: to all others its port is closed,
/// and is given to nobody while the socket is held.
pub(crate) fn closed_to_others(address: &str) -> UdpSocket {
    let socket = socket_on(address);
    let itself = socket.local_addr().expect("an address");
    socket.connect(itself).expect("loopback is reachable");
    socket
}

/// A socket of the test that sends to `address` and hears it alone.
pub(crate) fn connected_to(address: SocketAddr) -> UdpSocket {
    let socket = socket_on(if address.is_ipv4() { "0.0.0.0" } else { "::" });
    socket.connect(address).expect("loopback is reachable");
    socket
}

/// The next datagram.
#[track_caller]
pub(crate) fn receive(socket: &UdpSocket) -> Vec<u8> {
    let mut buffer = vec![0; 1 << 16];
    let length = socket.recv(&mut buffer).expect("a datagram comes");
    buffer.truncate(length);
    buffer
}

/// Sends `count` datagrams as fast as one thread can.
pub(crate) fn burst(socket: &UdpSocket, payload: &[u8], count: usize) {
    const BATCH: usize = 64;
    let slices = vec![[IoSlice::new(payload)]; BATCH];
    let mut left = count;
    while left > 0 {
        let batch = left.min(BATCH);
        let mut headers = MultiHeaders::<SockaddrStorage>::preallocate(batch, None);
        let nowhere = vec![None; batch];
        let flags = MsgFlags::empty();
        let sent = sendmmsg(
            socket.as_raw_fd(),
            &mut headers,
            &slices,
            nowhere,
            [],
            flags,
        );
        left -= sent.expect("loopback takes everything").count();
    }
}

/// Sends `bytes` as datagrams of `size` bytes that the kernel keeps in one piece as far as it can
/// (UDP_SEGMENT, udp(7)).
pub(crate) fn send_segmented(socket: &UdpSocket, bytes: &[u8], size: u16) {
    let slices = [IoSlice::new(bytes)];
    let segments = [ControlMessage::UdpGsoSegments(&size)];
    let flags = MsgFlags::empty();
    sendmsg::<SockaddrStorage>(socket.as_raw_fd(), &slices, &segments, flags, None)
        .expect("loopback takes it");
}

/// Number of packets that the machine dropped before they reached any socket, because a processor's
/// backlog was full (`net.core.netdev_max_backlog`): no program can know of those.
pub(crate) fn dropped_before_sockets() -> u64 {
    let table = fs::read_to_string("/proc/net/softnet_stat").expect("a table");
    let dropped = |line: &str| {
        let field = line.split_whitespace().nth(1).expect("a second field");
        u64::from_str_radix(field, 16).expect("a number")
    };
    table.lines().map(dropped).sum()
}

/// Where a server listens that does not say it, on the IPv4 loopback: its socket is found by the
/// inode in its table of descriptors (proc_pid_fd(5), proc_pid_net(5)).
pub(crate) fn address_of(server: &Running) -> SocketAddr {
    let mut port = None;
    eventually("the server has a socket", || {
        port = port_of(server.pid());
        port.is_some()
    });
    SocketAddr::from(([127, 0, 0, 1], port.expect("it was found")))
}

fn port_of(pid: u32) -> Option<u16> {
    let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).ok()?;
    let links = descriptors.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    let links: Vec<String> = links.map(|link| link.display().to_string()).collect();
    let table = fs::read_to_string("/proc/net/udp").expect("a table");
    table.lines().skip(1).find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (_, port) = fields[1].rsplit_once(':')?;
        let is_ours = links.contains(&format!("socket:[{}]", fields[9]));
        is_ours.then(|| u16::from_str_radix(port, 16).expect("a port"))
    })
}

/// The kernel's facts about a socket.
pub(crate) struct SocketFigures {
    /// Bytes that were not read yet.
    pub(crate) queued: u64,
    /// Datagrams for which there was no room.
    pub(crate) dropped: u64,
}

/// The figures of the socket that is bound to an address (proc_pid_net(5)).
pub(crate) fn figures_of(address: SocketAddr) -> SocketFigures {
    let (path, octets) = match address.ip() {
        IpAddr::V4(v4) => ("/proc/net/udp", v4.octets().to_vec()),
        IpAddr::V6(v6) => ("/proc/net/udp6", v6.octets().to_vec()),
    };
    // Words in the order of this machine's memory.
    let words = octets.chunks(4).map(|word| {
        let word = u32::from_ne_bytes(word.try_into().expect("4 bytes"));
        format!("{word:08X}")
    });
    let place = format!("{}:{:04X}", words.collect::<String>(), address.port());
    let table = fs::read_to_string(path).expect("a table");
    let line = table
        .lines()
        .find(|line| line.contains(&format!(": {place} ")));
    let fields: Vec<&str> = line.expect("the socket").split_whitespace().collect();
    let (_, queued) = fields[4].split_once(':').expect("two queues");
    let dropped = fields.last().expect("a counter");
    SocketFigures {
        queued: u64::from_str_radix(queued, 16).expect("a number"),
        dropped: dropped.parse().expect("a number"),
    }
}

/// Whether a program has bound an IPv4 address.
pub(crate) fn is_bound(address: SocketAddr) -> bool {
    let port = format!(":{:04X} ", address.port());
    let table = fs::read_to_string("/proc/net/udp").expect("a table");
    table.lines().any(|line| line.contains(&port))
}
