//! `HOST:PORT` as people type it.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};

use super::endpoint::Endpoint;
use super::zone::split_zone;
use crate::error::Error;

/// The host of the original scripts.
pub const DEFAULT_HOST: &str = "localhost";
/// The port of the original scripts.
pub const DEFAULT_PORT: u16 = 1234;

/// A host and a port, before the name is looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// A name, an IPv4 address, or an IPv6 address without brackets, perhaps with a zone.
    pub host: String,
    /// 0 lets a server's kernel choose.
    pub port: u16,
}

impl Target {
    /// Whether the host is an address, which needs no resolver.
    pub fn is_address(&self) -> bool {
        self.host.parse::<Ipv4Addr>().is_ok() || split_zone(&self.host).is_some()
    }

    /// The same host with another port: the one that was bound when 0 was asked for.
    pub fn with_port(&self, port: u16) -> Self {
        Self {
            host: self.host.clone(),
            port,
        }
    }

    /// Puts the pieces of a command line together: `address` is `HOST`, `HOST:PORT`, `[V6]:PORT`,
    /// `:PORT` or a lone `PORT`; `port` was given apart from it.
    ///
    /// # Errors
    ///
    /// A malformed address, or two ports that differ, is a usage error.
    pub fn from_arguments(address: Option<&str>, port: Option<u16>) -> Result<Self, Error> {
        let pieces = address.map_or(Ok((None, None)), |address| split(address, port.is_some()));
        let (host, own_port) = pieces.map_err(|why| {
            let address = address.unwrap_or_default();
            Error::usage(format!("'{address}' {why}"))
        })?;
        if let (Some(own), Some(other)) = (own_port, port)
            && own != other
        {
            let message = format!("two different ports, {own} and {other}");
            return Err(Error::usage(message));
        }
        Ok(Self {
            host: host.unwrap_or(DEFAULT_HOST).to_owned(),
            port: own_port.or(port).unwrap_or(DEFAULT_PORT),
        })
    }
}

impl From<SocketAddr> for Target {
    fn from(address: SocketAddr) -> Self {
        Self {
            host: Endpoint::from(address).host().to_string(),
            port: address.port(),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

const MALFORMED: &str = "is not an address; write HOST, HOST:PORT, [IPV6]:PORT or :PORT";
const BAD_PORT: &str = "has no valid port; a port is 0 to 65535";

/// A host and a port, or why there are none.
type Pieces<'a> = Result<(Option<&'a str>, Option<u16>), &'static str>;

/// A lone number is a port, unless there is one already ("0 8080" listens on every address).
pub(super) fn split(address: &str, has_port: bool) -> Pieces<'_> {
    if let Some(rest) = address.strip_prefix('[') {
        return split_brackets(rest);
    }
    let is_number = !address.is_empty() && address.bytes().all(|byte| byte.is_ascii_digit());
    if is_number && !has_port {
        return Ok((None, Some(parse_port(address)?)));
    }
    match address.split_once(':') {
        None if address.is_empty() => Err(MALFORMED),
        None => Ok((Some(address), None)),
        Some((_, rest)) if rest.contains(':') => Ok((Some(checked_v6(address)?), None)),
        Some(("", port)) => Ok((None, Some(parse_port(port)?))),
        Some((host, port)) => Ok((Some(host), Some(parse_port(port)?))),
    }
}

fn split_brackets(rest: &str) -> Pieces<'_> {
    let (host, after) = rest.split_once(']').ok_or(MALFORMED)?;
    let host = checked_v6(host)?;
    match after.strip_prefix(':') {
        Some(port) => Ok((Some(host), Some(parse_port(port)?))),
        None if after.is_empty() => Ok((Some(host), None)),
        None => Err(MALFORMED),
    }
}

/// An IPv6 address, perhaps with a zone (`fe80::1%eth0`, RFC 4007).
fn checked_v6(host: &str) -> Result<&str, &'static str> {
    split_zone(host).map(|_| host).ok_or(MALFORMED)
}

fn parse_port(port: &str) -> Result<u16, &'static str> {
    if !port.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(MALFORMED);
    }
    port.parse().map_err(|_| BAD_PORT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_address_is_told_from_a_name() {
        let is_address = |host: &str| {
            let target = Target::from_arguments(Some(host), Some(80));
            target.unwrap().is_address()
        };
        let addresses = ["127.0.0.1", "[::1]", "fe80::1%eth0"];
        assert!(addresses.into_iter().all(is_address));
        assert!(
            !["localhost", "127.0.0.1.example"]
                .into_iter()
                .any(is_address)
        );
    }

    #[test]
    fn every_documented_form_is_understood() {
        let table = [
            (None, None, "localhost:1234"),
            (None, Some(80), "localhost:80"),
            (Some("example.org"), None, "example.org:1234"),
            (Some("example.org"), Some(80), "example.org:80"),
            (Some("example.org:80"), None, "example.org:80"),
            (Some("example.org:80"), Some(80), "example.org:80"),
            (Some(":80"), None, "localhost:80"),
            (Some("8080"), None, "localhost:8080"),
            (Some("0"), Some(8080), "0:8080"),
            (Some("::1"), None, "[::1]:1234"),
            (Some("[::1]"), Some(80), "[::1]:80"),
            (Some("[fe80::1%lo]:80"), None, "[fe80::1%lo]:80"),
        ];
        for (address, port, expected) in table {
            let target = Target::from_arguments(address, port).unwrap();
            assert_eq!(target.to_string(), expected);
        }
    }

    #[test]
    fn malformed_addresses_are_refused_with_the_input() {
        let form = [
            "",
            "host:port",
            "host:-1",
            "host:+80",
            "[::1",
            "[::1]80",
            "[host]:80",
            "1:2:3",
            "fe80::1%x]y",
            "[fe80::1%x]y]:80",
            "[fe80::1%]:80",
        ];
        let port = [":", "host:", "70000", "host:65536"];
        let table = [
            ("not an address", form.as_slice()),
            ("a port is 0 to 65535", &port),
        ];
        for (reason, addresses) in table {
            for address in addresses {
                let error = Target::from_arguments(Some(address), None)
                    .unwrap_err()
                    .to_string();
                assert!(
                    error.contains(&format!("'{address}'")) && error.contains(reason),
                    "{error}"
                );
            }
        }
    }

    #[test]
    fn two_ports_that_differ_are_refused() {
        let error = Target::from_arguments(Some("localhost:80"), Some(81)).unwrap_err();
        assert_eq!(error.to_string(), "usage: two different ports, 80 and 81");
    }

    proptest! {
        #[test]
        fn any_socket_address_is_a_target(address: SocketAddr) {
            let target = Target::from_arguments(Some(&address.to_string()), None).unwrap();
            prop_assert_eq!(target.to_string(), address.to_string());
        }

        #[test]
        fn no_input_panics_the_parser(address: String, port: Option<u16>) {
            let _ = Target::from_arguments(Some(&address), port);
        }
    }
}
