//! Bytes from the network, made safe to show: nothing a peer sends can steer a terminal.

use std::fmt::{self, Write};
use std::mem;

use base64::prelude::{BASE64_STANDARD, Engine};
use serde::{Serialize, Serializer};

/// Bytes as one line of text: UTF-8 as it is, except that control characters and invisible format
/// characters are escaped (`\n`, `\u{1b}`), and bytes that are not UTF-8 are shown as `\xff`.
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

fn escape(bytes: &[u8], f: &mut fmt::Formatter<'_>, keep: fn(char) -> bool) -> fmt::Result {
    // Printable ASCII is most of what passes, and is told at a glance.
    if let Ok(text) = std::str::from_utf8(bytes)
        && bytes.iter().all(|byte| matches!(byte, b' '..=b'~'))
    {
        return f.write_str(text);
    }
    for chunk in bytes.utf8_chunks() {
        escape_text(chunk.valid(), f, keep)?;
        for byte in chunk.invalid() {
            write!(f, "\\x{byte:02x}")?;
        }
    }
    Ok(())
}

/// Writes the harmless stretches whole: nearly all text is one of them.
fn escape_text(text: &str, f: &mut fmt::Formatter<'_>, keep: fn(char) -> bool) -> fmt::Result {
    let mut rest = text;
    while let Some(at) = rest.find(|character| is_unsafe(character) && !keep(character)) {
        f.write_str(&rest[..at])?;
        let mut characters = rest[at..].chars();
        if let Some(character) = characters.next() {
            write!(f, "{}", character.escape_default())?;
        }
        rest = characters.as_str();
    }
    f.write_str(rest)
}

/// Control characters (C0, DEL, C1), and the format characters that reorder, hide or join text:
/// bidirectional controls (UAX #9), zero-width characters, line separators and tags.
fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
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
/// What the serializer refuses.
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
    /// What can be shown now: the bytes held back before and `piece`, less an unfinished character.
    pub fn push(&mut self, piece: &[u8]) -> Vec<u8> {
        let mut whole = mem::take(&mut self.unfinished);
        whole.extend_from_slice(piece);
        self.unfinished = whole.split_off(finished_length(&whole));
        whole
    }

    /// What is left at the end of the stream.
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
