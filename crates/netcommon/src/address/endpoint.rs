//! Addresses in the one form in which people and programs read them.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use serde::{Serialize, Serializer};

use super::zone::show_zone;

/// An address and a port as they are shown everywhere: IPv4 as such where an IPv6 socket reports it
/// mapped (RFC 4291, section 2.5.5.2), and a zone by the name of its interface (RFC 4007). Typed
/// again, it is a [`Target`](super::Target).
///
/// ```
/// use netcommon::address::Endpoint;
///
/// let endpoint = |address: &str| Endpoint::from(address.parse::<std::net::SocketAddr>().unwrap());
/// assert_eq!(endpoint("[::ffff:192.0.2.1]:80").to_string(), "192.0.2.1:80");
/// assert_eq!(endpoint("[fe80::1%1]:80").to_string(), "[fe80::1%lo]:80");
/// assert_eq!(endpoint("[fe80::1%1]:80").host().to_string(), "fe80::1%lo");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint(SocketAddr);

impl Endpoint {
    /// The address without the port, in the same form.
    pub fn host(self) -> impl fmt::Display {
        Host(self.0)
    }

    /// The same with port 0: equal for all connections of a host.
    #[must_use]
    pub fn without_port(mut self) -> Self {
        self.0.set_port(0);
        self
    }
}

impl From<SocketAddr> for Endpoint {
    fn from(address: SocketAddr) -> Self {
        match address.ip().to_canonical() {
            IpAddr::V4(v4) => Self((v4, address.port()).into()),
            IpAddr::V6(_) => Self(address),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (host, port) = (self.host(), self.0.port());
        if self.0.is_ipv6() {
            write!(f, "[{host}]:{port}")
        } else {
            write!(f, "{host}:{port}")
        }
    }
}

impl Serialize for Endpoint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

struct Host(SocketAddr);

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            SocketAddr::V6(v6) if v6.scope_id() != 0 => {
                write!(f, "{}%{}", v6.ip(), show_zone(v6.scope_id()))
            }
            address => write!(f, "{}", address.ip()),
        }
    }
}
