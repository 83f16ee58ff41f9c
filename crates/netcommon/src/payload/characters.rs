//! Characters that can steer a terminal or deceive its reader.

use std::{iter, mem};

use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory};
use icu_properties::{
    CodePointMapData, CodePointMapDataBorrowed, CodePointSetData, CodePointSetDataBorrowed,
};

const CATEGORIES: CodePointMapDataBorrowed<'static, GeneralCategory> =
    CodePointMapData::<GeneralCategory>::new();
const IGNORABLE: CodePointSetDataBorrowed<'static> =
    CodePointSetData::new::<DefaultIgnorableCodePoint>();

/// Bytes of ASCII that are looked at together, in the vectors of the processor.
const LANES: usize = 64;

/// Whether a character is never shown raw, by its Unicode properties (UAX #44): control characters
/// (general category Cc), line and paragraph separators (Zl, Zp), format characters such as
/// bidirectional controls, joiners and tags (Cf), and characters that are drawn as nothing, such as
/// variation selectors and fillers (Default_Ignorable_Code_Point).
///
/// ```
/// use netcommon::payload::is_unsafe;
///
/// assert!(['\u{1b}', '\u{9b}', '\u{202e}', '\u{fe0f}'].into_iter().all(is_unsafe));
/// assert!(!"ñ e\u{301} ع 漢 🙂".chars().any(is_unsafe));
/// ```
#[inline]
pub fn is_unsafe(character: char) -> bool {
    !matches!(character, ' '..='~') && has_unsafe_properties(character)
}

fn has_unsafe_properties(character: char) -> bool {
    use GeneralCategory as Category;
    let category = CATEGORIES.get(character);
    matches!(
        category,
        Category::Control
            | Category::Format
            | Category::LineSeparator
            | Category::ParagraphSeparator
    ) || IGNORABLE.contains(character)
}

/// The harmless stretches of a text, each with the unsafe character that ends it.
pub(crate) fn stretches(
    text: &str,
    is_unsafe: impl Fn(char) -> bool + Copy,
) -> impl Iterator<Item = (&str, Option<char>)> {
    let mut rest = text;
    iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let Some(at) = find(rest, is_unsafe) else {
            return Some((mem::take(&mut rest), None));
        };
        let (harmless, behind) = rest.split_at(at);
        let mut characters = behind.chars();
        let hazard = characters.next();
        rest = characters.as_str();
        Some((harmless, hazard))
    })
}

/// Printable ASCII is most of what passes, and is told at a glance.
fn find(text: &str, is_unsafe: impl Fn(char) -> bool) -> Option<usize> {
    let is_printable = |bytes: &&[u8]| {
        let printable = bytes.iter().map(|byte| matches!(byte, b' '..=b'~'));
        printable.fold(true, |all, one| all & one)
    };
    let printable = text.as_bytes().chunks(LANES).take_while(is_printable);
    let looked_at = text.len().min(printable.count() * LANES);
    let at = text[looked_at..].find(is_unsafe)?;
    Some(looked_at + at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Every unsafe character of Unicode 16, as ranges.
    const UNSAFE: [(u32, u32); 27] = [
        (0x0000, 0x001f),
        (0x007f, 0x009f),
        (0x00ad, 0x00ad),
        (0x034f, 0x034f),
        (0x0600, 0x0605),
        (0x061c, 0x061c),
        (0x06dd, 0x06dd),
        (0x070f, 0x070f),
        (0x0890, 0x0891),
        (0x08e2, 0x08e2),
        (0x115f, 0x1160),
        (0x17b4, 0x17b5),
        (0x180b, 0x180f),
        (0x200b, 0x200f),
        (0x2028, 0x202e),
        (0x2060, 0x206f),
        (0x3164, 0x3164),
        (0xfe00, 0xfe0f),
        (0xfeff, 0xfeff),
        (0xffa0, 0xffa0),
        (0xfff0, 0xfffb),
        (0x110bd, 0x110bd),
        (0x110cd, 0x110cd),
        (0x13430, 0x1343f),
        (0x1bca0, 0x1bca3),
        (0x1d173, 0x1d17a),
        (0xe0000, 0xe0fff),
    ];

    #[test]
    fn exactly_the_control_format_and_invisible_characters_are_unsafe() {
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        for code in ('\0'..=char::MAX)
            .filter(|&one| is_unsafe(one))
            .map(u32::from)
        {
            match ranges.last_mut() {
                Some((_, last)) if *last + 1 == code => *last = code,
                _ => ranges.push((code, code)),
            }
        }
        assert_eq!(ranges, UNSAFE, "{ranges:x?}");
    }

    #[test]
    fn letters_with_marks_all_scripts_and_emoji_are_shown() {
        let text = "ñ n\u{303} e\u{301}\u{323} Ελλάδα Русский עִבְרִית العَرَبِيَّة नमस्ते ไทย 한국어 漢字 カナ ᠮᠣᠩᠭᠣᠯ 𓀀 🙂👍🏽🇪🇸 \u{e000}";
        assert!(!text.chars().any(is_unsafe));
    }

    proptest! {
        #[test]
        fn stretches_are_the_whole_text_and_are_harmless(text in "([ -~]{0,80}(?s:.)){0,4}") {
            let mut whole = String::new();
            for (harmless, hazard) in stretches(&text, is_unsafe) {
                prop_assert!(!harmless.contains(is_unsafe));
                prop_assert!(hazard.is_none_or(is_unsafe));
                whole.push_str(harmless);
                whole.extend(hazard);
            }
            prop_assert_eq!(whole, text);
        }
    }
}
