//! TCP sockets: listen on the first address of a name, connect to whichever answers.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

use super::{bind_first, bind_local, connect_first};
use crate::address::{BindAddress, Family, Target};
use crate::error::Error;
#[cfg(doc)]
use crate::error::ErrorKind;
use crate::options::TcpOptions;

/// The queue of connections that wait to be accepted, unless asked otherwise; the kernel caps it at
/// `net.core.somaxconn` (listen(2)).
pub const DEFAULT_BACKLOG: u32 = 4096;

/// Opens a listening socket on the first address of `target`, with `SO_REUSEADDR`, so that a server
/// can start again while connections of the former one linger in TIME-WAIT (RFC 9293). The wildcard
/// `::` takes IPv4 too, unless the family is IPv6 alone (ipv6(7), `IPV6_V6ONLY`).
///
/// ```
/// use netcommon::address::{Family, Target};
/// use netcommon::options::TcpOptions;
/// use netcommon::socket::tcp::{DEFAULT_BACKLOG, listen};
///
/// let any_port = Target::from_arguments(Some("127.0.0.1"), Some(0))?;
/// let options = TcpOptions::default();
/// let listener = listen(&any_port, Family::Any, &options, DEFAULT_BACKLOG)?;
///
/// // A second one on the same port is refused, and the error says why.
/// let taken = any_port.with_port(listener.local_addr()?.port());
/// let error = listen(&taken, Family::Any, &options, DEFAULT_BACKLOG).unwrap_err();
/// assert!(error.to_string().contains("is another server running there?"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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
    let socket = bind_first(target, family, open_reusable, |socket, domain| {
        options.apply(socket, domain)
    })?;
    let backlog = i32::try_from(backlog).unwrap_or(i32::MAX);
    let listening = socket.listen(backlog);
    listening.map_err(|error| Error::io(format!("cannot listen on {target}"), error))?;
    Ok(socket.into())
}

fn open(address: SocketAddr) -> io::Result<Socket> {
    let domain = Domain::for_address(address);
    Socket::new(domain, Type::STREAM, Some(Protocol::TCP))
}

fn open_reusable(address: SocketAddr) -> io::Result<Socket> {
    let socket = open(address)?;
    socket.set_reuse_address(true)?;
    Ok(socket)
}

/// Where a connection comes from and how long its making may take.
#[derive(Clone, Debug, Default)]
pub struct ConnectOptions {
    /// Options of the socket.
    pub tcp: TcpOptions,
    /// The local end to bind before connecting.
    pub bind: Option<BindAddress>,
    /// How long to wait for each address; `None` is the kernel's patience, about two minutes (tcp(7), `tcp_syn_retries`).
    pub timeout: Option<Duration>,
}

/// Connects to the first address of `target` that accepts.
///
/// ```
/// use netcommon::ErrorKind;
/// use netcommon::address::{Family, Target};
/// use netcommon::socket::tcp::{ConnectOptions, connect};
///
/// let closed = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
/// let error = connect(&Target::from(closed), Family::Any, &ConnectOptions::default()).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Refused);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
///
/// An unknown name, a refused option, or, when no address accepts, the class of the first failure and every address with its reason.
pub fn connect(
    target: &Target,
    family: Family,
    options: &ConnectOptions,
) -> Result<TcpStream, Error> {
    connect_first(target, family, options.bind, |address| {
        connect_to(address, options)
    })
}

fn connect_to(
    address: SocketAddr,
    options: &ConnectOptions,
) -> Result<io::Result<TcpStream>, Error> {
    let socket = open(address).map_err(|error| Error::io("cannot open a socket", error))?;
    options.tcp.apply(&socket, Domain::for_address(address))?;
    bind_local(&socket, options.bind, address)?;
    let connected = super::connect(&socket, address, options.timeout);
    Ok(connected.map(|()| socket.into()))
}

/// The address of the server that a stream is connected to.
///
/// # Errors
///
/// A server that has reset the connection meanwhile leaves none: [`ErrorKind::Reset`].
pub fn peer(stream: &TcpStream, target: &Target) -> Result<SocketAddr, Error> {
    let lost = |error| Error::io(format!("lost {target} at once"), error);
    stream.peer_addr().map_err(|error| match error.kind() {
        io::ErrorKind::NotConnected => lost(io::ErrorKind::ConnectionReset.into()),
        _ => lost(error),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
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
