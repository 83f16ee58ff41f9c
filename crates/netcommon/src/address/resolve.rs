//! The addresses behind a name.

use std::io;
use std::net::{SocketAddr, SocketAddrV6, ToSocketAddrs};

use super::endpoint::Endpoint;
use super::name::{encode, is_localhost, loopback};
use super::target::Target;
use super::zone::{scope_of, split_zone};
use crate::error::{Error, ErrorKind, reason};
use crate::payload::Escaped;

/// Address families that may be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Family {
    /// Both, IPv4 first, as the `AF_INET` of the original scripts.
    #[default]
    Any,
    /// IPv4 alone.
    V4,
    /// IPv6 alone.
    V6,
}

impl Family {
    fn admits(self, address: &SocketAddr) -> bool {
        match self {
            Self::Any => true,
            Self::V4 => address.is_ipv4(),
            Self::V6 => address.is_ipv6(),
        }
    }
}

/// Looks a name up (getaddrinfo(3)): at least one address, IPv4 before IPv6, each once. A name that is
/// not ASCII is encoded (IDNA), and `localhost`, with all names below it, is this machine's loopback
/// even where the system's resolver does not know it (RFC 6761).
///
/// ```
/// use netcommon::address::{Family, Target, resolve};
///
/// let target = Target::from_arguments(Some("127.0.0.1:80"), None)?;
/// assert_eq!(resolve(&target, Family::Any)?, ["127.0.0.1:80".parse().unwrap()]);
/// let error = resolve(&target, Family::V6).unwrap_err();
/// assert_eq!(error.to_string(), "name '127.0.0.1' not resolved: it has no IPv6 address");
/// # Ok::<(), netcommon::Error>(())
/// ```
///
/// # Errors
///
/// An unknown name, or one without an address of the wanted family, is [`ErrorKind::NotResolved`];
/// one that cannot be encoded is a usage error.
pub fn resolve(target: &Target, family: Family) -> Result<Vec<SocketAddr>, Error> {
    let mut addresses: Vec<SocketAddr> = Vec::new();
    for address in look_up(target, family)? {
        if family.admits(&address) && !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    if addresses.is_empty() {
        let which = match family {
            Family::Any => "",
            Family::V4 => "IPv4 ",
            Family::V6 => "IPv6 ",
        };
        return Err(not_resolved(target, &format!("it has no {which}address")));
    }
    addresses.sort_by_key(SocketAddr::is_ipv6);
    Ok(addresses)
}

/// The first address of a name, for a server, which listens on one alone. Others of its family are a
/// warning; one of the other family is told to those who want to know more.
///
/// # Errors
///
/// As [`resolve`].
pub fn resolve_first(target: &Target, family: Family) -> Result<SocketAddr, Error> {
    let addresses = resolve(target, family)?;
    let (first, others) = (addresses[0], &addresses[1..]);
    let is_alike = |other: &&SocketAddr| other.is_ipv4() == first.is_ipv4();
    let (name, taken) = (
        Escaped(target.host.as_bytes()),
        Endpoint::from(first).host(),
    );
    if others.iter().any(|other| is_alike(&other)) {
        let alike = list(others.iter().filter(is_alike));
        let wildcard = if first.is_ipv4() { "0.0.0.0" } else { "::" };
        log::warn!(
            "listening on {taken} alone, the first address of '{name}'; \
             for {alike} start another server, or listen on {wildcard}"
        );
    } else if !others.is_empty() {
        log::info!(
            "listening on {taken}, and not on {} of '{name}'",
            list(others)
        );
    }
    Ok(first)
}

fn list<'a>(addresses: impl IntoIterator<Item = &'a SocketAddr>) -> String {
    let hosts = addresses.into_iter();
    let shown = hosts.map(|&address| Endpoint::from(address).host().to_string());
    shown.collect::<Vec<_>>().join(", ")
}

fn look_up(target: &Target, family: Family) -> Result<Vec<SocketAddr>, Error> {
    if let Some((address, Some(zone))) = split_zone(&target.host) {
        let scope = scope_of(zone).map_err(|why| not_resolved(target, &format!("it {why}")))?;
        return Ok(vec![
            SocketAddrV6::new(address, target.port, 0, scope).into(),
        ]);
    }
    let name = encode(&target.host)?;
    let found = (&*name, target.port).to_socket_addrs();
    if is_localhost(&name) {
        let mut known: Vec<SocketAddr> = found.into_iter().flatten().collect();
        known.retain(|address| address.ip().is_loopback() && family.admits(address));
        if known.is_empty() {
            known.extend(loopback(target.port));
        }
        return Ok(known);
    }
    let found = found.map_err(|error| not_resolved(target, &why(&error)))?;
    Ok(found.collect())
}

/// The resolver's reason, without the words that every reason begins with.
fn why(error: &io::Error) -> String {
    let text = reason(error);
    let common = "failed to lookup address information: ";
    text.strip_prefix(common).unwrap_or(&text).to_lowercase()
}

fn not_resolved(target: &Target, why: &str) -> Error {
    let shown = Escaped(target.host.as_bytes());
    Error::new(
        ErrorKind::NotResolved,
        format!("name '{shown}' not resolved: {why}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(host: &str, family: Family) -> Result<Vec<String>, Error> {
        let target = Target::from_arguments(Some(host), Some(80))?;
        let found = resolve(&target, family)?;
        Ok(found.iter().map(SocketAddr::to_string).collect())
    }

    #[test]
    fn names_below_localhost_are_loopback_of_either_family() {
        for host in ["localhost", "no-such-name.localhost", "LocalHost."] {
            let v4 = addresses(host, Family::V4).unwrap();
            assert_eq!(v4, ["127.0.0.1:80"], "{host}");
            let v6 = addresses(host, Family::V6).unwrap();
            assert_eq!(v6, ["[::1]:80"], "{host}");
            let both = addresses(host, Family::Any).unwrap();
            assert_eq!(both[0], "127.0.0.1:80", "{host}");
        }
    }

    #[test]
    fn a_zone_is_an_interface_of_this_machine() {
        let index = scope_of("lo").unwrap();
        for host in ["fe80::1%lo", &format!("fe80::1%{index}")] {
            let found = addresses(host, Family::Any).unwrap();
            assert_eq!(found, [format!("[fe80::1%{index}]:80")]);
        }
        let error = addresses("fe80::1%nowhere0", Family::Any).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotResolved);
        assert!(error.to_string().contains("interface 'nowhere0'"));
    }
}
