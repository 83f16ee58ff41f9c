//! Socket options: plain structs in which `None` is the kernel's default, one place that applies them,
//! and a look at what the kernel really granted.

mod tcp;

use std::io;
use std::os::fd::AsRawFd;

use socket2::{Domain, SockRef, Socket};

use crate::error::Error;
use crate::explain::{self, Call};

pub use tcp::TcpOptions;

/// Options of any socket (socket(7), ip(7), ipv6(7)).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SocketOptions {
    /// `SO_RCVBUF` in bytes. Setting it on TCP turns the kernel's auto-tuning off (tcp(7)).
    pub rcvbuf: Option<usize>,
    /// `SO_SNDBUF` in bytes. Setting it on TCP turns the kernel's auto-tuning off (tcp(7)).
    pub sndbuf: Option<usize>,
    /// Differentiated services code point, 0 to 63 (RFC 2474): the upper six bits of `IP_TOS` or `IPV6_TCLASS`.
    pub dscp: Option<u8>,
    /// `IP_TTL` or `IPV6_UNICAST_HOPS`, 1 to 255.
    pub ttl: Option<u8>,
    /// `SO_BINDTODEVICE`: the name of the only interface to use.
    pub interface: Option<String>,
    /// `SO_REUSEPORT`: several sockets share one port, and the kernel spreads peers over them.
    pub reuse_port: bool,
}

impl SocketOptions {
    /// Sets what was asked for, before the socket is bound or connected.
    ///
    /// A buffer that the kernel grants smaller than asked is a warning that names the sysctl.
    ///
    /// # Errors
    ///
    /// The option that the kernel refused, and why.
    pub fn apply(&self, socket: &Socket, domain: Domain) -> Result<(), Error> {
        if let Some(asked) = self.rcvbuf {
            set(socket, "SO_RCVBUF", || socket.set_recv_buffer_size(asked))?;
            let granted = granted(socket.recv_buffer_size());
            warn_if_less("receive", asked, granted, "net.core.rmem_max");
        }
        if let Some(asked) = self.sndbuf {
            set(socket, "SO_SNDBUF", || socket.set_send_buffer_size(asked))?;
            let granted = granted(socket.send_buffer_size());
            warn_if_less("send", asked, granted, "net.core.wmem_max");
        }
        if self.reuse_port {
            set(socket, "SO_REUSEPORT", || socket.set_reuse_port(true))?;
        }
        if let Some(interface) = &self.interface {
            let option = format!("SO_BINDTODEVICE to '{interface}'");
            set(socket, &option, || bind_to_interface(socket, interface))?;
        }
        self.apply_header_fields(socket, domain)
    }

    fn apply_header_fields(&self, socket: &Socket, domain: Domain) -> Result<(), Error> {
        let v6 = domain == Domain::IPV6;
        if let Some(dscp) = self.dscp {
            let field = u32::from(dscp) << 2;
            set_for_ipv4(socket, "IP_TOS", v6, || socket.set_tos_v4(field))?;
            if v6 {
                set(socket, "IPV6_TCLASS", || socket.set_tclass_v6(field))?;
            }
        }
        if let Some(ttl) = self.ttl {
            set_for_ipv4(socket, "IP_TTL", v6, || socket.set_ttl_v4(ttl.into()))?;
            if v6 {
                set(socket, "IPV6_UNICAST_HOPS", || {
                    socket.set_unicast_hops_v6(ttl.into())
                })?;
            }
        }
        Ok(())
    }
}

/// A socket of IPv6 may carry IPv4 as well, and then has the fields of both (ipv6(7)); where it does
/// not, there is nothing to set.
fn set_for_ipv4(
    socket: &Socket,
    option: &str,
    v6: bool,
    make: impl FnOnce() -> io::Result<()>,
) -> Result<(), Error> {
    match set(socket, option, make) {
        Err(error) if v6 => {
            log::debug!("{error}");
            Ok(())
        }
        result => result,
    }
}

fn set(socket: &Socket, option: &str, make: impl FnOnce() -> io::Result<()>) -> Result<(), Error> {
    // Its value is the user's, and no name.
    let name = option.split(' ').next().unwrap_or(option);
    explain::call(Call::SetOption(socket.as_raw_fd(), name), make)
        .map_err(|error| Error::io(format!("cannot set {option}"), error))
}

#[cfg(target_os = "linux")]
fn bind_to_interface(socket: &Socket, name: &str) -> io::Result<()> {
    socket.bind_device(Some(name.as_bytes()))
}

#[cfg(not(target_os = "linux"))]
fn bind_to_interface(_: &Socket, _: &str) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Linux reports twice what was set, to account for its own bookkeeping (socket(7)).
fn granted(reported: io::Result<usize>) -> usize {
    let reported = reported.unwrap_or(0);
    if cfg!(target_os = "linux") {
        reported / 2
    } else {
        reported
    }
}

/// Advice where a receive buffer was full.
pub const RCVBUF_HINT: &str =
    "ask for more with --rcvbuf, and raise net.core.rmem_max if it is not granted";

/// The receive buffer of a socket in the terms of [`SocketOptions::rcvbuf`], in bytes.
pub fn granted_rcvbuf<'a>(socket: impl Into<SockRef<'a>>) -> usize {
    granted(socket.into().recv_buffer_size())
}

fn warn_if_less(which: &str, asked: usize, granted: usize, sysctl: &str) {
    if granted < asked {
        log::warn!(
            "asked for a {which} buffer of {asked} bytes, the kernel granted {granted}; raise {sysctl}"
        );
    }
}

/// The names of RFC 2474 (`CS0`–`CS7`), RFC 2597 (`AF11`–`AF43`), RFC 3246 (`EF`), RFC 5865 (`VA`) and
/// RFC 8622 (`LE`), and their code points.
pub const DSCP_NAMES: [(&str, u8); 23] = [
    ("CS0", 0),
    ("LE", 1),
    ("CS1", 8),
    ("AF11", 10),
    ("AF12", 12),
    ("AF13", 14),
    ("CS2", 16),
    ("AF21", 18),
    ("AF22", 20),
    ("AF23", 22),
    ("CS3", 24),
    ("AF31", 26),
    ("AF32", 28),
    ("AF33", 30),
    ("CS4", 32),
    ("AF41", 34),
    ("AF42", 36),
    ("AF43", 38),
    ("CS5", 40),
    ("VA", 44),
    ("EF", 46),
    ("CS6", 48),
    ("CS7", 56),
];

/// Parses a DSCP: a number, or one of [`DSCP_NAMES`] in either case.
///
/// # Errors
///
/// Anything else is refused with the input and the accepted forms.
pub fn parse_dscp(input: &str) -> Result<u8, String> {
    let mut names = DSCP_NAMES.iter();
    let named = names.find(|(name, _)| name.eq_ignore_ascii_case(input));
    let number = || input.parse().ok().filter(|&number| number < 64);
    named
        .map(|&(_, value)| value)
        .or_else(number)
        .ok_or_else(|| {
            format!(
                "'{input}' is not a DSCP; write 0 to 63, CS0 to CS7, AF11 to AF43, EF, VA or LE"
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use socket2::Type;
    use std::time::Duration;

    fn read_back(domain: Domain) -> Socket {
        let options = TcpOptions {
            socket: SocketOptions {
                rcvbuf: Some(20_000),
                sndbuf: Some(30_000),
                dscp: Some(46),
                ttl: Some(9),
                interface: cfg!(target_os = "linux").then(|| "lo".to_owned()),
                reuse_port: true,
            },
            nodelay: true,
            keepalive: Some(Duration::from_secs(60)),
        };
        let socket = Socket::new(domain, Type::STREAM, None).unwrap();
        options.apply(&socket, domain).unwrap();
        socket
    }

    #[test]
    fn options_set_on_a_socket_are_read_back() {
        for domain in [Domain::IPV4, Domain::IPV6] {
            let socket = read_back(domain);
            assert_eq!(granted_rcvbuf(&socket), 20_000);
            assert_eq!(granted(socket.send_buffer_size()), 30_000);
            assert!(socket.reuse_port().unwrap() && socket.tcp_nodelay().unwrap());
            assert!(socket.keepalive().unwrap());
            assert_eq!(socket.tcp_keepalive_time().unwrap().as_secs(), 60);
            assert_eq!(socket.tcp_keepalive_interval().unwrap().as_secs(), 10);
            assert_eq!(socket.tcp_keepalive_retries().unwrap(), 6);
            // A socket of IPv6 has the fields of both, for peers of IPv4.
            assert_eq!(socket.tos_v4().unwrap(), 46 << 2);
            assert_eq!(socket.ttl_v4().unwrap(), 9);
            if domain == Domain::IPV6 {
                assert_eq!(socket.tclass_v6().unwrap(), 46 << 2);
                assert_eq!(socket.unicast_hops_v6().unwrap(), 9);
            }
            #[cfg(target_os = "linux")]
            assert_eq!(socket.device().unwrap().unwrap(), b"lo");
        }
    }

    #[test]
    fn without_options_the_kernel_decides() {
        let socket = Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap();
        let read = || {
            let buffers = (socket.recv_buffer_size(), socket.send_buffer_size());
            let sizes = (buffers.0.unwrap(), buffers.1.unwrap());
            (
                sizes,
                socket.ttl_v4().unwrap(),
                socket.reuse_port().unwrap(),
            )
        };
        let before = read();
        let options = SocketOptions::default();
        options.apply(&socket, Domain::IPV4).unwrap();
        assert_eq!(read(), before);
    }

    #[test]
    fn an_unknown_interface_is_named_in_the_error() {
        let socket = Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap();
        let options = SocketOptions {
            interface: Some("nowhere0".into()),
            ..SocketOptions::default()
        };
        let error = options.apply(&socket, Domain::IPV4).unwrap_err();
        assert!(error.to_string().contains("nowhere0"), "{error}");
    }

    #[test]
    fn dscp_names_have_their_numbers() {
        let table = [
            ("0", 0),
            ("63", 63),
            ("CS1", 8),
            ("cs7", 56),
            ("AF11", 10),
            ("af43", 38),
            ("EF", 46),
            ("VA", 44),
            ("LE", 1),
        ];
        for (input, value) in table {
            assert_eq!(parse_dscp(input), Ok(value), "{input}");
        }
        for input in ["", "64", "-1", "CS8", "AF14", "AF51", "fast"] {
            let error = parse_dscp(input).unwrap_err();
            assert!(error.contains(&format!("'{input}'")), "{error}");
        }
    }
}
