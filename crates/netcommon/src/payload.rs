//! Bytes from the network, and any other text that is not ours, made safe to show: nothing in them can
//! steer a terminal.

mod characters;

use std::fmt::{self, Write};
use std::mem;

use base64::prelude::{BASE64_STANDARD, Engine};
use serde::{Serialize, Serializer};

pub use characters::is_unsafe;
pub(crate) use characters::stretches;

/// Bytes as one line of text: UTF-8 as it is, except that [unsafe](is_unsafe) characters are escaped
/// (`\n`, `\u{1b}`), and bytes that are not UTF-8 are shown as `\xff`.
pub struct Escaped<'a>(pub &'a [u8]);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        escape(self.0, f, |_| false)
    }
}

/// Like [`Escaped`], but line feeds and tabs are kept: a stream of lines on a terminal.
///
/// ```
/// use netcommon::payload::EscapedLines;
///
/// assert_eq!(EscapedLines(b"a\tb\r\n\x1bc\n").to_string(), "a\tb\\r\n\\u{1b}c\n");
/// ```
pub struct EscapedLines<'a>(pub &'a [u8]);

impl fmt::Display for EscapedLines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        escape(self.0, f, |character| matches!(character, '\n' | '\t'))
    }
}

/// Anything that can be shown, as one line of text, escaped as [`Escaped`].
///
/// ```
/// use netcommon::payload::one_line;
///
/// assert_eq!(one_line(format_args!("no file '{}'", "a\n\u{9b}2J")), r"no file 'a\n\u{9b}2J'");
/// ```
pub fn one_line(shown: impl fmt::Display) -> String {
    Escaped(shown.to_string().as_bytes()).to_string()
}

fn escape(
    bytes: &[u8],
    f: &mut fmt::Formatter<'_>,
    keep: impl Fn(char) -> bool + Copy,
) -> fmt::Result {
    let is_unsafe = |character| is_unsafe(character) && !keep(character);
    for chunk in bytes.utf8_chunks() {
        for (harmless, hazard) in stretches(chunk.valid(), is_unsafe) {
            f.write_str(harmless)?;
            if let Some(character) = hazard {
                write!(f, "{}", character.escape_default())?;
            }
        }
        for byte in chunk.invalid() {
            write!(f, "\\x{byte:02x}")?;
        }
    }
    Ok(())
}

/// A hex dump in the layout of `hexdump -C`: offset, sixteen bytes, and their ASCII. Ends with a line feed.
pub struct HexDump<'a> {
    /// The bytes to show.
    pub bytes: &'a [u8],
    /// The offset of the first one in its stream.
    pub offset: u64,
}

impl fmt::Display for HexDump<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (row, bytes) in (0_u64..).zip(self.bytes.chunks(16)) {
            write!(f, "{:08x} ", self.offset + row * 16)?;
            for column in 0..16 {
                f.write_str(if column == 8 { "  " } else { " " })?;
                match bytes.get(column) {
                    Some(byte) => write!(f, "{byte:02x}")?,
                    None => f.write_str("  ")?,
                }
            }
            f.write_str("  |")?;
            for &byte in bytes {
                let is_printable = matches!(byte, b' '..=b'~');
                f.write_char(if is_printable { byte.into() } else { '.' })?;
            }
            f.write_str("|\n")?;
        }
        Ok(())
    }
}

/// A payload in a JSON event: `"text"` where it is UTF-8, else `"base64"` (RFC 4648, padded).
///
/// ```
/// use netcommon::payload::JsonPayload;
///
/// let json = |bytes| serde_json::to_string(&JsonPayload::new(bytes));
/// assert_eq!(json(b"hola")?, r#"{"text":"hola"}"#);
/// assert_eq!(json(b"\xff\x00")?, r#"{"base64":"/wA="}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
pub enum JsonPayload<'a> {
    /// The bytes as text.
    Text(&'a str),
    /// Bytes that are not UTF-8.
    #[serde(serialize_with = "encode")]
    Base64(&'a [u8]),
}

impl<'a> JsonPayload<'a> {
    /// Chooses the form that the bytes allow. Flatten it into the event.
    pub fn new(bytes: &'a [u8]) -> Self {
        std::str::from_utf8(bytes).map_or(Self::Base64(bytes), Self::Text)
    }
}

/// Serializes bytes as a [`JsonPayload`], for a field with `#[serde(flatten, serialize_with = …)]`.
///
/// # Errors
///
/// The serializer's errors.
pub fn text_or_base64<S: Serializer>(bytes: &&[u8], serializer: S) -> Result<S::Ok, S::Error> {
    JsonPayload::new(bytes).serialize(serializer)
}

fn encode<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&BASE64_STANDARD.encode(bytes))
}

/// Keeps the pieces of a byte stream from being cut inside a character: the at most three bytes of
/// an unfinished one wait for the next piece.
///
/// ```
/// use netcommon::payload::Utf8Pieces;
///
/// let mut pieces = Utf8Pieces::default();
/// assert_eq!(pieces.push(b"ma\xc3"), b"ma");
/// assert_eq!(pieces.push(b"\xb1ana"), "ñana".as_bytes());
/// ```
#[derive(Default)]
pub struct Utf8Pieces {
    unfinished: Vec<u8>,
}

impl Utf8Pieces {
    /// The part that can be shown now: the bytes held back before and `piece`, less an unfinished character.
    pub fn push(&mut self, piece: &[u8]) -> Vec<u8> {
        let mut whole = mem::take(&mut self.unfinished);
        whole.extend_from_slice(piece);
        self.unfinished = whole.split_off(finished_length(&whole));
        whole
    }

    /// The rest at the end of the stream.
    pub fn finish(&mut self) -> Vec<u8> {
        mem::take(&mut self.unfinished)
    }
}

fn finished_length(bytes: &[u8]) -> usize {
    let earliest = bytes.len().saturating_sub(3);
    (earliest..bytes.len())
        .find(|&at| {
            std::str::from_utf8(&bytes[at..])
                .is_err_and(|e| e.valid_up_to() == 0 && e.error_len().is_none())
        })
        .unwrap_or(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn hostile_bytes_are_escaped() {
        let table: [(&[u8], &str); 9] = [
            (b"plain", "plain"),
            ("muchísimo €".as_bytes(), "muchísimo €"),
            (b"a\r\n\tb", r"a\r\n\tb"),
            (b"\x1b[31m", r"\u{1b}[31m"),
            (b"\0\x7f", r"\u{0}\u{7f}"),
            ("\u{9b}2J".as_bytes(), r"\u{9b}2J"),
            ("\u{202e}abc".as_bytes(), r"\u{202e}abc"),
            ("a\u{200b}b\u{feff}".as_bytes(), r"a\u{200b}b\u{feff}"),
            (b"\xff\xc3(", r"\xff\xc3("),
        ];
        for (bytes, shown) in table {
            assert_eq!(Escaped(bytes).to_string(), shown);
        }
    }

    #[test]
    fn a_hex_dump_has_offset_bytes_and_ascii() {
        let (bytes, offset) = (b"Hola, servidor!\n\xff", 16);
        assert_eq!(
            HexDump { bytes, offset }.to_string(),
            "00000010  48 6f 6c 61 2c 20 73 65  72 76 69 64 6f 72 21 0a  |Hola, servidor!.|\n\
             00000020  ff                                                |.|\n"
        );
    }

    proptest! {
        #[test]
        fn no_bytes_reach_the_terminal_raw(bytes: Vec<u8>) {
            let shown = Escaped(&bytes).to_string();
            prop_assert!(!shown.chars().any(is_unsafe));
        }

        #[test]
        fn text_cut_anywhere_is_whole_again(text in "\\PC{0,40}", cut in 1_usize..8) {
            let mut pieces = Utf8Pieces::default();
            let mut shown = String::new();
            for piece in text.as_bytes().chunks(cut) {
                shown.push_str(std::str::from_utf8(&pieces.push(piece)).unwrap());
            }
            prop_assert!(pieces.finish().is_empty());
            prop_assert_eq!(shown, text);
        }

        #[test]
        fn pieces_lose_no_bytes(bytes: Vec<u8>, cut in 1_usize..8) {
            let mut pieces = Utf8Pieces::default();
            let mut all: Vec<u8> = bytes.chunks(cut).flat_map(|piece| pieces.push(piece)).collect();
            all.extend(pieces.finish());
            prop_assert_eq!(all, bytes);
        }
    }
}
