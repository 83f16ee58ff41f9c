//! Sockets handed over by a service manager, and its notifications, in the protocol of systemd.
//!
//! For a program that a person started, nothing here does anything.

use std::env;
use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use listenfd::ListenFd;
use nix::sys::socket::getsockopt;
use nix::sys::socket::sockopt::AcceptConn;
use sd_notify::NotifyState;
use socket2::{Domain, SockRef};

use crate::address::Endpoint;
use crate::cli::Entries;
use crate::error::{Error, ErrorKind, reason};
use crate::options::{SocketOptions, TcpOptions};

/// Time that a service manager has to take a notification, whose queue may be full (unix(7)).
const PATIENCE: Duration = Duration::from_millis(250);

/// The environment variables that servers read, for their man pages.
pub const ENVIRONMENT: Entries = &[
    (
        "LISTEN_FDS, LISTEN_PID",
        "A service manager hands over an open socket (systemd.socket(5), Accept=no): it is used \
         instead of HOST and PORT, with the socket options of the command line.",
    ),
    (
        "NOTIFY_SOCKET",
        "Where a service manager is told that the server is ready, and where it listens, that it is \
         stopping, and how it ended (sd_notify(3), Type=notify).",
    ),
];

/// The listening socket that the service manager handed over, if it did (sd_listen_fds(3)), with
/// `options` set on it, and its address.
///
/// # Errors
///
/// Something else than one listening TCP socket, or an option that the kernel refuses.
pub fn tcp_listener(options: &TcpOptions) -> Result<Option<(TcpListener, SocketAddr)>, Error> {
    let Some((listener, address)) = take(ListenFd::take_tcp_listener, TcpListener::local_addr)?
    else {
        return Ok(None);
    };
    if !getsockopt(&listener, AcceptConn).map_err(|error| not_usable(error.into()))? {
        let error = io::Error::new(io::ErrorKind::InvalidInput, "it does not listen");
        return Err(not_usable(error));
    }
    options.apply(&SockRef::from(&listener), Domain::for_address(address))?;
    Ok(Some((listener, address)))
}

/// The same for a UDP socket.
///
/// # Errors
///
/// Something else than one UDP socket, or an option that the kernel refuses.
pub fn udp_socket(options: &SocketOptions) -> Result<Option<(UdpSocket, SocketAddr)>, Error> {
    let Some((socket, address)) = take(ListenFd::take_udp_socket, UdpSocket::local_addr)? else {
        return Ok(None);
    };
    options.apply(&SockRef::from(&socket), Domain::for_address(address))?;
    Ok(Some((socket, address)))
}

/// A second socket would never be read, and its peers never be answered.
fn take<S>(
    take_first: impl FnOnce(&mut ListenFd, usize) -> io::Result<Option<S>>,
    local_address: impl FnOnce(&S) -> io::Result<SocketAddr>,
) -> Result<Option<(S, SocketAddr)>, Error> {
    let mut handed_over = ListenFd::from_env();
    let count = handed_over.len();
    if count > 1 {
        let message =
            format!("local limit: the service manager handed over {count} sockets instead of one");
        return Err(Error::new(ErrorKind::LocalLimit, message));
    }
    let Some(socket) = take_first(&mut handed_over, 0).map_err(not_usable)? else {
        return Ok(None);
    };
    let address = local_address(&socket).map_err(not_usable)?;
    let shown = Endpoint::from(address);
    log::info!("the service manager handed over a socket on {shown}");
    Ok(Some((socket, address)))
}

fn not_usable(error: io::Error) -> Error {
    Error::io("cannot use the socket of the service manager", error)
}

/// Tells the service manager, if there is one, that peers are served from now on (sd_notify(3)), and
/// the log where: the journal of a quiet server says so, too.
pub fn report_ready(address: SocketAddr) {
    let status = format!("listening on {}", Endpoint::from(address));
    log::info!("{status}");
    if let Err(error) = notify(Some(NotifyState::Ready), status) {
        let why = reason(&error);
        log::warn!("cannot tell the service manager that the server is ready: {why}");
    }
}

/// The same when the server is finishing, with what it still does.
pub fn report_stopping(status: &str) {
    log::info!("{status}");
    note(Some(NotifyState::Stopping), status);
}

/// The same about the end; the service manager shows it until the next start.
pub fn report_end(status: &str) {
    log::info!("{status}");
    note(None, status);
}

/// That the service manager is gone was a warning when the server was ready.
fn note(state: Option<NotifyState<'static>>, status: &str) {
    if let Err(error) = notify(state, status.to_owned()) {
        log::debug!("cannot tell the service manager '{status}': {error}");
    }
}

/// A service manager that does not read holds no server up.
fn notify(state: Option<NotifyState<'static>>, status: String) -> io::Result<()> {
    if env::var_os("NOTIFY_SOCKET").is_none() {
        return Ok(());
    }
    let (told, wait) = mpsc::channel();
    thread::Builder::new().spawn(move || {
        let status = NotifyState::Status(&status);
        let states: Vec<_> = state.into_iter().chain([status]).collect();
        let _ = told.send(sd_notify::notify(&states));
    })?;
    let in_time = wait.recv_timeout(PATIENCE);
    in_time.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}
