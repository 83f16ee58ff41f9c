//! What a service manager hands to a server, and what it wants to hear, as systemd does it.
//!
//! Nothing here does anything for a program that a person started.

use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};

use listenfd::ListenFd;
use nix::sys::socket::getsockopt;
use nix::sys::socket::sockopt::AcceptConn;
use sd_notify::NotifyState;
use socket2::{Domain, SockRef};

use crate::cli::Entries;
use crate::error::{Error, ErrorKind, reason};
use crate::options::{SocketOptions, TcpOptions};

/// The environment variables that servers read, for their man pages.
pub const ENVIRONMENT: Entries = &[
    (
        "LISTEN_FDS, LISTEN_PID",
        "A service manager hands over an open socket (systemd.socket(5), Accept=no): it is used \
         instead of HOST and PORT, with the socket options of the command line.",
    ),
    (
        "NOTIFY_SOCKET",
        "Where a service manager is told that the server is ready (sd_notify(3), Type=notify).",
    ),
];

/// The listening socket that the service manager handed over, if it did (sd_listen_fds(3)), with
/// `options` set on it, and its address.
///
/// # Errors
///
/// Something else than one listening TCP socket, or an option that the kernel refuses.
pub fn tcp_listener(options: &TcpOptions) -> Result<Option<(TcpListener, SocketAddr)>, Error> {
    let Some(listener) = only_one(ListenFd::take_tcp_listener)? else {
        return Ok(None);
    };
    let address = listener.local_addr().map_err(not_usable)?;
    let socket = SockRef::from(&listener);
    if !getsockopt(&listener, AcceptConn).map_err(|error| not_usable(error.into()))? {
        let error = io::Error::new(io::ErrorKind::InvalidInput, "it does not listen");
        return Err(not_usable(error));
    }
    options.apply(&socket, Domain::for_address(address))?;
    log_use(address);
    Ok(Some((listener, address)))
}

/// The same for a UDP socket.
///
/// # Errors
///
/// Something else than one UDP socket, or an option that the kernel refuses.
pub fn udp_socket(options: &SocketOptions) -> Result<Option<(UdpSocket, SocketAddr)>, Error> {
    let Some(socket) = only_one(ListenFd::take_udp_socket)? else {
        return Ok(None);
    };
    let address = socket.local_addr().map_err(not_usable)?;
    options.apply(&SockRef::from(&socket), Domain::for_address(address))?;
    log_use(address);
    Ok(Some((socket, address)))
}

/// A second socket that nobody reads would leave its peers without an answer.
fn only_one<S>(
    take: impl FnOnce(&mut ListenFd, usize) -> io::Result<Option<S>>,
) -> Result<Option<S>, Error> {
    let mut handed_over = ListenFd::from_env();
    match handed_over.len() {
        0 | 1 => take(&mut handed_over, 0).map_err(not_usable),
        count => Err(Error::new(
            ErrorKind::LocalLimit,
            format!("local limit: the service manager handed over {count} sockets instead of one"),
        )),
    }
}

fn not_usable(error: io::Error) -> Error {
    Error::io("cannot use the socket of the service manager", error)
}

fn log_use(address: SocketAddr) {
    log::info!("the service manager handed over a socket on {address}");
}

/// Tells the service manager, if there is one, that peers are served from now on (sd_notify(3)).
pub fn report_ready() {
    if let Err(error) = sd_notify::notify(&[NotifyState::Ready]) {
        log::warn!(
            "cannot tell the service manager that the server is ready: {}",
            reason(&error)
        );
    }
}
