//! Bytes made safe to show: no unsafe character is left, harmless text is as it was, and a stream in
//! pieces is shown as the whole.

#![no_main]

use libfuzzer_sys::fuzz_target;
use netcommon::payload::{Escaped, EscapedLines, HexDump, Utf8Pieces, is_unsafe, one_line};

fuzz_target!(|input: (u8, &[u8])| {
    let (cut, bytes) = input;
    let shown = Escaped(bytes).to_string();
    assert!(!shown.contains(is_unsafe));
    assert_eq!(one_line(&shown), shown);
    lines(bytes);
    if let Ok(text) = std::str::from_utf8(bytes) {
        assert_eq!(text == shown, !text.contains(is_unsafe));
    }
    dump(bytes, cut);
    let pieces = pieces(bytes, usize::from(cut) + 1);
    let shown_in_pieces: String = pieces
        .iter()
        .map(|piece| Escaped(piece).to_string())
        .collect();
    assert_eq!(shown_in_pieces, shown);
    assert_eq!(pieces.concat(), bytes);
});

fn lines(bytes: &[u8]) {
    let shown = EscapedLines(bytes).to_string();
    assert!(!shown.contains(|character| is_unsafe(character) && !"\n\t".contains(character)));
    let feeds = |bytes: &[u8]| bytes.iter().filter(|&&byte| byte == b'\n').count();
    assert_eq!(feeds(shown.as_bytes()), feeds(bytes));
}

fn pieces(bytes: &[u8], cut: usize) -> Vec<Vec<u8>> {
    let mut stream = Utf8Pieces::default();
    let mut pieces: Vec<Vec<u8>> = bytes.chunks(cut).map(|piece| stream.push(piece)).collect();
    pieces.push(stream.finish());
    pieces
}

/// Lines of one width in printable ASCII, and the bytes again in their hexadecimal columns.
fn dump(bytes: &[u8], offset: u8) {
    let offset = offset.into();
    let shown = HexDump { bytes, offset }.to_string();
    assert!(
        shown
            .bytes()
            .all(|byte| matches!(byte, b'\n' | b' '..=b'~'))
    );
    assert_eq!(shown.lines().count(), bytes.len().div_ceil(16));
    let columns = shown
        .lines()
        .flat_map(|line| line[8..58].split_whitespace());
    let read = columns.map(|byte| u8::from_str_radix(byte, 16).expect("two digits"));
    assert!(read.eq(bytes.iter().copied()));
}
