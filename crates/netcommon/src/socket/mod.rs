//! Sockets that listen, and sockets that connect to the first address of a name that answers.
//!
//! # Layout
//!
//! - [`tcp`]: listen and connect
//! - [`connecting`]: any number of TCP connections under way
//! - `race`: the addresses of a name, started one after the other, and the first to connect
//! - [`udp`]: bind and connect
//! - [`multicast`]: join a group, and say on which interface
//! - [`info`]: what the kernel knows about a TCP connection
//! - [`memory_info`]: memory and drops of a socket
//! - [`sent_bytes`]: bytes that a connection sent, and sent again
//! - [`held_up`]: causes that held the sending of TCP connections up

pub mod connecting;
pub mod held_up;
pub mod info;
pub mod memory_info;
pub mod multicast;
mod race;
pub mod sent_bytes;
pub mod tcp;
pub mod udp;

use std::io;
use std::net::SocketAddr;
use std::os::fd::AsRawFd;

use nix::errno::Errno;
use socket2::{Domain, Socket, Type};

use crate::address::{
    BindAddress, Endpoint, Family, Target, explain_missing_zone, resolve, resolve_first,
};
use crate::deadline::Deadline;
use crate::error::{Error, ErrorKind, reason};
use crate::explain::{self, Call};
use crate::payload::Escaped;

/// Opens a socket for the first address of `target`, sets it up and binds it.
///
/// The wildcard `::` takes IPv4 too, unless the family is IPv6 alone (`IPV6_V6ONLY`, ipv6(7)).
fn bind_first(
    target: &Target,
    family: Family,
    kind: Type,
    set_up: impl FnOnce(&Socket, Domain) -> Result<(), Error>,
) -> Result<Socket, Error> {
    let resolved = explain::resolve(&target.host, || {
        resolve_first(target, family).map(|first| vec![first])
    });
    let address = resolved?.remove(0);
    let failed = |error| {
        let host = Endpoint::from(address).host();
        let operation = format!("cannot listen on {target} ({host})");
        let hint = "is another server running there?";
        cannot_bind(operation, address, error, hint).with_kind(ErrorKind::LocalLimit)
    };
    let domain = Domain::for_address(address);
    let socket = new_socket(domain, kind).map_err(failed)?;
    if family == Family::V6 {
        socket.set_only_v6(true).map_err(failed)?;
    }
    set_up(&socket, domain)?;
    bind_to(&socket, address).map_err(failed)?;
    Ok(socket)
}

fn new_socket(domain: Domain, kind: Type) -> io::Result<Socket> {
    explain::call(Call::Socket(domain, kind), || {
        Socket::new(domain, kind, None)
    })
}

fn set_reuse_address(socket: &Socket) -> io::Result<()> {
    let call = Call::SetOption(socket.as_raw_fd(), "SO_REUSEADDR");
    explain::call(call, || socket.set_reuse_address(true))
}

fn bind_to(socket: &Socket, address: SocketAddr) -> io::Result<()> {
    explain::call(Call::Bind(socket.as_raw_fd(), address), || {
        socket.bind(&address.into())
    })
}

fn cannot_bind(
    operation: String,
    address: SocketAddr,
    error: io::Error,
    in_use_hint: &'static str,
) -> Error {
    use io::ErrorKind as Io;
    let hint = match error.kind() {
        Io::AddrInUse => Some(in_use_hint),
        Io::AddrNotAvailable => Some("that address is not one of this machine's"),
        Io::PermissionDenied if address.port() < 1024 => Some("ports below 1024 need privileges"),
        _ => None,
    };
    Error::io(operation, explain_missing_zone(address, error)).with_hint(hint)
}

/// The addresses of a client's `target` that can be reached from `bind`: at least one.
fn addresses_of(
    target: &Target,
    family: Family,
    bind: Option<BindAddress>,
    deadline: Deadline,
) -> Result<Vec<SocketAddr>, Error> {
    let wanted = target.clone();
    let look_up = move || explain::resolve(&wanted.host, || resolve(&wanted, family));
    // An address needs no resolver, and so no time.
    let resolved = if target.is_address() {
        Ok(look_up())
    } else {
        deadline.call(look_up)
    };
    let mut addresses = resolved.map_err(|error| {
        let name = Escaped(target.host.as_bytes());
        Error::io(format!("name '{name}' not resolved"), error)
    })??;
    addresses.retain(|address| bind.is_none_or(|bind| bind.fits(address)));
    if addresses.is_empty() {
        let message = format!("{target} has no address of the family of --bind");
        return Err(Error::new(ErrorKind::NotResolved, message));
    }
    Ok(addresses)
}

/// Opens a socket that will go to `address`, sets it up and binds it.
fn open(
    address: SocketAddr,
    kind: Type,
    bind: Option<BindAddress>,
    set_up: impl FnOnce(&Socket, Domain) -> Result<(), Error>,
) -> Result<Socket, Error> {
    let domain = Domain::for_address(address);
    let socket =
        new_socket(domain, kind).map_err(|error| Error::io("cannot open a socket", error))?;
    set_up(&socket, domain)?;
    bind_local(&socket, bind, address)?;
    Ok(socket)
}

fn bind_local(socket: &Socket, bind: Option<BindAddress>, peer: SocketAddr) -> Result<(), Error> {
    let Some(local) = bind.map(|bind| bind.for_peer(&peer)) else {
        return Ok(());
    };
    bind_to(socket, local).map_err(|error| {
        let operation = format!("cannot bind to {}", Endpoint::from(local));
        if local.port() == 0 && error.kind() == io::ErrorKind::AddrInUse {
            return Error::io(operation, no_port()).with_hint(NO_PORT_HINT);
        }
        cannot_bind(operation, local, error, PORT_IN_USE_HINT)
    })
}

const PORT_IN_USE_HINT: &str = "choose another local port with --bind, or none";

const NO_PORT_HINT: &str = "another local address (--bind) has ports of its own";

fn no_port() -> io::Error {
    io::Error::new(io::ErrorKind::AddrInUse, "no local port is free")
}

/// The meaning of an error of connect(2), of which TCP says `EADDRNOTAVAIL` for want of a local port,
/// and for want of a local address too, and UDP says `EAGAIN` for want of a port (ip(7)).
fn meaning(error: io::Error, peer: SocketAddr, bind: Option<BindAddress>) -> io::Error {
    match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::EAGAIN) => no_port(),
        Some(Errno::EADDRNOTAVAIL) if bind.is_some_and(BindAddress::has_port) => {
            let why = "the local port has such a connection already";
            io::Error::new(io::ErrorKind::AddrInUse, why)
        }
        Some(Errno::EADDRNOTAVAIL) if has_local_address(peer) => no_port(),
        _ => explain_missing_zone(peer, error),
    }
}

/// Whether this machine has an address for the way to a peer: UDP has other ports than TCP.
fn has_local_address(peer: SocketAddr) -> bool {
    let socket = Socket::new(Domain::for_address(peer), Type::DGRAM, None);
    socket.is_ok_and(|socket| socket.connect(&peer.into()).is_ok())
}

/// Why no address of `target` connects: the class of the first one's failure, and the reason of each.
fn cannot_connect(target: &Target, mut failures: Vec<(SocketAddr, io::Error)>) -> Error {
    let operation = format!("cannot connect to {target} ({})", list(&failures));
    let first = failures.remove(0).1;
    let hint = match first.kind() {
        io::ErrorKind::AddrInUse => Some(NO_PORT_HINT),
        io::ErrorKind::ConnectionRefused => Some("is a server listening there?"),
        io::ErrorKind::TimedOut => Some("a firewall may drop packets without an answer"),
        _ => None,
    };
    Error::io(operation, first).with_hint(hint)
}

/// The addresses, and where they failed for different reasons, the reason of each.
fn list(failures: &[(SocketAddr, io::Error)]) -> String {
    let reasons: Vec<String> = failures.iter().map(|(_, error)| reason(error)).collect();
    let alike = reasons.windows(2).all(|pair| pair[0] == pair[1]);
    let tried = failures.iter().zip(&reasons);
    let shown = tried.map(|((address, _), reason)| {
        let host = Endpoint::from(*address).host();
        if alike {
            host.to_string()
        } else {
            format!("{host}: {reason}")
        }
    });
    shown.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::parse_bind_address;

    #[test]
    fn failures_for_different_reasons_are_told_apart() {
        let target = Target::from_arguments(Some("both.example:80"), None).unwrap();
        let failures = [
            ("192.0.2.1:80", io::ErrorKind::ConnectionRefused),
            ("[2001:db8::1]:80", io::ErrorKind::NetworkUnreachable),
        ];
        let failures = failures.map(|(address, kind)| (address.parse().unwrap(), kind.into()));
        let error = cannot_connect(&target, failures.into());
        assert_eq!(error.kind(), ErrorKind::Refused);
        assert_eq!(
            error.to_string(),
            "cannot connect to both.example:80 \
             (192.0.2.1: connection refused, 2001:db8::1: network unreachable): \
             connection refused; is a server listening there?"
        );
    }

    #[test]
    fn addresses_of_another_family_than_the_bind_address_are_not_tried() {
        let target = Target::from_arguments(Some("127.0.0.1:80"), None).unwrap();
        let options = tcp::ConnectOptions {
            bind: parse_bind_address("::1").ok(),
            ..tcp::ConnectOptions::default()
        };
        let error = tcp::connect(&target, Family::Any, &options).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotResolved);
        assert!(error.to_string().contains("--bind"), "{error}");
    }
}
