//! JSON that can be shown on a terminal: characters that could steer it are escaped, which leaves the
//! value as it is (RFC 8259, section 7).

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

use crate::payload::{is_unsafe, stretches};

/// Writes a value without any white space.
pub(super) fn write(sink: impl Write, value: &impl Serialize) -> io::Result<()> {
    let mut serializer = Serializer::with_formatter(sink, Escaping);
    value.serialize(&mut serializer).map_err(io::Error::from)
}

/// Compact, as serde_json's own formatter; that one escapes C0 alone.
struct Escaping;

impl Formatter for Escaping {
    fn write_string_fragment<W>(&mut self, sink: &mut W, fragment: &str) -> io::Result<()>
    where
        W: ?Sized + Write,
    {
        for (harmless, hazard) in stretches(fragment, is_unsafe) {
            sink.write_all(harmless.as_bytes())?;
            for unit in hazard.iter().flat_map(|hazard| utf16(*hazard)) {
                write!(sink, "\\u{unit:04x}")?;
            }
        }
        Ok(())
    }
}

/// One unit, or the two of a surrogate pair.
fn utf16(character: char) -> impl Iterator<Item = u16> {
    let mut units = [0; 2];
    let length = character.encode_utf16(&mut units).len();
    units.into_iter().take(length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn json(value: &impl Serialize) -> String {
        let mut written = Vec::new();
        write(&mut written, value).unwrap();
        String::from_utf8(written).unwrap()
    }

    #[test]
    fn unsafe_characters_are_escaped_in_keys_and_values() {
        let table = [
            ("ñ 漢 e\u{301} \"\\", "\"ñ 漢 e\u{301} \\\"\\\\\""),
            ("\u{1b}[2J\n\u{7f}", r#""\u001b[2J\n\u007f""#),
            ("\u{9b}2J\u{202e}", r#""\u009b2J\u202e""#),
            ("\u{fe0f}\u{e0001}", r#""\ufe0f\udb40\udc01""#),
        ];
        for (text, expected) in table {
            assert_eq!(json(&text), expected);
            let object = std::collections::BTreeMap::from([(text, 1)]);
            assert_eq!(json(&object), format!("{{{expected}:1}}"));
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_as_it_was_written(text: String) {
            let json = json(&text);
            prop_assert!(!json.chars().any(is_unsafe));
            prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        }
    }
}
