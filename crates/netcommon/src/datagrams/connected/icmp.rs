//! ICMP errors (RFC 792, RFC 4443).

use std::fmt;

/// An ICMP error that a peer or a router sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IcmpError {
    /// Nothing listens on the port.
    PortUnreachable,
    /// No way to the host.
    HostUnreachable,
    /// No way to its network.
    NetworkUnreachable,
    /// A firewall says no.
    Prohibited,
    /// Too large for the path, and not to be fragmented.
    TooLarge,
    /// Another one, by its type and code.
    Other(u8, u8),
}

impl IcmpError {
    /// The meaning of a type and a code.
    pub fn of(is_v6: bool, kind: u8, code: u8) -> Self {
        match (is_v6, kind, code) {
            (false, 3, 3) | (true, 1, 4) => Self::PortUnreachable,
            (false, 3, 1 | 7 | 8 | 12) | (true, 1, 3) => Self::HostUnreachable,
            (false, 3, 0 | 6 | 11) | (true, 1, 0 | 2) => Self::NetworkUnreachable,
            (false, 3, 9 | 10 | 13) | (true, 1, 1 | 5 | 6) => Self::Prohibited,
            (false, 3, 4) | (true, 2, _) => Self::TooLarge,
            _ => Self::Other(kind, code),
        }
    }
}

impl fmt::Display for IcmpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PortUnreachable => f.write_str("connection refused"),
            Self::HostUnreachable => f.write_str("host unreachable"),
            Self::NetworkUnreachable => f.write_str("network unreachable"),
            Self::Prohibited => f.write_str("administratively prohibited"),
            Self::TooLarge => f.write_str("too large for the path"),
            Self::Other(kind, code) => write!(f, "ICMP type {kind}, code {code}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_and_codes_have_their_names() {
        let table = [
            (false, 3, 1, "host unreachable"),
            (false, 3, 13, "administratively prohibited"),
            (true, 1, 1, "administratively prohibited"),
            (true, 1, 0, "network unreachable"),
            (true, 2, 0, "too large for the path"),
            (false, 11, 0, "ICMP type 11, code 0"),
        ];
        for (is_v6, kind, code, name) in table {
            assert_eq!(IcmpError::of(is_v6, kind, code).to_string(), name);
        }
    }
}
