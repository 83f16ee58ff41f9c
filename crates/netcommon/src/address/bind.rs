//! The local address of a client, as people type it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

use super::target::split;
use super::zone::{scope_of, split_zone};

/// An address to bind before connecting, a port, or both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BindAddress {
    /// With its zone, and without the port.
    address: Option<SocketAddr>,
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
        let any: IpAddr = match peer {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let mut local = self.address.unwrap_or((any, 0).into());
        local.set_port(self.port);
        local
    }
}

impl BindAddress {
    /// Whether it names a port.
    pub fn has_port(self) -> bool {
        self.port != 0
    }

    /// The address of another socket: so many ports further, where there is one; `None` is past 65535.
    pub fn advanced(self, ports: u16) -> Option<Self> {
        if !self.has_port() {
            return Some(self);
        }
        let port = self.port.checked_add(ports)?;
        Some(Self { port, ..self })
    }
}

/// Parses `ADDR`, `ADDR:PORT`, `[IPV6]:PORT` or `:PORT`; an IPv6 address may have a zone.
///
/// # Errors
///
/// Anything else, names included, is refused with the input and the accepted forms, and a zone that
/// is no interface of this machine with its name.
pub fn parse_bind_address(input: &str) -> Result<BindAddress, String> {
    let malformed = "is not a local address; write ADDR, ADDR:PORT, [IPV6]:PORT or :PORT";
    let pieces = split(input, true).map_err(|_| malformed.to_owned());
    let parsed = pieces.and_then(|(host, port)| {
        let address = host.map(|host| parse_host(host).unwrap_or(Err(malformed.to_owned())));
        Ok(BindAddress {
            address: address.transpose()?,
            port: port.unwrap_or_default(),
        })
    });
    parsed.map_err(|why| format!("'{input}' {why}"))
}

/// `None` of what is no address; the error is a zone that this machine does not have.
fn parse_host(host: &str) -> Option<Result<SocketAddr, String>> {
    if let Ok(v4) = host.parse::<Ipv4Addr>() {
        return Some(Ok((v4, 0).into()));
    }
    let (v6, zone) = split_zone(host)?;
    let scope = zone.map_or(Ok(0), scope_of);
    Some(scope.map(|scope| SocketAddrV6::new(v6, 0, 0, scope).into()))
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
            ("[::1]", None, Some("[::1]:0")),
            ("[::1]:5000", None, Some("[::1]:5000")),
            ("fe80::1%7", None, Some("[fe80::1%7]:0")),
            ("[fe80::1%7]:5000", None, Some("[fe80::1%7]:5000")),
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
    fn further_sockets_have_further_ports_up_to_the_last() {
        let table = [
            (":65533", 2, Some(":65535")),
            ("[::1]:65533", 3, None),
            ("127.0.0.1", 60_000, Some("127.0.0.1")),
        ];
        for (input, ports, expected) in table {
            let advanced = parse_bind_address(input).unwrap().advanced(ports);
            let expected = expected.map(|expected| parse_bind_address(expected).unwrap());
            assert_eq!(advanced, expected, "{input}");
        }
    }

    #[test]
    fn anything_else_is_refused_with_the_input() {
        let inputs = [
            "",
            "eth0",
            "5000",
            "localhost",
            "127.0.0.1:x",
            ":70000",
            ":+80",
            "fe80::1%x]y",
            "127.0.0.1%lo",
        ];
        for input in inputs {
            let error = parse_bind_address(input).unwrap_err();
            assert!(error.contains(&format!("'{input}'")), "{error}");
        }
    }

    #[test]
    fn a_zone_is_an_interface_by_its_name() {
        let bind = parse_bind_address("fe80::1%lo").unwrap();
        let index = scope_of("lo").unwrap();
        let bound = bind.for_peer(&"[2001:db8::1]:9".parse().unwrap());
        assert_eq!(bound.to_string(), format!("[fe80::1%{index}]:0"));
        let error = parse_bind_address("fe80::1%nowhere0").unwrap_err();
        assert!(error.contains("interface 'nowhere0'"), "{error}");
    }
}
