//! Addresses as people type them, and what they stand for.
//!
//! # Layout
//!
//! - [`Target`]: `HOST:PORT`, before the name is looked up
//! - [`resolve()`]: the addresses behind a name, of a [`Family`]
//! - [`BindAddress`]: the local address of a client's socket
//! - [`Group`]: a multicast group, and the interface to join it on
//! - [`to_canonical`]: IPv4 addresses as an IPv6 socket reports them

mod bind;
mod group;
mod resolve;
mod target;

use std::net::{IpAddr, SocketAddr};

pub use bind::{BindAddress, parse_bind_address};
pub use group::{Group, parse_group};
pub use resolve::{Family, resolve};
pub use target::{DEFAULT_HOST, DEFAULT_PORT, Target};

/// The IPv4 address behind `::ffff:a.b.c.d`, as which an IPv6 socket reports a peer of IPv4
/// (RFC 4291, section 2.5.5.2); any other address unchanged, zone included.
///
/// ```
/// use netcommon::address::to_canonical;
///
/// let shown = |address: &str| to_canonical(address.parse().unwrap()).to_string();
/// assert_eq!(shown("[::ffff:192.0.2.1]:80"), "192.0.2.1:80");
/// assert_eq!(shown("[fe80::1%3]:80"), "[fe80::1%3]:80");
/// ```
pub fn to_canonical(address: SocketAddr) -> SocketAddr {
    match address.ip().to_canonical() {
        IpAddr::V4(v4) => (v4, address.port()).into(),
        IpAddr::V6(_) => address,
    }
}
