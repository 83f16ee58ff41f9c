//! Bytes that were read from a client but could not be sent back yet.
//!
//! Where they are many, they get a mapping of their own, as a measurement showed: on the heap, 1,000
//! clients that do not read, beside 3,000 others, make a server with two workers grow from 3 to 54 MB,
//! and all of it stays when they have left. glibc gives back the top of a heap alone, and maps large
//! blocks only until the first of them is freed (mallopt(3), `M_TRIM_THRESHOLD`, `M_MMAP_THRESHOLD`).
//! With mappings, 5 MB stay.

use std::sync::Arc;

use memmap2::MmapMut;
use nix::errno::Errno;

use crate::memory::{Memory, Share};

/// The size from which bytes get a mapping.
const LARGE: usize = 4096;

/// At most a worker's buffer full.
pub(crate) struct Unsent {
    bytes: Storage,
    sent: usize,
    _share: Option<Share>,
}

enum Storage {
    Heap(Vec<u8>),
    Mapping(MmapMut),
}

impl Unsent {
    pub(crate) const NOTHING: Self = Self {
        bytes: Storage::Heap(Vec::new()),
        sent: 0,
        _share: None,
    };

    /// Copies bytes.
    ///
    /// # Errors
    ///
    /// `ENOMEM` when the system refuses the memory.
    pub(crate) fn of(bytes: &[u8], memory: &Arc<Memory>) -> Result<Self, Errno> {
        if bytes.is_empty() {
            return Ok(Self::NOTHING);
        }
        Ok(Self {
            bytes: Storage::of(bytes, memory)?,
            sent: 0,
            _share: Some(memory.take(bytes.len())),
        })
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        let bytes = match &self.bytes {
            Storage::Heap(bytes) => bytes.as_slice(),
            Storage::Mapping(bytes) => bytes,
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

impl Storage {
    /// Also on the heap when the process has as many mappings as it may have (`vm.max_map_count`), or
    /// as much address space: the heap has some in reserve.
    fn of(bytes: &[u8], memory: &Memory) -> Result<Self, Errno> {
        if bytes.len() >= LARGE {
            if let Ok(mut mapping) = MmapMut::map_anon(bytes.len()) {
                mapping.copy_from_slice(bytes);
                return Ok(Self::Mapping(mapping));
            }
            memory.note_refusal();
        }
        let mut heap = Vec::new();
        heap.try_reserve_exact(bytes.len())
            .map_err(|_| Errno::ENOMEM)?;
        heap.extend_from_slice(bytes);
        Ok(Self::Heap(heap))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sent_is_gone_and_the_rest_is_there() {
        let memory = Memory::of_this_machine();
        for length in [1, 100, LARGE - 1, LARGE, 100_000] {
            let bytes: Vec<u8> = (0..length).map(|n| n as u8).collect();
            let mut unsent = Unsent::of(&bytes, &memory).unwrap();
            assert_eq!(unsent.bytes(), bytes);
            unsent.advance(length / 2);
            assert_eq!(unsent.bytes(), &bytes[length / 2..]);
            unsent.advance(length - length / 2);
            assert!(unsent.is_empty());
        }
    }
}
