//! UDP sockets: bind to the first address of a name, connect to a peer.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

use socket2::{Domain, Socket, Type};

use super::{addresses_of, bind_first, cannot_connect, meaning, open};
use crate::address::{BindAddress, Endpoint, Family, Target};
use crate::deadline::Deadline;
use crate::error::{Error, reason};
use crate::explain::{self, Call};
use crate::options::SocketOptions;

/// The largest payload that one datagram carries to `peer`, in bytes: 65,535 less the headers that
/// the length field counts: UDP's eight bytes (RFC 768) and, over IPv4, the 20 of IP (RFC 791).
pub fn max_payload(peer: &SocketAddr) -> usize {
    match peer.ip().to_canonical() {
        IpAddr::V4(_) => 65_507,
        IpAddr::V6(_) => 65_527,
    }
}

/// Opens a socket on the first address of `target`.
///
/// # Errors
///
/// An unknown name, a refused option, or a port that cannot be bound, with the address in the message.
pub fn bind(target: &Target, family: Family, options: &SocketOptions) -> Result<UdpSocket, Error> {
    let socket = bind_first(target, family, Type::DGRAM, |socket, domain| {
        options.apply(socket, domain)
    })?;
    Ok(socket.into())
}

/// Options of a socket for one peer or group.
#[derive(Clone, Debug, Default)]
pub struct ConnectOptions {
    /// Options of the socket.
    pub socket: SocketOptions,
    /// The local address to bind before connecting.
    pub bind: Option<BindAddress>,
    /// `SO_BROADCAST`: the target may be a broadcast address.
    pub broadcast: bool,
    /// `IP_MULTICAST_TTL` or `IPV6_MULTICAST_HOPS`; `None` is the kernel's 1, which no router forwards.
    pub multicast_ttl: Option<u8>,
    /// When looking the name up is given up.
    pub deadline: Deadline,
}

/// A socket with the one address that it sends to.
#[derive(Debug)]
pub struct Peer {
    socket: UdpSocket,
    address: SocketAddr,
    group: bool,
}

/// Takes the first address of `target` that there is a route to. The socket is connected, so that
/// it receives from this peer alone and reports its ICMP errors; but not to a group (multicast, or any
/// address with `broadcast`), whose members answer from addresses of their own.
///
/// # Errors
///
/// An unknown name, a refused option, or no route.
pub fn connect(target: &Target, family: Family, options: &ConnectOptions) -> Result<Peer, Error> {
    let addresses = addresses_of(target, family, options.bind, options.deadline)?;
    connect_first(target, &addresses, options)
}

/// The same to an address of `target` that is known already.
///
/// # Errors
///
/// A refused option, or no route.
pub fn connect_to(
    address: SocketAddr,
    target: &Target,
    options: &ConnectOptions,
) -> Result<Peer, Error> {
    connect_first(target, &[address], options)
}

fn connect_first(
    target: &Target,
    addresses: &[SocketAddr],
    options: &ConnectOptions,
) -> Result<Peer, Error> {
    let (mut failures, mut needs_broadcast) = (Vec::new(), false);
    for &address in addresses {
        let set_up = |socket: &_, domain| set_up(socket, domain, options);
        let socket = open(address, Type::DGRAM, options.bind, set_up)?;
        let group = options.broadcast || address.ip().is_multicast();
        if !group && let Err(error) = connect_socket(&socket, address) {
            let why = reason(&error);
            let host = Endpoint::from(address).host();
            log::info!("cannot connect to {target} ({host}): {why}");
            needs_broadcast |= is_for_want_of_broadcast(&error, &socket, address);
            failures.push((address, meaning(error, address, options.bind)));
            continue;
        }
        log::info!("connected to {target} ({})", Endpoint::from(address).host());
        let socket = socket.into();
        return Ok(Peer {
            socket,
            address,
            group,
        });
    }
    let hint = "a broadcast address has to be allowed with --broadcast";
    Err(cannot_connect(target, failures).with_hint(needs_broadcast.then_some(hint)))
}

/// A socket that was bound to the very address it goes to would talk to itself: nobody else is there.
fn connect_socket(socket: &Socket, address: SocketAddr) -> io::Result<()> {
    let call = Call::Fix(socket.as_fd(), address);
    explain::call(call, || socket.connect(&address.into()))?;
    if socket.local_addr()?.as_socket() == Some(address) {
        return Err(io::ErrorKind::ConnectionRefused.into());
    }
    Ok(())
}

/// A firewall says no in the same way; only for a broadcast address the option helps (ip(7)).
fn is_for_want_of_broadcast(error: &io::Error, socket: &Socket, address: SocketAddr) -> bool {
    error.kind() == io::ErrorKind::PermissionDenied
        && socket.set_broadcast(true).is_ok()
        && socket.connect(&address.into()).is_ok()
}

fn set_up(socket: &Socket, domain: Domain, options: &ConnectOptions) -> Result<(), Error> {
    options.socket.apply(socket, domain)?;
    set_group_options(socket, domain, options)
        .map_err(|error| Error::io("cannot set the options of a group", error))
}

fn set_group_options(socket: &Socket, domain: Domain, options: &ConnectOptions) -> io::Result<()> {
    if options.broadcast {
        set_option(socket, "SO_BROADCAST", || socket.set_broadcast(true))?;
    }
    match options.multicast_ttl {
        Some(hops) if domain == Domain::IPV6 => set_option(socket, "IPV6_MULTICAST_HOPS", || {
            socket.set_multicast_hops_v6(hops.into())
        }),
        Some(ttl) => set_option(socket, "IP_MULTICAST_TTL", || {
            socket.set_multicast_ttl_v4(ttl.into())
        }),
        None => Ok(()),
    }
}

fn set_option(
    socket: &Socket,
    option: &str,
    make: impl FnOnce() -> io::Result<()>,
) -> io::Result<()> {
    explain::call(Call::SetOption(socket.as_raw_fd(), option), make)
}

impl Peer {
    /// The address that it sends to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether that is a group, of which many may answer.
    pub fn is_group(&self) -> bool {
        self.group
    }

    /// The socket, for its time-outs and its pending error.
    pub fn socket(&self) -> &UdpSocket {
        &self.socket
    }

    /// The socket alone, to send and receive on it in other ways.
    pub fn into_socket(self) -> UdpSocket {
        self.socket
    }

    /// Ends the use of the socket.
    pub fn close(self) {
        explain::close(self.socket, Call::CloseDatagrams);
    }

    /// Receives one datagram and its sender, within `timeout`.
    ///
    /// # Errors
    ///
    /// `WouldBlock` or `TimedOut` when none came, and the ICMP errors of [`send`](Self::send).
    pub fn receive(&self, buffer: &mut [u8], timeout: Duration) -> io::Result<(usize, SocketAddr)> {
        let descriptor = self.socket.as_raw_fd();
        explain::call(Call::SetOption(descriptor, "SO_RCVTIMEO"), || {
            self.socket.set_read_timeout(Some(timeout))
        })?;
        let call = Call::ReceiveDatagram(self.socket.as_fd(), buffer.len());
        explain::call(call, || self.socket.recv_from(buffer))
    }

    /// Sends one datagram.
    ///
    /// # Errors
    ///
    /// The system's reason; on a connected socket perhaps the ICMP error that an earlier datagram
    /// met with (udp(7)), in which case this one was not sent.
    pub fn send(&self, payload: &[u8]) -> io::Result<()> {
        let group = self.group.then_some(self.address);
        let call = Call::SendDatagram(self.socket.as_raw_fd(), payload, group);
        let sent = explain::call(call, || match group {
            Some(group) => self.socket.send_to(payload, group),
            None => self.socket.send(payload),
        });
        sent.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use socket2::SockRef;

    fn pair(address: &str, options: &ConnectOptions) -> (UdpSocket, Peer) {
        let target = Target::from_arguments(Some(address), Some(0)).unwrap();
        let server = bind(&target, Family::Any, &SocketOptions::default()).unwrap();
        let target = server.local_addr().unwrap().into();
        let client = connect(&target, Family::Any, options).unwrap();
        (server, client)
    }

    #[test]
    fn datagrams_pass_between_bind_and_connect_on_both_families() {
        for address in ["127.0.0.1", "::1"] {
            let (server, client) = pair(address, &ConnectOptions::default());
            client.send(b"hola").unwrap();
            let mut received = [0; 8];
            let (length, peer) = server.recv_from(&mut received).unwrap();
            assert_eq!(&received[..length], b"hola");
            assert_eq!(peer, client.socket().local_addr().unwrap());
            assert_eq!(client.address(), server.local_addr().unwrap());
        }
    }

    #[test]
    fn the_largest_payload_is_sent_and_one_byte_more_is_not() {
        for address in ["127.0.0.1", "::1"] {
            let (_server, client) = pair(address, &ConnectOptions::default());
            let limit = max_payload(&client.address());
            client.send(&vec![0; limit]).unwrap();
            assert!(client.send(&vec![0; limit + 1]).is_err(), "{address}");
        }
    }

    #[test]
    fn group_options_set_on_a_socket_are_read_back() {
        let options = ConnectOptions {
            broadcast: true,
            multicast_ttl: Some(3),
            ..ConnectOptions::default()
        };
        let (_server, v4) = pair("127.0.0.1", &options);
        assert!(v4.is_group() && v4.socket().broadcast().unwrap());
        assert_eq!(v4.socket().multicast_ttl_v4().unwrap(), 3);
        let (_server, v6) = pair("::1", &options);
        let hops = SockRef::from(v6.socket()).multicast_hops_v6().unwrap();
        assert_eq!(hops, 3);
    }

    #[test]
    fn a_port_in_use_is_a_local_limit_and_names_the_address() {
        let (server, _) = pair("127.0.0.1", &ConnectOptions::default());
        let taken = Target::from(server.local_addr().unwrap());
        let error = bind(&taken, Family::Any, &SocketOptions::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LocalLimit);
        assert!(error.to_string().contains(&taken.to_string()), "{error}");
    }
}
