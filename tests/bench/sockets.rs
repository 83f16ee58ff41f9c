//! What the kernel says about ports, and where servers are found.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::experiment::Gap;
use crate::process::Running;

/// How long a program may take to listen.
const START: Duration = Duration::from_secs(10);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Tcp,
    Udp,
}

/// A server that listens.
pub(crate) struct Listening {
    pub(crate) running: Running,
    pub(crate) address: SocketAddr,
}

impl Listening {
    /// Starts what `command` makes of a free port, and waits until it listens there.
    pub(crate) fn start(
        protocol: Protocol,
        command: impl FnOnce(u16) -> Command,
    ) -> Result<Self, Gap> {
        let port = free_port(protocol)?;
        let mut running = Running::start(command(port))?;
        let deadline = Instant::now() + START;
        while receive_queue(protocol, port).is_none() {
            if let Some(status) = running.ended()? {
                return Err(Gap::Failed(format!("it did not listen: {status}")));
            }
            if Instant::now() >= deadline {
                return Err(Gap::Failed("it did not listen".to_owned()));
            }
            thread::yield_now();
        }
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        Ok(Self { running, address })
    }
}

/// A port that was free a moment ago; not every peer can say which one it got of port 0.
fn free_port(protocol: Protocol) -> io::Result<u16> {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let address = match protocol {
        Protocol::Tcp => TcpListener::bind(any)?.local_addr()?,
        Protocol::Udp => UdpSocket::bind(any)?.local_addr()?,
    };
    Ok(address.port())
}

/// Bytes (UDP) or clients (TCP) that wait in a listening socket; `None` when nobody listens. See proc_net(5).
pub(crate) fn receive_queue(protocol: Protocol, port: u16) -> Option<u64> {
    let (files, listening) = match protocol {
        Protocol::Tcp => (["/proc/net/tcp", "/proc/net/tcp6"], "0A"),
        Protocol::Udp => (["/proc/net/udp", "/proc/net/udp6"], "07"),
    };
    let tables = files
        .iter()
        .filter_map(|file| fs::read_to_string(file).ok());
    tables
        .flat_map(|table| {
            table
                .lines()
                .filter_map(|line| queue_of(line, port, listening))
                .collect::<Vec<_>>()
        })
        .next()
}

fn queue_of(line: &str, port: u16, listening: &str) -> Option<u64> {
    let mut fields = line.split_whitespace().skip(1);
    let (_, local) = fields.next()?.rsplit_once(':')?;
    let state = fields.nth(1)?;
    let (_, queue) = fields.next()?.split_once(':')?;
    let matches = u16::from_str_radix(local, 16) == Ok(port) && state == listening;
    matches.then(|| u64::from_str_radix(queue, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_is_found_by_its_port_and_state() {
        let line = "   0: 0100007F:1F90 00000000:0000 0A 00000000:0000000C 00:00000000 00000000     0        0 1";
        assert_eq!(queue_of(line, 8080, "0A"), Some(12));
        assert_eq!(queue_of(line, 8081, "0A"), None);
        assert_eq!(queue_of(line, 8080, "07"), None);
    }

    #[test]
    fn the_heading_of_the_table_is_no_listener() {
        let line = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt";
        assert_eq!(queue_of(line, 8080, "0A"), None);
    }
}
