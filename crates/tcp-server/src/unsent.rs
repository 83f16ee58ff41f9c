//! Bytes that were read from a client but could not be sent back yet.
//!
//! Where they are many, they get a mapping of their own, as a measurement showed: on the heap, 1,000
//! clients that do not read, beside 3,000 others, make a server with two workers grow from 3 to 54 MB,
//! and all of it stays when they have left. glibc gives back the top of a heap alone, and maps large
//! blocks only until the first of them is freed (mallopt(3), `M_TRIM_THRESHOLD`, `M_MMAP_THRESHOLD`).
//! With mappings, 5 MB stay.

use memmap2::MmapMut;

/// The size from which bytes get a mapping.
const LARGE: usize = 4096;

/// At most a worker's buffer full.
pub(crate) struct Unsent {
    memory: Memory,
    sent: usize,
}

enum Memory {
    Heap(Vec<u8>),
    Mapping(MmapMut),
}

impl Unsent {
    pub(crate) const NOTHING: Self = Self {
        memory: Memory::Heap(Vec::new()),
        sent: 0,
    };

    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self {
            memory: Memory::of(bytes),
            sent: 0,
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        let bytes = match &self.memory {
            Memory::Heap(bytes) => bytes.as_slice(),
            Memory::Mapping(bytes) => bytes,
        };
        &bytes[self.sent..]
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes().is_empty()
    }

    /// Takes so many bytes off the front, and gives the memory back with the last one.
    pub(crate) fn advance(&mut self, sent: usize) {
        self.sent += sent;
        if self.is_empty() {
            *self = Self::NOTHING;
        }
    }
}

impl Memory {
    /// Also on the heap when the process has as many mappings as it may have (`vm.max_map_count`).
    fn of(bytes: &[u8]) -> Self {
        if bytes.len() >= LARGE
            && let Ok(mut mapping) = MmapMut::map_anon(bytes.len())
        {
            mapping.copy_from_slice(bytes);
            return Self::Mapping(mapping);
        }
        Self::Heap(bytes.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sent_is_gone_and_the_rest_is_there() {
        for length in [1, 100, LARGE - 1, LARGE, 100_000] {
            let bytes: Vec<u8> = (0..length).map(|n| n as u8).collect();
            let mut unsent = Unsent::of(&bytes);
            assert_eq!(unsent.bytes(), bytes);
            unsent.advance(length / 2);
            assert_eq!(unsent.bytes(), &bytes[length / 2..]);
            unsent.advance(length - length / 2);
            assert!(unsent.is_empty());
        }
    }
}
