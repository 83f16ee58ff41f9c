//! The bytes of a message: its number, as far as it has room, and a pattern of its connection's own.
//!
//! They are made from one table on both sides of a connection, so that no message has to be kept,
//! however long it is.

use std::sync::OnceLock;

use netmeasure::probe::noise;

/// Bytes of the number at the beginning of a message.
const NUMBER: usize = 8;

/// Length of the table: the largest prime below 64 Ki, so that no power of two repeats it.
const PERIOD: usize = 65_521;

/// Lets neighbouring connections begin far from each other in the table.
const STRIDE: usize = 7_919;

/// The messages of one connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Messages {
    length: usize,
    shift: usize,
}

impl Messages {
    /// Messages of `length` bytes on a flow, from 0.
    pub(super) fn new(flow: u16, length: usize) -> Self {
        let shift = usize::from(flow) * STRIDE % PERIOD;
        Self { length, shift }
    }

    pub(super) fn length(&self) -> usize {
        self.length
    }

    /// The stretch from `offset` on of the message with the number whose bytes are `number`, up to
    /// `most` bytes, the end of the message, or the end of the table.
    pub(super) fn stretch<'a>(
        &self,
        number: &'a [u8; NUMBER],
        offset: usize,
        most: usize,
    ) -> &'a [u8] {
        let numbered = NUMBER.min(self.length);
        if offset < numbered {
            let end = numbered.min(offset + most);
            return &number[offset..end];
        }
        let begin = (offset + self.shift) % PERIOD;
        let length = most.min(self.length - offset).min(PERIOD - begin);
        &table()[begin..begin + length]
    }
}

/// The bytes of a number: little-endian, so that a shorter message has the low ones.
pub(super) fn number_bytes(number: u64) -> [u8; NUMBER] {
    number.to_le_bytes()
}

fn table() -> &'static [u8] {
    static TABLE: OnceLock<Vec<u8>> = OnceLock::new();
    TABLE.get_or_init(|| noise(0x9e37_79b9_7f4a_7c15).take(PERIOD).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(flow: u16, length: usize, number: u64) -> Vec<u8> {
        let (messages, number) = (Messages::new(flow, length), number_bytes(number));
        let mut bytes = Vec::new();
        while bytes.len() < length {
            bytes.extend_from_slice(messages.stretch(&number, bytes.len(), usize::MAX));
        }
        bytes
    }

    #[test]
    fn messages_of_other_numbers_or_flows_differ() {
        assert_eq!(message(3, 64, 7), message(3, 64, 7));
        assert_ne!(message(3, 64, 7), message(3, 64, 8));
        assert_ne!(message(3, 64, 7), message(4, 64, 7));
        assert_ne!(message(0, 1, 7), message(0, 1, 8));
    }

    #[test]
    fn a_message_is_the_same_in_stretches_of_any_size() {
        let whole = message(2, 200_000, 5);
        let (messages, number) = (Messages::new(2, 200_000), number_bytes(5));
        for most in [1, 3, 8, 1000, 65_521, 100_000] {
            let mut offset = 0;
            while offset < whole.len() {
                let stretch = messages.stretch(&number, offset, most);
                assert!(!stretch.is_empty() && stretch.len() <= most);
                assert_eq!(stretch, &whole[offset..offset + stretch.len()]);
                offset += stretch.len();
            }
        }
    }
}
