//! Pseudo-random bytes of any length that two sides can make independently.

use std::io::{self, Read};

/// A seeded stream of `left` bytes (xorshift64*), the same in reads of any size.
pub(crate) struct Noise {
    state: u64,
    left: u64,
    /// The rest of a word that an earlier read took the beginning of.
    word: [u8; 8],
    used: usize,
}

impl Noise {
    pub(crate) fn new(seed: u64, length: u64) -> Self {
        Self {
            state: 2 * seed + 1,
            left: length,
            word: [0; 8],
            used: 8,
        }
    }

    fn next_word(&mut self) -> [u8; 8] {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        self.state.wrapping_mul(0x2545_f491_4f6c_dd1d).to_le_bytes()
    }

    fn next_byte(&mut self) -> u8 {
        if self.used == 8 {
            self.word = self.next_word();
            self.used = 0;
        }
        self.used += 1;
        self.word[self.used - 1]
    }
}

impl Read for Noise {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = usize::try_from(self.left)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        let (begun, rest) = buffer[..length].split_at_mut(length.min(8 - self.used));
        begun.fill_with(|| self.next_byte());
        let mut words = rest.chunks_exact_mut(8);
        words
            .by_ref()
            .for_each(|word| word.copy_from_slice(&self.next_word()));
        words.into_remainder().fill_with(|| self.next_byte());
        self.left -= length as u64;
        Ok(length)
    }
}

/// A buffer of noise.
pub(crate) fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    Noise::new(seed, length as u64)
        .read_exact(&mut bytes)
        .expect("noise has no errors");
    bytes
}

/// Demands that `stream` is `length` bytes of noise.
#[track_caller]
pub(crate) fn assert_is_noise(stream: impl Read, seed: u64, length: u64) {
    assert_same(stream, Noise::new(seed, length));
}

/// Reads both to their ends and demands the same bytes, in bounded memory.
#[track_caller]
pub(crate) fn assert_same(mut stream: impl Read, mut expected: impl Read) {
    let mut offset = 0;
    loop {
        let received = next_mebibyte(&mut stream);
        let is_same = received == next_mebibyte(&mut expected);
        assert!(is_same, "the stream differs within 1 MiB behind {offset}");
        if received.is_empty() {
            return;
        }
        offset += received.len();
    }
}

fn next_mebibyte(stream: &mut impl Read) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(1 << 20);
    let mebibyte = stream.take(1 << 20).read_to_end(&mut bytes);
    mebibyte.expect("the stream can be read");
    bytes
}
