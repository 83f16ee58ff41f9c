//! Bytes as people write them: pairs of hexadecimal digits.

use std::fmt;

/// Bytes shown as pairs of digits with spaces between them: `0d 0a`.
pub struct Hex<'a>(pub &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            let space = if at == 0 { "" } else { " " };
            write!(f, "{space}{byte:02x}")?;
        }
        Ok(())
    }
}

/// Bytes of an argument. A type of its own: clap takes a `Vec` for an option that is given many times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HexBytes(pub Vec<u8>);

/// Parses pairs of hexadecimal digits, in either case, with spaces or colons between the bytes.
///
/// ```
/// use netcommon::hex::{HexBytes, parse_hex};
///
/// let bytes = HexBytes(vec![0xde, 0xad, 0xbe, 0xef]);
/// assert_eq!(parse_hex("deadbeef"), Ok(bytes.clone()));
/// assert_eq!(parse_hex("DE:AD be ef"), Ok(bytes));
/// ```
///
/// # Errors
///
/// A character that is no digit, with its place, and digits that make no whole bytes, with their number.
pub fn parse_hex(input: &str) -> Result<HexBytes, String> {
    for (at, letter) in input.chars().enumerate() {
        if !letter.is_ascii_hexdigit() && !is_separator(letter) {
            let place = at + 1;
            return Err(format!(
                "'{}' at place {place} is not a hexadecimal digit; write bytes like 0d0a, 0d 0a or 0d:0a",
                letter.escape_debug()
            ));
        }
    }
    let mut bytes = Vec::with_capacity(input.len() / 2);
    for digits in input.split(is_separator) {
        if digits.len() % 2 == 1 {
            let count = digits.len();
            return Err(format!(
                "'{digits}' has an odd number of hexadecimal digits ({count}); a byte has two"
            ));
        }
        bytes.extend(digits.as_bytes().chunks_exact(2).map(byte));
    }
    Ok(HexBytes(bytes))
}

fn is_separator(letter: char) -> bool {
    letter == ':' || letter.is_ascii_whitespace()
}

fn byte(digits: &[u8]) -> u8 {
    digits.iter().fold(0, |byte, &digit| {
        let value = char::from(digit).to_digit(16).unwrap_or_default();
        byte << 4 | value as u8
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_bad_digit_is_named_with_its_place_and_an_odd_number_is_named() {
        for (input, message) in [
            ("0d0g", "'g' at place 4"),
            ("0x0d", "'x' at place 2"),
            ("ñ", "'ñ' at place 1"),
            ("00\u{1b}", "'\\u{1b}' at place 3"),
            ("abc", "'abc' has an odd number of hexadecimal digits (3)"),
            // Not 12 34, which a reader that drops the separators would take it for.
            ("1:2:3:4", "'1' has an odd number"),
        ] {
            let error = parse_hex(input).unwrap_err();
            assert!(error.starts_with(message), "{error}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_that_are_shown_are_read_back(bytes: Vec<u8>, colons: bool) {
            let shown = Hex(&bytes).to_string();
            let written = if colons { shown.replace(' ', ":") } else { shown };
            prop_assert_eq!(parse_hex(&written), Ok(HexBytes(bytes)));
        }

        #[test]
        fn no_input_panics_the_parser(input: String) {
            let _ = parse_hex(&input);
        }
    }
}
