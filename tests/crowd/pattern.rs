//! Bytes that a client sends: one block of noise over and over, from an offset of its own.

use std::sync::LazyLock;

use crate::data::noise;

/// A prime, so that no buffer size divides it and a shifted echo never matches.
const PERIOD: usize = 65_521;

/// The longest slice.
pub(crate) const LONGEST: usize = 64 << 10;

/// The block and its beginning again, so that every slice is in one piece.
static BLOCK: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut block = noise(1, PERIOD);
    block.extend_from_within(..);
    block.extend_from_within(..LONGEST);
    block
});

/// The bytes of client `number` from `offset` on, at most `longest` of them.
pub(crate) fn slice(number: usize, offset: u64, longest: u64) -> &'static [u8] {
    let start = (number as u64 * 7919 + offset) % PERIOD as u64;
    let length = longest.min(LONGEST as u64);
    &BLOCK[start as usize..(start + length) as usize]
}
