//! TCP sockets: listen on the first address of a name, connect to whichever answers.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

use crate::address::{Family, LocalEnd, Target, resolve};
use crate::error::{Error, ErrorKind, reason};
use crate::options::TcpOptions;

/// The queue of connections that wait to be accepted, unless asked otherwise; the kernel caps it at
/// `net.core.somaxconn` (listen(2)).
pub const DEFAULT_BACKLOG: u32 = 4096;

/// Opens a listening socket on the first address of `target`, with `SO_REUSEADDR`, so that a server
/// can start again while connections of the former one linger in TIME-WAIT (RFC 9293). The wildcard
/// `::` takes IPv4 too, unless the family is IPv6 alone (ipv6(7), `IPV6_V6ONLY`).
///
/// # Errors
///
/// An unknown name, a refused option, or a port that cannot be bound, with the address in the message.
pub fn listen(
    target: &Target,
    family: Family,
    options: &TcpOptions,
    backlog: u32,
) -> Result<TcpListener, Error> {
    let address = first(&resolve(target, family)?, target)?;
    let failed = |error| cannot_listen(target, address, error);
    let domain = Domain::for_address(address);
    let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP)).map_err(failed)?;
    socket.set_reuse_address(true).map_err(failed)?;
    if family == Family::V6 {
        socket.set_only_v6(true).map_err(failed)?;
    }
    options.apply(&socket, domain)?;
    socket.bind(&address.into()).map_err(failed)?;
    socket
        .listen(i32::try_from(backlog).unwrap_or(i32::MAX))
        .map_err(failed)?;
    Ok(socket.into())
}

pub(crate) fn cannot_listen(target: &Target, address: SocketAddr, error: std::io::Error) -> Error {
    let operation = format!("cannot listen on {target} ({})", address.ip());
    explain_bind(
        Error::io(operation, error).with_kind(ErrorKind::LocalLimit),
        address,
    )
}

pub(crate) fn first(addresses: &[SocketAddr], target: &Target) -> Result<SocketAddr, Error> {
    let none = || {
        Error::new(
            ErrorKind::NotResolved,
            format!("name '{}' not resolved", target.host),
        )
    };
    addresses.first().copied().ok_or_else(none)
}

fn explain_bind(error: Error, address: SocketAddr) -> Error {
    use std::io::ErrorKind as Io;
    match error.io_kind() {
        Some(Io::AddrInUse) => error.with_hint("is another server running there?"),
        Some(Io::AddrNotAvailable) => error.with_hint("that address is not one of this machine's"),
        Some(Io::PermissionDenied) if address.port() < 1024 => {
            error.with_hint("ports below 1024 need privileges")
        }
        _ => error,
    }
}

/// Where a connection comes from and how long its making may take.
#[derive(Clone, Debug, Default)]
pub struct ConnectOptions {
    /// Options of the socket.
    pub tcp: TcpOptions,
    /// The local end to bind before connecting.
    pub bind: Option<LocalEnd>,
    /// How long to wait for each address; `None` is the kernel's patience, about two minutes (tcp(7), `tcp_syn_retries`).
    pub timeout: Option<Duration>,
}

/// Connects to the first address of `target` that accepts.
///
/// # Errors
///
/// An unknown name, a refused option, or, when no address accepts, the class of the first failure and every address with its reason.
pub fn connect(
    target: &Target,
    family: Family,
    options: &ConnectOptions,
) -> Result<TcpStream, Error> {
    first_that_connects(target, family, |address| connect_to(address, options))
}

/// Tries the addresses of `target` in turn, and says which one worked.
pub(crate) fn first_that_connects<T>(
    target: &Target,
    family: Family,
    connect_to: impl Fn(SocketAddr) -> Result<std::io::Result<T>, Error>,
) -> Result<T, Error> {
    let mut failures = Vec::new();
    for address in resolve(target, family)? {
        match connect_to(address)? {
            Ok(connected) => {
                log::info!("connected to {target} ({})", address.ip());
                return Ok(connected);
            }
            Err(error) => {
                log::info!(
                    "cannot connect to {target} ({}): {}",
                    address.ip(),
                    reason(&error)
                );
                failures.push((address, error));
            }
        }
    }
    Err(no_address_accepts(target, failures))
}

/// The outer error is this program's own fault (an option), the inner one the path's or the peer's.
fn connect_to(
    address: SocketAddr,
    options: &ConnectOptions,
) -> Result<std::io::Result<TcpStream>, Error> {
    let domain = Domain::for_address(address);
    let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))
        .map_err(|error| Error::io("cannot open a socket", error))?;
    options.tcp.apply(&socket, domain)?;
    bind_for_peer(&socket, options.bind, address)?;
    let connected = match options.timeout {
        Some(timeout) => socket.connect_timeout(&address.into(), timeout),
        None => socket.connect(&address.into()),
    };
    Ok(connected.map(|()| socket.into()))
}

/// Binds the local end that the user asked for, if any.
pub(crate) fn bind_for_peer(
    socket: &Socket,
    end: Option<LocalEnd>,
    peer: SocketAddr,
) -> Result<(), Error> {
    let Some(local) = end.map(|end| end.for_peer(&peer)) else {
        return Ok(());
    };
    socket
        .bind(&local.into())
        .map_err(|error| explain_bind(Error::io(format!("cannot bind to {local}"), error), local))
}

fn no_address_accepts(target: &Target, mut failures: Vec<(SocketAddr, std::io::Error)>) -> Error {
    let reasons: Vec<String> = failures.iter().map(|(_, error)| reason(error)).collect();
    let same = reasons.windows(2).all(|pair| pair[0] == pair[1]);
    let tried = failures
        .iter()
        .zip(&reasons)
        .map(|((address, _), reason)| match same {
            true => address.ip().to_string(),
            false => format!("{}: {reason}", address.ip()),
        });
    let operation = format!(
        "cannot connect to {target} ({})",
        tried.collect::<Vec<_>>().join(", ")
    );
    if failures.is_empty() {
        return Error::new(ErrorKind::NotResolved, operation);
    }
    let error = Error::io(operation, failures.remove(0).1);
    match error.kind() {
        ErrorKind::Refused => error.with_hint("is a server listening there?"),
        ErrorKind::TimedOut => error.with_hint("a firewall may drop packets without an answer"),
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::SocketOptions;
    use std::io::{Read, Write};

    fn any_port(place: &str) -> Target {
        Target::from_arguments(Some(place), Some(0)).unwrap()
    }

    fn pair(place: &str, options: &TcpOptions) -> (TcpStream, TcpStream) {
        let listener = listen(&any_port(place), Family::Any, options, 1).unwrap();
        let target = any_port(place).with_port(listener.local_addr().unwrap().port());
        let client = connect(&target, Family::Any, &ConnectOptions::default()).unwrap();
        (listener.accept().unwrap().0, client)
    }

    #[test]
    fn bytes_pass_between_listen_and_connect_on_both_families() {
        for place in ["127.0.0.1", "::1"] {
            let (mut server, mut client) = pair(place, &TcpOptions::default());
            client.write_all(b"hola").unwrap();
            let mut received = [0; 4];
            server.read_exact(&mut received).unwrap();
            assert_eq!(&received, b"hola");
        }
    }

    #[test]
    fn accepted_connections_inherit_the_listener_s_options() {
        let options = TcpOptions {
            socket: SocketOptions {
                rcvbuf: Some(50_000),
                ttl: Some(7),
                ..SocketOptions::default()
            },
            nodelay: true,
            keepalive: Some(Duration::from_secs(30)),
        };
        let (server, _client) = pair("127.0.0.1", &options);
        let server = socket2::SockRef::from(&server);
        assert_eq!(crate::options::granted_rcvbuf(&*server), 50_000);
        assert_eq!(server.ttl_v4().unwrap(), 7);
        assert!(server.tcp_nodelay().unwrap());
        assert_eq!(
            server.tcp_keepalive_time().unwrap(),
            Duration::from_secs(30)
        );
    }

    #[test]
    fn a_port_in_use_is_a_local_limit_and_names_the_address() {
        let listener = listen(
            &any_port("127.0.0.1"),
            Family::Any,
            &TcpOptions::default(),
            1,
        )
        .unwrap();
        let taken = any_port("127.0.0.1").with_port(listener.local_addr().unwrap().port());
        let error = listen(&taken, Family::Any, &TcpOptions::default(), 1).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LocalLimit);
        assert!(error.to_string().contains(&taken.to_string()), "{error}");
    }

    #[test]
    fn a_closed_port_refuses() {
        let listener = listen(
            &any_port("127.0.0.1"),
            Family::Any,
            &TcpOptions::default(),
            1,
        )
        .unwrap();
        let target = any_port("127.0.0.1").with_port(listener.local_addr().unwrap().port());
        drop(listener);
        let error = connect(&target, Family::Any, &ConnectOptions::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused);
    }
}
