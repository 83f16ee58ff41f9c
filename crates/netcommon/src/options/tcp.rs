//! Options of TCP sockets.

use std::time::Duration;

use socket2::{Domain, Socket};

use super::{SocketOptions, set};
use crate::error::Error;

/// Options of a TCP socket (tcp(7)). A listener's are inherited by the connections it accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TcpOptions {
    /// The options that TCP shares with UDP.
    pub socket: SocketOptions,
    /// `TCP_NODELAY`: small writes leave at once (no Nagle algorithm).
    pub nodelay: bool,
    /// `SO_KEEPALIVE`: probe a peer after so much silence (`TCP_KEEPIDLE`), then six times, each a
    /// sixth of it later (`TCP_KEEPINTVL`, `TCP_KEEPCNT`): gone after twice the time. Whole seconds.
    pub keepalive: Option<Duration>,
}

impl Default for TcpOptions {
    fn default() -> Self {
        Self {
            socket: SocketOptions::default(),
            nodelay: true,
            keepalive: None,
        }
    }
}

impl TcpOptions {
    /// Sets what was asked for, before the socket listens or connects.
    ///
    /// # Errors
    ///
    /// The option that the kernel refused, and why.
    pub fn apply(&self, socket: &Socket, domain: Domain) -> Result<(), Error> {
        self.socket.apply(socket, domain)?;
        if self.nodelay {
            set(socket, "TCP_NODELAY", || socket.set_tcp_nodelay(true))?;
        }
        self.keepalive
            .map_or(Ok(()), |idle| keep_alive(socket, idle))
    }
}

const KEEPALIVE_PROBES: u32 = 6;

#[cfg(target_os = "linux")]
fn keep_alive(socket: &Socket, idle: Duration) -> Result<(), Error> {
    use nix::sys::socket::{setsockopt, sockopt};

    let idle = u32::try_from(idle.as_secs()).unwrap_or(u32::MAX).max(1);
    let interval = (idle / KEEPALIVE_PROBES).max(1);
    let probes = KEEPALIVE_PROBES;
    set(socket, "SO_KEEPALIVE", || socket.set_keepalive(true))?;
    set(socket, "TCP_KEEPIDLE", || {
        Ok(setsockopt(socket, sockopt::TcpKeepIdle, &idle)?)
    })?;
    set(socket, "TCP_KEEPINTVL", || {
        Ok(setsockopt(socket, sockopt::TcpKeepInterval, &interval)?)
    })?;
    set(socket, "TCP_KEEPCNT", || {
        Ok(setsockopt(socket, sockopt::TcpKeepCount, &probes)?)
    })
}

#[cfg(not(target_os = "linux"))]
fn keep_alive(socket: &Socket, idle: Duration) -> Result<(), Error> {
    let idle = idle.max(Duration::from_secs(1));
    let interval = (idle / KEEPALIVE_PROBES).max(Duration::from_secs(1));
    let keepalive = socket2::TcpKeepalive::new()
        .with_time(idle)
        .with_interval(interval)
        .with_retries(KEEPALIVE_PROBES);
    set(socket, "SO_KEEPALIVE", || {
        socket.set_tcp_keepalive(&keepalive)
    })
}
