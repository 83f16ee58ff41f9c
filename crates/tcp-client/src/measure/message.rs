//! The bytes of a message: its number, as far as it has room, and noise of its connection's own.

use netmeasure::probe::noise;

/// Bytes of the number at the beginning of a message.
const NUMBER: usize = 8;

/// Messages of `length` bytes one behind the other, to be numbered with [`stamp`].
pub(super) fn unnumbered(flow: u16, length: usize, messages: usize) -> Vec<u8> {
    let seed = 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(u64::from(flow) + 1);
    let message: Vec<u8> = noise(seed).take(length).collect();
    message.repeat(messages)
}

/// Writes a message's number, little-endian; of a shorter message, the low bytes.
pub(super) fn stamp(message: &mut [u8], number: u64) {
    for (byte, value) in message.iter_mut().take(NUMBER).zip(number.to_le_bytes()) {
        *byte = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(flow: u16, length: usize, number: u64) -> Vec<u8> {
        let mut message = unnumbered(flow, length, 1);
        stamp(&mut message, number);
        message
    }

    #[test]
    fn messages_of_other_numbers_or_flows_differ() {
        assert_eq!(message(3, 64, 7), message(3, 64, 7));
        assert_ne!(message(3, 64, 7), message(3, 64, 8));
        assert_ne!(message(3, 64, 7), message(4, 64, 7));
        assert_ne!(message(0, 1, 7), message(0, 1, 8));
    }

    #[test]
    fn a_batch_is_messages_one_behind_the_other() {
        let mut batch = unnumbered(2, 20, 3);
        for (slot, number) in batch.chunks_mut(20).zip(1..) {
            stamp(slot, number);
        }
        assert_eq!(
            batch,
            [message(2, 20, 1), message(2, 20, 2), message(2, 20, 3)].concat()
        );
    }
}
