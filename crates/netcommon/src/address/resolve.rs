//! The addresses behind a name.

use std::net::{SocketAddr, ToSocketAddrs};

use super::target::Target;
use crate::error::{Error, ErrorKind, reason};
use crate::payload::Escaped;

/// Which addresses of a name may be used.
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

/// Looks a name up (getaddrinfo(3)): at least one address, IPv4 before IPv6, each once.
///
/// ```
/// use netcommon::address::{Family, Target, resolve};
///
/// let target = Target::from_arguments(Some("127.0.0.1:80"), None)?;
/// assert_eq!(resolve(&target, Family::Any)?, ["127.0.0.1:80".parse().unwrap()]);
/// assert!(resolve(&target, Family::V6).is_err());
/// # Ok::<(), netcommon::Error>(())
/// ```
///
/// # Errors
///
/// An unknown name, or one without an address of the wanted family, is [`ErrorKind::NotResolved`].
pub fn resolve(target: &Target, family: Family) -> Result<Vec<SocketAddr>, Error> {
    let found = (target.host.as_str(), target.port)
        .to_socket_addrs()
        .map_err(|error| {
            let text = reason(&error);
            let why = text
                .strip_prefix("failed to lookup address information: ")
                .unwrap_or(&text)
                .to_lowercase();
            not_resolved(target, &why)
        })?;
    let mut addresses: Vec<SocketAddr> = Vec::new();
    for address in found.filter(|address| family.admits(address)) {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    addresses.sort_by_key(SocketAddr::is_ipv6);
    match (addresses.is_empty(), family) {
        (false, _) => Ok(addresses),
        (true, Family::V4) => Err(not_resolved(target, "it has no IPv4 address")),
        (true, Family::V6) => Err(not_resolved(target, "it has no IPv6 address")),
        (true, Family::Any) => Err(not_resolved(target, "it has no address")),
    }
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

    #[test]
    fn literal_addresses_resolve_to_themselves_within_their_family() {
        let v4 = Target::from_arguments(Some("127.0.0.1:9"), None).unwrap();
        assert_eq!(
            resolve(&v4, Family::Any).unwrap(),
            ["127.0.0.1:9".parse().unwrap()]
        );
        let error = resolve(&v4, Family::V6).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotResolved);
        assert!(error.to_string().contains("no IPv6 address"), "{error}");
        let v6 = Target::from_arguments(Some("[::1]:9"), None).unwrap();
        assert_eq!(
            resolve(&v6, Family::V6).unwrap(),
            ["[::1]:9".parse().unwrap()]
        );
    }
}
