//! Bytes that were read from a client but could not be sent back yet.

use std::ops::Deref;
use std::sync::atomic::{AtomicUsize, Ordering};

use memmap2::MmapMut;

/// From this size on, bytes get a mapping of their own: memory of the allocator would not go back to
/// the system when a thousand clients that did not read have left, each from between the others.
const LARGE: usize = 4096;

/// A quarter of the memory maps that a Linux process may have by default (`vm.max_map_count`): without
/// any left, a thread that starts aborts the process.
const MOST_MAPPINGS: usize = 16 << 10;

static MAPPINGS: AtomicUsize = AtomicUsize::new(0);

/// At most a worker's buffer full.
pub(crate) struct Leftover {
    memory: Memory,
    sent: usize,
}

enum Memory {
    Heap(Vec<u8>),
    Mapping(Mapping),
}

impl Leftover {
    pub(crate) const NOTHING: Self = Self {
        memory: Memory::Heap(Vec::new()),
        sent: 0,
    };

    pub(crate) fn of(bytes: &[u8]) -> Self {
        let mapping = (bytes.len() >= LARGE).then(|| Mapping::of(bytes)).flatten();
        let memory = match mapping {
            Some(mapping) => Memory::Mapping(mapping),
            None => Memory::Heap(bytes.to_vec()),
        };
        Self { memory, sent: 0 }
    }

    /// What is left when so many of the bytes were sent.
    pub(crate) fn after(mut self, sent: usize) -> Self {
        self.sent += sent;
        if self.is_empty() { Self::NOTHING } else { self }
    }
}

impl Deref for Leftover {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        let bytes = match &self.memory {
            Memory::Heap(bytes) => bytes.as_slice(),
            Memory::Mapping(mapping) => &mapping.0,
        };
        &bytes[self.sent..]
    }
}

struct Mapping(MmapMut);

impl Mapping {
    /// `None` when there are too many of them, or the system refuses one.
    fn of(bytes: &[u8]) -> Option<Self> {
        let mut memory = MmapMut::map_anon(bytes.len()).ok()?;
        // Counted before it is looked at; one that is too many takes itself back.
        let before = MAPPINGS.fetch_add(1, Ordering::Relaxed);
        memory.copy_from_slice(bytes);
        Some(Self(memory)).filter(|_| before < MOST_MAPPINGS)
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        MAPPINGS.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sent_is_gone_and_the_rest_is_there() {
        for length in [1, 100, LARGE - 1, LARGE, 100_000] {
            let bytes: Vec<u8> = (0..length).map(|n| n as u8).collect();
            let mut rest = Leftover::of(&bytes);
            assert_eq!(*rest, *bytes);
            for sent in [0, length / 2, length] {
                rest = Leftover::of(&bytes).after(sent);
                assert_eq!(*rest, bytes[sent..]);
            }
            assert!(rest.is_empty());
            assert!(Leftover::of(&bytes).after(length - 1).after(1).is_empty());
        }
    }
}
