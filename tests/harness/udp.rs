//! UDP servers under test, and peers that talk to them.

use std::io::IoSlice;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::process::Command;

use nix::sys::signal::Signal;
use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrStorage, sendmmsg};
use serde_json::Value;

use super::process::{Running, eventually, parse_event};
use super::{DEADLINE, binaries};

/// `udp-server` on a port of the kernel's choice, ready to receive.
pub(crate) struct UdpServer {
    pub(crate) running: Running,
    pub(crate) address: SocketAddr,
}

impl UdpServer {
    /// On the IPv4 loopback, for people.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let running = Running::start(server_command("localhost:0", arguments));
        let address = running.listening();
        Self { running, address }
    }

    /// On `place`, in JSON.
    pub(crate) fn start_json(place: &str, arguments: &[&str]) -> Self {
        let mut command = server_command(place, arguments);
        command.arg("--json");
        let running = Running::start(command);
        let listening = parse_event(&running.line());
        assert_eq!(listening["event"], "listening");
        let address = listening["address"].as_str().expect("an address");
        let address = address.parse().expect("an address and a port");
        Self { running, address }
    }

    /// The next event on standard output.
    #[track_caller]
    pub(crate) fn event(&self) -> Value {
        parse_event(&self.running.line())
    }

    /// Ends the server and returns its remaining events, the summary last.
    #[track_caller]
    pub(crate) fn finish(self) -> Vec<Value> {
        let finished = self.running.interrupt();
        finished.assert_code(0);
        let events = finished.events();
        assert_eq!(events.last().expect("a summary")["event"], "summary");
        events
    }

    /// The server at a port, asked on another address of this machine.
    pub(crate) fn at(&self, address: &str) -> SocketAddr {
        let address = address.parse().expect("an address");
        SocketAddr::new(address, self.address.port())
    }

    /// Stops the server, so that what is sent gathers in its socket.
    pub(crate) fn pause(&self) {
        self.running.signal(Signal::SIGSTOP);
        let path = format!("/proc/{}/stat", self.running.pid());
        eventually("the server stops", || {
            let stat = std::fs::read_to_string(&path).expect("the server runs");
            stat.contains(") T ")
        });
    }

    pub(crate) fn resume(&self) {
        self.running.signal(Signal::SIGCONT);
    }
}

pub(crate) fn server_command(place: &str, arguments: &[&str]) -> Command {
    let mut command = binaries::udp_server();
    command.arg(place).args(arguments);
    command
}

/// A command that sends to `address`.
pub(crate) fn client_of(address: SocketAddr, arguments: &[&str]) -> Command {
    let mut command = binaries::udp_client();
    command.arg(address.to_string()).args(arguments);
    command
}

/// A socket of the test on an address of this machine, that does not wait for ever.
pub(crate) fn socket_on(address: &str) -> UdpSocket {
    let address: std::net::IpAddr = address.parse().expect("an address");
    let socket = UdpSocket::bind((address, 0)).expect("a port is free");
    socket.set_read_timeout(Some(DEADLINE)).expect("a time-out");
    socket
}

/// A socket of the test that sends to `address` and hears it alone.
pub(crate) fn connected_to(address: SocketAddr) -> UdpSocket {
    let socket = socket_on(if address.is_ipv4() { "0.0.0.0" } else { "::" });
    socket.connect(address).expect("loopback is reachable");
    socket
}

/// What comes next.
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

/// How many packets the machine dropped before they reached any socket, because a processor's
/// backlog was full (`net.core.netdev_max_backlog`): no program can know of those.
pub(crate) fn dropped_before_sockets() -> u64 {
    let table = std::fs::read_to_string("/proc/net/softnet_stat").expect("a table");
    let dropped = |line: &str| {
        let field = line.split_whitespace().nth(1).expect("a second field");
        u64::from_str_radix(field, 16).expect("a number")
    };
    table.lines().map(dropped).sum()
}

/// Where a server listens that does not say it, on the IPv4 loopback: its socket is found by the
/// inode in its table of descriptors (proc_pid_fd(5), proc_pid_net(5)).
pub(crate) fn address_of(pid: u32) -> SocketAddr {
    let mut found = None;
    eventually("the server has a socket", || {
        found = port_of(pid);
        found.is_some()
    });
    SocketAddr::new([127, 0, 0, 1].into(), found.expect("it was found"))
}

fn port_of(pid: u32) -> Option<u16> {
    let descriptors = std::fs::read_dir(format!("/proc/{pid}/fd")).ok()?;
    let links = descriptors.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
    let inodes: Vec<String> = links
        .filter_map(|link| {
            let link = link.to_str()?.strip_prefix("socket:[")?;
            Some(link.trim_end_matches(']').to_owned())
        })
        .collect();
    let table = std::fs::read_to_string("/proc/net/udp").ok()?;
    table.lines().skip(1).find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (_, port) = fields.get(1)?.rsplit_once(':')?;
        let ours = inodes
            .iter()
            .any(|inode| Some(&inode.as_str()) == fields.get(9));
        ours.then(|| u16::from_str_radix(port, 16).ok())?
    })
}

/// Whether a program has bound an IPv4 address.
pub(crate) fn is_bound(address: SocketAddr) -> bool {
    let port = format!(":{:04X} ", address.port());
    let table = std::fs::read_to_string("/proc/net/udp").expect("a table");
    table.lines().any(|line| line.contains(&port))
}
