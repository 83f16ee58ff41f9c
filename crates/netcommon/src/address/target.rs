//! `HOST:PORT` as people type it.

use std::fmt;
use std::net::{Ipv6Addr, SocketAddr};

use crate::error::Error;

/// The host of the original scripts.
pub const DEFAULT_HOST: &str = "localhost";
/// The port of the original scripts.
pub const DEFAULT_PORT: u16 = 1234;

/// A host and a port, before the name is looked up.
///
/// ```
/// use netcommon::address::Target;
///
/// let target = Target::from_arguments(Some("[2001:db8::7]:5000"), None)?;
/// assert_eq!((target.host.as_str(), target.port), ("2001:db8::7", 5000));
/// assert_eq!(target.to_string(), "[2001:db8::7]:5000");
/// assert_eq!(Target::from_arguments(None, None)?.to_string(), "localhost:1234");
///
/// let refused = Target::from_arguments(Some("host:port"), None).unwrap_err();
/// assert_eq!(refused.kind().exit_code(), 2);
/// # Ok::<(), netcommon::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// A name, an IPv4 address, or an IPv6 address without brackets.
    pub host: String,
    /// 0 lets a server's kernel choose.
    pub port: u16,
}

impl Target {
    /// The same host with another port: the one that was bound when 0 was asked for.
    pub fn with_port(&self, port: u16) -> Self {
        Self {
            host: self.host.clone(),
            port,
        }
    }

    /// Puts the pieces of a command line together: `place` is `HOST`, `HOST:PORT`, `[V6]:PORT`,
    /// `:PORT` or a lone `PORT`; `port` was given apart from it.
    ///
    /// # Errors
    ///
    /// A malformed place, or two ports that differ, is a usage error.
    pub fn from_arguments(place: Option<&str>, port: Option<u16>) -> Result<Self, Error> {
        let (host, own_port) = place.map_or(Ok((None, None)), |place| split(place, port))?;
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
            host: address.ip().to_string(),
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

type Pieces<'a> = (Option<&'a str>, Option<u16>);

fn split(place: &str, port: Option<u16>) -> Result<Pieces<'_>, Error> {
    if let Some(rest) = place.strip_prefix('[') {
        return split_brackets(place, rest);
    }
    // Where a port follows, a number in the place of the host is a host ("0 8080" listens everywhere).
    if port.is_none() && !place.is_empty() && place.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok((None, Some(parse_port(place, place)?)));
    }
    match place.split_once(':') {
        None if place.is_empty() => Err(malformed(place)),
        None => Ok((Some(place), None)),
        Some((_, rest)) if rest.contains(':') => Ok((Some(checked_v6(place, place)?), None)),
        Some((host, port)) => Ok((
            (!host.is_empty()).then_some(host),
            Some(parse_port(place, port)?),
        )),
    }
}

fn split_brackets<'a>(place: &str, rest: &'a str) -> Result<Pieces<'a>, Error> {
    let (host, after) = rest.split_once(']').ok_or_else(|| malformed(place))?;
    let host = checked_v6(place, host)?;
    match after.strip_prefix(':') {
        Some(port) => Ok((Some(host), Some(parse_port(place, port)?))),
        None if after.is_empty() => Ok((Some(host), None)),
        None => Err(malformed(place)),
    }
}

/// An IPv6 address, perhaps with a zone (`fe80::1%eth0`, RFC 4007), which only the resolver understands.
fn checked_v6<'a>(place: &str, host: &'a str) -> Result<&'a str, Error> {
    let address = host.split_once('%').map_or(host, |(address, _)| address);
    address
        .parse::<Ipv6Addr>()
        .map(|_| host)
        .map_err(|_| malformed(place))
}

fn parse_port(place: &str, port: &str) -> Result<u16, Error> {
    if !port.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(malformed(place));
    }
    port.parse()
        .map_err(|_| Error::usage(format!("'{place}' has no valid port; a port is 0 to 65535")))
}

fn malformed(place: &str) -> Error {
    Error::usage(format!(
        "'{place}' is not an address; write HOST, HOST:PORT, [IPV6]:PORT or :PORT"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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
        for (place, port, expected) in table {
            let target = Target::from_arguments(place, port).unwrap();
            assert_eq!(target.to_string(), expected);
        }
    }

    #[test]
    fn malformed_places_are_refused_with_the_input() {
        let form = [
            "",
            "host:port",
            "host:-1",
            "host:+80",
            "[::1",
            "[::1]80",
            "[host]:80",
            "1:2:3",
        ];
        let port = [":", "host:", "70000", "host:65536"];
        let table = [
            ("not an address", form.as_slice()),
            ("a port is 0 to 65535", &port),
        ];
        for (reason, places) in table {
            for place in places {
                let error = Target::from_arguments(Some(place), None)
                    .unwrap_err()
                    .to_string();
                assert!(
                    error.contains(&format!("'{place}'")) && error.contains(reason),
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
        fn no_input_panics_the_parser(place: String, port: Option<u16>) {
            let _ = Target::from_arguments(Some(&place), port);
        }
    }
}
