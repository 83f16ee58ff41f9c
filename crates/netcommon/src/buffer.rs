//! Large buffers that bytes are received into.

use std::ops::{Deref, DerefMut};

/// A cache line. The kernel takes up to three times as long to copy bytes to memory that begins within
/// one, as a large block of malloc(3) does (measured on a processor with `fsrm`).
const ALIGNMENT: usize = 64;

/// Bytes that begin at a cache line; untouched pages of a large one cost nothing.
///
/// ```
/// use netcommon::buffer::Buffer;
///
/// let buffer = Buffer::new(100_000);
/// assert_eq!(buffer.len(), 100_000);
/// assert!(buffer.as_ptr().addr().is_multiple_of(64));
/// ```
#[derive(Debug, Default)]
pub struct Buffer {
    bytes: Vec<u8>,
    start: usize,
    length: usize,
}

impl Buffer {
    /// So many bytes, all zero.
    pub fn new(length: usize) -> Self {
        let bytes = vec![0; length + ALIGNMENT];
        Self {
            start: bytes.as_ptr().align_offset(ALIGNMENT),
            bytes,
            length,
        }
    }
}

impl Clone for Buffer {
    fn clone(&self) -> Self {
        let mut copy = Self::new(self.length);
        copy.copy_from_slice(self);
        copy
    }
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[self.start..self.start + self.length]
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[self.start..self.start + self.length]
    }
}
