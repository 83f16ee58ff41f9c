//! TCP sockets: listen on the first address of a name, connect to the first that accepts.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;

use socket2::Type;

pub use super::connecting::ConnectOptions;
use super::race::{Race, in_turn};
use super::{addresses_of, bind_first, set_reuse_address};
use crate::address::{Family, Target};
use crate::error::Error;
#[cfg(doc)]
use crate::error::ErrorKind;
use crate::explain::{self, Call};
use crate::options::TcpOptions;

/// Connections that may wait to be accepted, unless asked otherwise; the kernel caps the queue at
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
/// let taken = listener.local_addr()?.into();
/// let error = listen(&taken, Family::Any, &options, DEFAULT_BACKLOG).unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     format!(
///         "cannot listen on {taken} (127.0.0.1): address already in use (local limit); \
///          is another server running there?"
///     )
/// );
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
    let failed = |error| Error::io(format!("cannot listen on {target}"), error);
    let socket = bind_first(target, family, Type::STREAM, |socket, domain| {
        set_reuse_address(socket).map_err(failed)?;
        options.apply(socket, domain)
    })?;
    explain::call(Call::Listen(socket.as_raw_fd(), backlog), || {
        socket.listen(i32::try_from(backlog).unwrap_or(i32::MAX))
    })
    .map_err(failed)?;
    Ok(socket.into())
}

/// Connects to the first address of `target` that accepts, trying the next one whenever 250 ms have
/// passed or one has failed (RFC 8305, section 5).
///
/// ```
/// use netcommon::ErrorKind;
/// use netcommon::address::Family;
/// use netcommon::socket::tcp::{ConnectOptions, connect};
///
/// let closed = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
/// let error = connect(&closed.into(), Family::Any, &ConnectOptions::default()).unwrap_err();
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
    let addresses = addresses_of(target, family, options.bind, options.deadline)?;
    if explain::is_on() {
        return in_turn(target, &addresses, options);
    }
    let stream = Race::new(target, &addresses, options)?.run()?;
    let blocking = stream.set_nonblocking(false);
    blocking.map_err(|error| Error::io("cannot set up a socket", error))?;
    Ok(stream)
}

/// Why a connection to one address of `target` failed.
pub fn cannot_connect(target: &Target, address: SocketAddr, error: io::Error) -> Error {
    super::cannot_connect(target, vec![(address, error)])
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
    use crate::options::SocketOptions;
    use std::io::{Read, Write};
    use std::time::Duration;

    fn pair(address: &str, options: &TcpOptions) -> (TcpStream, TcpStream) {
        let target = Target::from_arguments(Some(address), Some(0)).unwrap();
        let listener = listen(&target, Family::Any, options, 1).unwrap();
        let target = listener.local_addr().unwrap().into();
        let client = connect(&target, Family::Any, &ConnectOptions::default()).unwrap();
        (listener.accept().unwrap().0, client)
    }

    #[test]
    fn bytes_pass_between_listen_and_connect_on_both_families() {
        for address in ["127.0.0.1", "::1"] {
            let (mut server, mut client) = pair(address, &TcpOptions::default());
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
            keepalive: Some(Duration::from_secs(30)),
            ..TcpOptions::default()
        };
        let (server, _client) = pair("127.0.0.1", &options);
        let server = socket2::SockRef::from(&server);
        assert_eq!(crate::options::granted_rcvbuf(&*server), 50_000);
        assert_eq!(server.ttl_v4().unwrap(), 7);
        assert!(server.tcp_nodelay().unwrap());
        assert_eq!(server.tcp_keepalive_time().unwrap().as_secs(), 30);
    }
}
