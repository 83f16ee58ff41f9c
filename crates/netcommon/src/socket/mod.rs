//! Sockets that listen, and sockets that connect: each address of a name in turn.
//!
//! # Layout
//!
//! - [`tcp`]: listen and connect
//! - [`udp`]: bind, connect and join groups

pub mod tcp;
pub mod udp;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::{Domain, Socket};

use crate::address::{BindAddress, Family, Target, resolve};
use crate::error::{Error, ErrorKind, reason};

/// Opens a socket for the first address of `target`, sets it up and binds it.
///
/// The wildcard `::` takes IPv4 too, unless the family is IPv6 alone (`IPV6_V6ONLY`, ipv6(7)).
fn bind_first(
    target: &Target,
    family: Family,
    open: impl FnOnce(SocketAddr) -> io::Result<Socket>,
    set_up: impl FnOnce(&Socket, Domain) -> Result<(), Error>,
) -> Result<Socket, Error> {
    let address = resolve(target, family)?.remove(0);
    let failed = |error| cannot_listen(target, address, error);
    let socket = open(address).map_err(failed)?;
    if family == Family::V6 {
        socket.set_only_v6(true).map_err(failed)?;
    }
    set_up(&socket, Domain::for_address(address))?;
    socket.bind(&address.into()).map_err(failed)?;
    Ok(socket)
}

fn cannot_listen(target: &Target, address: SocketAddr, error: io::Error) -> Error {
    let operation = format!("cannot listen on {target} ({})", address.ip());
    let error = Error::io(operation, error).with_kind(ErrorKind::LocalLimit);
    explain_bind(error, address)
}

fn explain_bind(error: Error, address: SocketAddr) -> Error {
    use io::ErrorKind as Io;
    match error.io_kind() {
        Some(Io::AddrInUse) => error.with_hint("is another server running there?"),
        Some(Io::AddrNotAvailable) => error.with_hint("that address is not one of this machine's"),
        Some(Io::PermissionDenied) if address.port() < 1024 => {
            error.with_hint("ports below 1024 need privileges")
        }
        _ => error,
    }
}

/// Tries the addresses of `target` that `local` can reach, in turn, and says which one worked.
///
/// The outer error of `connect` is this program's own fault (an option) and ends the search, the
/// inner one is the path's or the peer's.
fn connect_first<T>(
    target: &Target,
    family: Family,
    local: Option<BindAddress>,
    connect: impl Fn(SocketAddr) -> Result<io::Result<T>, Error>,
) -> Result<T, Error> {
    let mut failures = Vec::new();
    let addresses = resolve(target, family)?.into_iter();
    for address in addresses.filter(|address| local.is_none_or(|end| end.fits(address))) {
        match connect(address)? {
            Ok(connected) => {
                log::info!("connected to {target} ({})", address.ip());
                return Ok(connected);
            }
            Err(error) => {
                let why = reason(&error);
                log::info!("cannot connect to {target} ({}): {why}", address.ip());
                failures.push((address, error));
            }
        }
    }
    Err(nobody_answers(target, failures))
}

/// Connects a socket. One that was bound to the very address it goes to would talk to itself (a
/// simultaneous open, RFC 9293 3.5): nobody else is there, so that is a refusal.
fn connect(socket: &Socket, peer: SocketAddr, timeout: Option<Duration>) -> io::Result<()> {
    match timeout {
        Some(timeout) => socket.connect_timeout(&peer.into(), timeout)?,
        None => socket.connect(&peer.into())?,
    }
    match socket.local_addr()?.as_socket() == Some(peer) {
        true => Err(io::ErrorKind::ConnectionRefused.into()),
        false => Ok(()),
    }
}

/// Binds the local end that the user asked for, if any.
fn bind_local(socket: &Socket, end: Option<BindAddress>, peer: SocketAddr) -> Result<(), Error> {
    let Some(local) = end.map(|end| end.for_peer(&peer)) else {
        return Ok(());
    };
    let bound = socket.bind(&local.into());
    bound.map_err(|error| explain_bind(Error::io(format!("cannot bind to {local}"), error), local))
}

fn nobody_answers(target: &Target, mut failures: Vec<(SocketAddr, io::Error)>) -> Error {
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
    let shown = tried.map(|((address, _), reason)| match alike {
        true => address.ip().to_string(),
        false => format!("{}: {reason}", address.ip()),
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
        let failures = vec![
            (
                "192.0.2.1:80".parse().unwrap(),
                io::ErrorKind::ConnectionRefused.into(),
            ),
            (
                "[2001:db8::1]:80".parse().unwrap(),
                io::ErrorKind::NetworkUnreachable.into(),
            ),
        ];
        let error = nobody_answers(&target, failures);
        assert_eq!(error.kind(), ErrorKind::Refused);
        let text = error.to_string();
        let expected = "cannot connect to both.example:80 \
                        (192.0.2.1: connection refused, 2001:db8::1: network unreachable): connection refused";
        assert!(text.starts_with(expected), "{text}");
    }

    #[test]
    fn addresses_that_the_local_end_cannot_reach_are_not_tried() {
        let target = Target::from_arguments(Some("127.0.0.1:80"), None).unwrap();
        let local = parse_bind_address("::1").ok();
        let tried = |_| -> Result<io::Result<()>, Error> { panic!("tried") };
        let error = connect_first(&target, Family::Any, local, tried).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotResolved);
        assert!(error.to_string().contains("--bind"), "{error}");
    }
}
