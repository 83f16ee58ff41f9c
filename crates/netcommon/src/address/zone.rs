//! Zones: the interface that an IPv6 link-local address belongs to (RFC 4007), as in `fe80::1%eth0`.

use std::io;
use std::net::{Ipv6Addr, SocketAddr};

use crate::interface;

/// Bytes of the longest interface name (`IFNAMSIZ` less the final zero, netdevice(7)).
const LONGEST: usize = 15;

/// An IPv6 address and, perhaps, its zone (RFC 4007, section 11); `None` of anything else.
pub(super) fn split_zone(input: &str) -> Option<(Ipv6Addr, Option<&str>)> {
    let (address, zone) = match input.split_once('%') {
        Some((address, zone)) => (address, Some(zone)),
        None => (input, None),
    };
    let address = address.parse().ok()?;
    zone.is_none_or(is_zone).then_some((address, zone))
}

/// The characters that need no escape in an address (RFC 6874); a stranger name has its index.
fn is_zone(zone: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    (1..=LONGEST).contains(&zone.len()) && zone.bytes().all(is_plain)
}

/// The scope id of a zone: the index of its interface; the error continues a sentence about the address.
pub(super) fn scope_of(zone: &str) -> Result<u32, String> {
    interface::index_of(zone)
        .ok_or_else(|| format!("names the interface '{zone}', which this machine does not have"))
}

/// The zone behind an address: the name of its interface, or its index where that has no plain name.
pub(super) fn show_zone(index: u32) -> String {
    let name = interface::name_of(index).filter(|name| is_zone(name));
    name.unwrap_or_else(|| index.to_string())
}

/// The error for a link-local address without its zone, which the system refuses as an invalid
/// argument (`EINVAL`, ipv6(7)): it shows how to write one. Any other error is as it was.
pub(crate) fn explain_missing_zone(address: SocketAddr, error: io::Error) -> io::Error {
    match address {
        SocketAddr::V6(v6)
            if v6.ip().is_unicast_link_local()
                && v6.scope_id() == 0
                && error.kind() == io::ErrorKind::InvalidInput =>
        {
            let (ip, zone) = (v6.ip(), interface::link_local(*v6.ip()));
            let zone = zone.as_deref().unwrap_or("eth0");
            let message = format!("a link-local address needs its zone, like {ip}%{zone}");
            io::Error::new(io::ErrorKind::InvalidInput, message)
        }
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_is_the_name_or_the_index_of_an_interface() {
        let table = [
            ("fe80::1", Some(None)),
            ("fe80::1%eth0", Some(Some("eth0"))),
            ("fe80::1%br-lan.100", Some(Some("br-lan.100"))),
            ("fe80::1%4", Some(Some("4"))),
            ("fe80::1%", None),
            ("fe80::1%x]y", None),
            ("fe80::1%a%b", None),
            ("fe80::1%a b", None),
            ("fe80::1%\u{1b}[2J", None),
            ("fe80::1%ñ", None),
            ("fe80::1%sixteen-letters0", None),
            ("fe80::x%eth0", None),
            ("10.0.0.1%eth0", None),
        ];
        for (input, expected) in table {
            let zone = split_zone(input).map(|(_, zone)| zone);
            assert_eq!(zone, expected, "{input}");
        }
    }

    #[test]
    fn a_zone_is_shown_by_name_where_it_has_one() {
        let index = interface::index_of("lo").unwrap();
        assert_eq!(show_zone(index), "lo");
        assert_eq!(show_zone(u32::MAX), u32::MAX.to_string());
    }

    #[test]
    fn an_invalid_argument_is_explained_for_a_link_local_address_without_zone_alone() {
        let table = [
            ("[fe80::1]:80", io::ErrorKind::InvalidInput, true),
            ("[fe80::1%7]:80", io::ErrorKind::InvalidInput, false),
            ("[2001:db8::1]:80", io::ErrorKind::InvalidInput, false),
            ("127.0.0.1:80", io::ErrorKind::InvalidInput, false),
            ("[fe80::1]:80", io::ErrorKind::NetworkUnreachable, false),
        ];
        for (address, kind, is_explained) in table {
            let error = explain_missing_zone(address.parse().unwrap(), kind.into());
            let text = error.to_string();
            assert_eq!(text.contains("fe80::1%"), is_explained, "{address}: {text}");
            assert_eq!(error.kind(), kind);
        }
    }
}
