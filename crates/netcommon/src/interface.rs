//! Network interfaces of this machine (netdevice(7)).

use std::net::{IpAddr, Ipv6Addr};

use nix::ifaddrs::getifaddrs;
use nix::net::if_::{InterfaceFlags, if_indextoname, if_nametoindex};

/// An address of an interface; the interface has an entry for each.
struct Entry {
    name: String,
    address: IpAddr,
    flags: InterfaceFlags,
}

/// The addresses of the interfaces that are up (getifaddrs(3)).
fn entries() -> impl Iterator<Item = Entry> {
    let all = getifaddrs().into_iter().flatten();
    let up = all.filter(|entry| entry.flags.contains(InterfaceFlags::IFF_UP));
    up.filter_map(|entry| {
        let address = entry.address?;
        let v4 = address.as_sockaddr_in().map(|v4| v4.ip().into());
        let v6 = || address.as_sockaddr_in6().map(|v6| v6.ip().into());
        Some(Entry {
            name: entry.interface_name,
            address: v4.or_else(v6)?,
            flags: entry.flags,
        })
    })
}

/// The index behind a name, or behind its own decimal digits (if_nametoindex(3)).
pub fn index_of(name: &str) -> Option<u32> {
    let number = || name.parse().ok().filter(|&index| index > 0);
    if_nametoindex(name).ok().or_else(number)
}

/// The name behind an index (if_indextoname(3)).
pub fn name_of(index: u32) -> Option<String> {
    let name = if_indextoname(index).ok()?.into_string().ok()?;
    // nix takes the null pointer for an empty name.
    (!name.is_empty()).then_some(name)
}

/// The interface that has a link-local address, or else one on which neighbours can be reached.
pub fn link_local(address: Ipv6Addr) -> Option<String> {
    let is_link_local =
        |entry: &Entry| matches!(entry.address, IpAddr::V6(v6) if v6.is_unicast_link_local());
    let found = entries().filter(is_link_local);
    let entry = found.max_by_key(|entry| entry.address == address);
    entry.map(|entry| entry.name)
}

/// The interfaces that carry multicast and have an address of the family of `group`.
pub fn multicast_capable(group: IpAddr) -> Vec<String> {
    let is_capable = |entry: &Entry| {
        let carries = entry.flags.contains(InterfaceFlags::IFF_MULTICAST);
        carries && entry.address.is_ipv4() == group.is_ipv4()
    };
    let mut names: Vec<String> = entries()
        .filter(is_capable)
        .map(|entry| entry.name)
        .collect();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_found_by_name_and_by_index() {
        let index = index_of("lo").unwrap();
        assert_eq!(name_of(index).as_deref(), Some("lo"));
        assert_eq!(index_of(&index.to_string()), Some(index));
    }

    #[test]
    fn what_is_no_interface_has_no_index_and_no_name() {
        for name in ["", "nowhere0", "0", "-1"] {
            assert_eq!(index_of(name), None, "{name}");
        }
        assert_eq!(name_of(u32::MAX), None);
    }

    #[test]
    fn loopback_carries_no_multicast_by_itself() {
        let group = "239.1.2.3".parse().unwrap();
        assert!(!multicast_capable(group).contains(&"lo".to_owned()));
    }
}
