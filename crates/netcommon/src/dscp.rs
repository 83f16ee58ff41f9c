//! Differentiated services code points by name or number.

/// Parses a DSCP: a number, or a name of RFC 2474 (`CS0`–`CS7`), RFC 2597 (`AF11`–`AF43`),
/// RFC 3246 (`EF`), RFC 5865 (`VA`) or RFC 8622 (`LE`).
///
/// ```
/// use netcommon::dscp::parse_dscp;
///
/// assert_eq!(parse_dscp("EF"), Ok(46));
/// assert_eq!(parse_dscp("af11"), Ok(10));
/// assert!(parse_dscp("64").is_err());
/// ```
///
/// # Errors
///
/// Anything else is refused with the input and the accepted forms.
pub fn parse_dscp(input: &str) -> Result<u8, String> {
    let name = input.to_ascii_uppercase();
    let value = match (name.as_str(), name.as_bytes()) {
        ("EF", _) => Some(46),
        ("VA", _) => Some(44),
        ("LE", _) => Some(1),
        (_, [b'C', b'S', class @ b'0'..=b'7']) => Some((class - b'0') * 8),
        (_, [b'A', b'F', class @ b'1'..=b'4', drop @ b'1'..=b'3']) => {
            Some((class - b'0') * 8 + (drop - b'0') * 2)
        }
        (number, _) => number.parse().ok().filter(|&number| number < 64),
    };
    value.ok_or_else(|| {
        format!("'{input}' is not a DSCP; write 0 to 63, CS0 to CS7, AF11 to AF43, EF, VA or LE")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dscp_names_have_their_numbers() {
        let table = [
            ("0", 0),
            ("63", 63),
            ("CS1", 8),
            ("cs7", 56),
            ("AF11", 10),
            ("AF43", 38),
            ("EF", 46),
            ("LE", 1),
        ];
        for (input, value) in table {
            assert_eq!(parse_dscp(input), Ok(value), "{input}");
        }
        for input in ["", "64", "-1", "CS8", "AF14", "AF51", "fast"] {
            assert!(
                parse_dscp(input)
                    .unwrap_err()
                    .contains(&format!("'{input}'"))
            );
        }
    }
}
