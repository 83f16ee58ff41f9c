//! Multicast groups, as people type them and as sockets join them.

use std::fmt;
use std::io;
use std::net::{IpAddr, UdpSocket};

use nix::net::if_::if_nametoindex;
use socket2::{InterfaceIndexOrAddress, SockRef};

use crate::error::Error;

/// A multicast group, and the interface on which to join it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The multicast address.
    pub address: IpAddr,
    interface: Option<String>,
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.address)?;
        match &self.interface {
            Some(interface) => write!(f, "@{interface}"),
            None => Ok(()),
        }
    }
}

/// Parses `GROUP` or `GROUP@IF`; without an interface the kernel chooses one by its routes.
///
/// ```
/// use netcommon::multicast::parse_group;
///
/// assert!(parse_group("239.1.2.3@eth0")?.address.is_multicast());
/// assert!(parse_group("10.0.0.1").is_err());
/// # Ok::<(), String>(())
/// ```
///
/// # Errors
///
/// What is not a multicast address is refused with the input and the accepted form.
pub fn parse_group(input: &str) -> Result<Group, String> {
    let (address, interface) = match input.split_once('@') {
        Some((address, interface)) => (address, Some(interface.to_owned())),
        None => (input, None),
    };
    let named = interface.as_deref() != Some("");
    match address.parse::<IpAddr>() {
        Ok(address) if address.is_multicast() && named => Ok(Group { address, interface }),
        _ => Err(format!(
            "'{input}' is not a multicast group; write GROUP or GROUP@IF, like 239.1.2.3@eth0 or ff02::1234@eth0"
        )),
    }
}

/// Joins a group: its datagrams reach the socket, if it is bound to the group or to the wildcard.
///
/// # Errors
///
/// An unknown interface, or one that cannot do multicast, with the group in the message.
pub fn join(socket: &UdpSocket, group: &Group) -> Result<(), Error> {
    let index = group
        .interface
        .as_deref()
        .map_or(Ok(0), |name| if_nametoindex(name).map_err(io::Error::from));
    let socket = SockRef::from(socket);
    let joined = index.and_then(|index| {
        hear_own_groups_alone(&socket, group.address)?;
        match group.address {
            IpAddr::V4(address) => {
                socket.join_multicast_v4_n(&address, &InterfaceIndexOrAddress::Index(index))
            }
            IpAddr::V6(address) => socket.join_multicast_v6(&address, index),
        }
    });
    joined.map_err(|error| Error::io(format!("cannot join {group}"), error))
}

/// Linux hands a socket on the wildcard every group that anybody on the machine has joined, unless
/// told not to (`IP_MULTICAST_ALL`, ip(7)).
#[cfg(target_os = "linux")]
fn hear_own_groups_alone(socket: &SockRef<'_>, group: IpAddr) -> io::Result<()> {
    match group {
        IpAddr::V4(_) => socket.set_multicast_all_v4(false),
        IpAddr::V6(_) => socket.set_multicast_all_v6(false),
    }
}

#[cfg(not(target_os = "linux"))]
fn hear_own_groups_alone(_: &SockRef<'_>, _: IpAddr) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_multicast_addresses_with_an_interface_perhaps() {
        for input in ["239.1.2.3", "239.1.2.3@lo", "ff02::1234@lo"] {
            assert_eq!(parse_group(input).unwrap().to_string(), input);
        }
        for input in ["", "10.0.0.1", "239.1.2.3@", "@lo", "group@lo", "::1"] {
            let error = parse_group(input).unwrap_err();
            assert!(error.contains(&format!("'{input}'")), "{error}");
        }
    }

    #[test]
    fn an_unknown_interface_cannot_be_joined_on() {
        let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
        let group = parse_group("239.1.2.3@nowhere0").unwrap();
        let error = join(&socket, &group).unwrap_err().to_string();
        assert!(error.contains("239.1.2.3@nowhere0"), "{error}");
    }
}
