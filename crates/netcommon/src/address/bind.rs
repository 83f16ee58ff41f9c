//! The local end of a connection, as people type it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// A local end as typed: an address, a port, or both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BindAddress {
    address: Option<IpAddr>,
    port: u16,
}

impl BindAddress {
    /// Whether it can be bound for a peer of this family.
    pub fn fits(self, peer: &SocketAddr) -> bool {
        self.address
            .is_none_or(|address| address.is_ipv4() == peer.is_ipv4())
    }

    /// The address to bind for a peer; an omitted one is the wildcard of the peer's family.
    pub fn for_peer(self, peer: &SocketAddr) -> SocketAddr {
        let any = match peer {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        SocketAddr::new(self.address.unwrap_or(any), self.port)
    }
}

/// Parses `ADDR`, `ADDR:PORT`, `[IPV6]:PORT` or `:PORT`.
///
/// ```
/// use netcommon::address::parse_bind_address;
///
/// let end = parse_bind_address(":5000")?;
/// assert_eq!(end.for_peer(&"[::1]:80".parse().unwrap()), "[::]:5000".parse().unwrap());
/// # Ok::<(), String>(())
/// ```
///
/// # Errors
///
/// Anything else, names included, is refused with the input and the accepted forms.
pub fn parse_bind_address(input: &str) -> Result<BindAddress, String> {
    if let Some(port) = input.strip_prefix(':').and_then(|port| port.parse().ok()) {
        return Ok(BindAddress {
            address: None,
            port,
        });
    }
    let both = input
        .parse::<SocketAddr>()
        .map(|both| (both.ip(), both.port()));
    match both.or_else(|_| input.parse().map(|address| (address, 0))) {
        Ok((address, port)) => Ok(BindAddress {
            address: Some(address),
            port,
        }),
        Err(_) => Err(format!(
            "'{input}' is not a local address; write ADDR, ADDR:PORT, [IPV6]:PORT or :PORT"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bind_addresses_fit_peers_of_their_own_family() {
        let v4 = "192.0.2.1:9".parse().unwrap();
        let v6 = "[2001:db8::1]:9".parse().unwrap();
        let fits = |input, peer| parse_bind_address(input).unwrap().fits(peer);
        assert!(fits(":5000", &v4) && fits(":5000", &v6));
        assert!(fits("127.0.0.2", &v4) && !fits("127.0.0.2", &v6));
        assert!(fits("::1", &v6) && !fits("::1", &v4));
    }

    #[test]
    fn bind_addresses_take_the_family_of_the_peer() {
        let v4 = "192.0.2.1:9".parse().unwrap();
        let v6 = "[2001:db8::1]:9".parse().unwrap();
        let bound = |input, peer| {
            parse_bind_address(input)
                .unwrap()
                .for_peer(peer)
                .to_string()
        };
        assert_eq!(bound(":5000", &v4), "0.0.0.0:5000");
        assert_eq!(bound(":5000", &v6), "[::]:5000");
        assert_eq!(bound("127.0.0.2", &v4), "127.0.0.2:0");
        assert_eq!(bound("127.0.0.2:5000", &v4), "127.0.0.2:5000");
        assert_eq!(bound("::1", &v6), "[::1]:0");
        assert_eq!(bound("[::1]:5000", &v6), "[::1]:5000");
        for input in ["", "eth0", "localhost", "127.0.0.1:x", ":70000"] {
            assert!(
                parse_bind_address(input)
                    .unwrap_err()
                    .contains(&format!("'{input}'"))
            );
        }
    }
}
