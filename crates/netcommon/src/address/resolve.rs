//! The addresses behind a name.

use std::net::{SocketAddr, ToSocketAddrs};

use super::target::Target;
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

/// Looks a name up (getaddrinfo(3)): at least one address, IPv4 before IPv6, each once.
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

fn not_resolved(target: &Target, why: &str) -> Error {
    let shown = Escaped(target.host.as_bytes());
    Error::new(
        ErrorKind::NotResolved,
        format!("name '{shown}' not resolved: {why}"),
    )
}
