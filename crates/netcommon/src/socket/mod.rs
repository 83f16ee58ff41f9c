//! Sockets that listen, and sockets that connect to the first address of a name that answers.
//!
//! # Layout
//!
//! - [`tcp`]: listen and connect
//! - [`udp`]: bind and connect
//! - [`multicast`]: join a group, and say on which interface
//! - [`info`]: what the kernel knows about a TCP connection

pub mod info;
pub mod multicast;
pub mod tcp;
pub mod udp;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::{Domain, Socket, Type};

use crate::address::{
    BindAddress, Endpoint, Family, Target, explain_missing_zone, resolve, resolve_first,
};
use crate::error::{Error, ErrorKind, reason};

/// Opens a socket for the first address of `target`, sets it up and binds it.
///
/// The wildcard `::` takes IPv4 too, unless the family is IPv6 alone (`IPV6_V6ONLY`, ipv6(7)).
fn bind_first(
    target: &Target,
    family: Family,
    kind: Type,
    set_up: impl FnOnce(&Socket, Domain) -> Result<(), Error>,
) -> Result<Socket, Error> {
    let address = resolve_first(target, family)?;
    let failed = |error| {
        let host = Endpoint::from(address).host();
        let operation = format!("cannot listen on {target} ({host})");
        cannot_bind(operation, address, error).with_kind(ErrorKind::LocalLimit)
    };
    let domain = Domain::for_address(address);
    let socket = Socket::new(domain, kind, None).map_err(failed)?;
    if family == Family::V6 {
        socket.set_only_v6(true).map_err(failed)?;
    }
    set_up(&socket, domain)?;
    socket.bind(&address.into()).map_err(failed)?;
    Ok(socket)
}

fn cannot_bind(operation: String, address: SocketAddr, error: io::Error) -> Error {
    use io::ErrorKind as Io;
    let hint = match error.kind() {
        Io::AddrInUse => Some("is another server running there?"),
        Io::AddrNotAvailable => Some("that address is not one of this machine's"),
        Io::PermissionDenied if address.port() < 1024 => Some("ports below 1024 need privileges"),
        _ => None,
    };
    Error::io(operation, explain_missing_zone(address, error)).with_hint(hint)
}

/// Opens a socket for each address of `target` that can be reached from `bind`, in turn, until one
/// connects.
///
/// A socket that cannot be set up or bound is this program's own fault and ends the search; a
/// connection that fails is the path's or the peer's.
fn connect_first<T>(
    target: &Target,
    family: Family,
    kind: Type,
    bind: Option<BindAddress>,
    set_up: impl Fn(&Socket, Domain) -> Result<(), Error>,
    connect: impl Fn(Socket, SocketAddr) -> io::Result<T>,
) -> Result<T, Error> {
    let mut failures = Vec::new();
    let addresses = resolve(target, family)?.into_iter();
    for address in addresses.filter(|address| bind.is_none_or(|bind| bind.fits(address))) {
        let socket = open(address, kind, bind, &set_up)?;
        let host = Endpoint::from(address).host();
        match connect(socket, address) {
            Ok(connected) => {
                log::info!("connected to {target} ({host})");
                return Ok(connected);
            }
            Err(error) => {
                let why = reason(&error);
                log::info!("cannot connect to {target} ({host}): {why}");
                failures.push((address, error));
            }
        }
    }
    Err(no_address_connects(target, failures))
}

/// Opens a socket that will go to `address`, sets it up and binds it.
fn open(
    address: SocketAddr,
    kind: Type,
    bind: Option<BindAddress>,
    set_up: impl Fn(&Socket, Domain) -> Result<(), Error>,
) -> Result<Socket, Error> {
    let domain = Domain::for_address(address);
    let socket = Socket::new(domain, kind, None)
        .map_err(|error| Error::io("cannot open a socket", error))?;
    set_up(&socket, domain)?;
    bind_local(&socket, bind, address)?;
    Ok(socket)
}

fn bind_local(socket: &Socket, bind: Option<BindAddress>, peer: SocketAddr) -> Result<(), Error> {
    let Some(local) = bind.map(|bind| bind.for_peer(&peer)) else {
        return Ok(());
    };
    socket.bind(&local.into()).map_err(|error| {
        let operation = format!("cannot bind to {}", Endpoint::from(local));
        cannot_bind(operation, local, error)
    })
}

/// Connects a socket. One that was bound to the very address it goes to would talk to itself (a
/// simultaneous open, RFC 9293 3.5): nobody else is there, so that is a refusal.
fn connect(socket: &Socket, peer: SocketAddr, timeout: Option<Duration>) -> io::Result<()> {
    let connected = match timeout {
        Some(timeout) => socket.connect_timeout(&peer.into(), timeout),
        None => socket.connect(&peer.into()),
    };
    connected.map_err(|error| explain_missing_zone(peer, error))?;
    if socket.local_addr()?.as_socket() == Some(peer) {
        return Err(io::ErrorKind::ConnectionRefused.into());
    }
    Ok(())
}

fn no_address_connects(target: &Target, mut failures: Vec<(SocketAddr, io::Error)>) -> Error {
    if failures.is_empty() {
        let message = format!("{target} has no address of the family of --bind");
        return Error::new(ErrorKind::NotResolved, message);
    }
    let operation = format!("cannot connect to {target} ({})", list(&failures));
    let error = Error::io(operation, failures.remove(0).1);
    match error.kind() {
        ErrorKind::Refused => error.with_hint("is a server listening there?"),
        ErrorKind::TimedOut => error.with_hint("a firewall may drop packets without an answer"),
        _ => error,
    }
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
        let error = no_address_connects(&target, failures.into());
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
