//! Multicast groups, as people type them.

use std::fmt;
use std::net::IpAddr;

/// A multicast group, and the interface on which to join it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The multicast address.
    pub address: IpAddr,
    /// The name of the interface; `None` leaves it to the kernel's routes.
    pub interface: Option<String>,
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
/// # Errors
///
/// An address that is not multicast is refused with the input and the accepted form.
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
}
