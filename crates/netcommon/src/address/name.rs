//! Names that a resolver is not asked as they were typed: internationalised ones, and `localhost`.

use std::borrow::Cow;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};

use crate::error::Error;
use crate::payload::Escaped;

/// The name as the DNS has it: one that is not ASCII in the encoding of IDNA (UTS #46, RFC 3492).
///
/// # Errors
///
/// A name that cannot be encoded is a usage error.
pub(super) fn encode(name: &str) -> Result<Cow<'_, str>, Error> {
    if name.is_ascii() {
        return Ok(name.into());
    }
    let (deny, length) = (AsciiDenyList::URL, DnsLength::VerifyAllowRootDot);
    let encoded = Uts46::new().to_ascii(name.as_bytes(), deny, Hyphens::Allow, length);
    encoded.map_err(|_| {
        let shown = Escaped(name.as_bytes());
        Error::usage(format!(
            "'{shown}' is no name: it has no encoding for the DNS (IDNA)"
        ))
    })
}

/// Whether a name is this machine's loopback, whatever a resolver says (RFC 6761, section 6.3).
pub(super) fn is_localhost(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}

/// The loopback addresses of both families.
pub(super) fn loopback(port: u16) -> [SocketAddr; 2] {
    [
        (Ipv4Addr::LOCALHOST, port).into(),
        (Ipv6Addr::LOCALHOST, port).into(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_not_ascii_are_encoded_and_others_left_alone() {
        let table = [
            ("españa.example", "xn--espaa-rta.example"),
            ("ESPAÑA.example.", "xn--espaa-rta.example."),
            ("例え.jp", "xn--r8jz45g.jp"),
            ("LocalHost", "LocalHost"),
            ("_service.host-1", "_service.host-1"),
            ("", ""),
        ];
        for (name, encoded) in table {
            assert_eq!(encode(name).unwrap(), encoded);
        }
    }

    #[test]
    fn what_cannot_be_encoded_is_a_usage_error_that_shows_it_safely() {
        let long = "ñ".repeat(64);
        for name in ["ñ..example", "ñ example", "\u{202e}ñ", "ñ%eth0", &long] {
            let error = encode(name).unwrap_err();
            assert_eq!(error.kind().exit_code(), 2);
            let text = error.to_string();
            assert!(
                text.contains("IDNA") && !text.contains('\u{202e}'),
                "{text}"
            );
        }
    }

    #[test]
    fn localhost_has_names_below_it_and_a_root_dot_perhaps() {
        for name in ["localhost", "LOCALHOST", "localhost.", "app.localhost"] {
            assert!(is_localhost(name), "{name}");
        }
        for name in [
            "",
            "local",
            "localhost.example",
            "notlocalhost",
            "127.0.0.1",
        ] {
            assert!(!is_localhost(name), "{name}");
        }
    }
}
