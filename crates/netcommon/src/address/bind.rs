//! The local address of a client, as people type it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// An address to bind before connecting, a port, or both.
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
/// # Errors
///
/// Anything else, names included, is refused with the input and the accepted forms.
pub fn parse_bind_address(input: &str) -> Result<BindAddress, String> {
    let port = input.strip_prefix(':').and_then(|port| port.parse().ok());
    let both = || {
        input
            .parse()
            .ok()
            .map(|both: SocketAddr| (Some(both.ip()), both.port()))
    };
    let address = || input.parse().ok().map(|address| (Some(address), 0));
    port.map(|port| (None, port))
        .or_else(both)
        .or_else(address)
        .map(|(address, port)| BindAddress { address, port })
        .ok_or_else(|| {
            format!("'{input}' is not a local address; write ADDR, ADDR:PORT, [IPV6]:PORT or :PORT")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bind_address_fits_its_family_and_takes_that_of_the_peer_where_it_has_none() {
        let table = [
            (":5000", Some("0.0.0.0:5000"), Some("[::]:5000")),
            ("127.0.0.2", Some("127.0.0.2:0"), None),
            ("127.0.0.2:5000", Some("127.0.0.2:5000"), None),
            ("::1", None, Some("[::1]:0")),
            ("[::1]:5000", None, Some("[::1]:5000")),
        ];
        for (input, v4, v6) in table {
            let bind = parse_bind_address(input).unwrap();
            for (peer, expected) in [("192.0.2.1:9", v4), ("[2001:db8::1]:9", v6)] {
                let peer = peer.parse().unwrap();
                assert_eq!(bind.fits(&peer), expected.is_some(), "{input}");
                let bound = expected.map(|_| bind.for_peer(&peer).to_string());
                assert_eq!(bound.as_deref(), expected);
            }
        }
    }

    #[test]
    fn anything_else_is_refused_with_the_input() {
        for input in ["", "eth0", "localhost", "127.0.0.1:x", ":70000"] {
            let error = parse_bind_address(input).unwrap_err();
            assert!(error.contains(&format!("'{input}'")), "{error}");
        }
    }
}
