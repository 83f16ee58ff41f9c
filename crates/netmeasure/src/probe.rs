//! Probe datagrams: what the clients send to measure a UDP path, and any receiver can take apart.
//!
//! The numbers are big-endian:
//!
//! | offset | bytes | content |
//! | --- | --- | --- |
//! | 0 | 4 | magic, the ASCII letters `PRBE` |
//! | 4 | 1 | version, 2 |
//! | 5 | 1 | kind: 0 a message, 1 a closing probe |
//! | 6 | 2 | flow: which of the client's source ports, from 0 |
//! | 8 | 4 | run: chosen at random when the client starts |
//! | 12 | 4 | check: FNV-1a (32 bits) of the other 40 bytes |
//! | 16 | 8 | sequence number within the flow, from 1; of a closing probe, how many messages were sent |
//! | 24 | 8 | when the message was due, in nanoseconds since 1970-01-01 UTC |
//! | 32 | 8 | when it was sent, likewise |
//! | 40 | 4 | length of the datagram, this header included |
//!
//! Behind the header comes filling: the bytes of [`filling`], from its beginning. So a receiver that
//! knows nothing but this page can tell a damaged probe from a good one, and a client can tell every
//! bit of a reply from what it sent. Closing probes, sent twice at the end of a flow, tell a receiver
//! of messages at the end that did not come; they count as no message.

use std::sync::OnceLock;

/// Bytes of the header: the shortest probe.
pub const HEADER: usize = 44;
/// The longest probe: what a datagram over IPv4 holds (65,535 less headers of 20 and 8 bytes).
pub const LONGEST: usize = 65_507;

const MAGIC: [u8; 4] = *b"PRBE";
const VERSION: u8 = 2;

/// Purpose of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// To be counted, and echoed.
    Message,
    /// To say how many messages there were.
    Closing,
}

/// The header of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    /// Its purpose.
    pub kind: Kind,
    /// Tells one run of a client from the next.
    pub run: u32,
    /// Which of the run's source ports, from 0.
    pub flow: u16,
    /// The number within the flow, from 1; of a closing probe, the number of messages.
    pub sequence: u64,
    /// When it was due, in nanoseconds since 1970 by the sender's clock.
    pub due_ns: u64,
    /// When it was sent, likewise.
    pub sent_ns: u64,
}

/// The meaning of a datagram where probes are expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// A probe as it was sent.
    Probe(Probe),
    /// A sound header, but another length or other filling than the probe was sent with.
    Damaged(Probe),
    /// It begins like a probe, but its header is not sound: no number in it can be believed.
    Unreadable,
    /// No probe of this version.
    Foreign,
}

impl Probe {
    /// Writes the probe into `datagram`, all of it; the filling is written once, by [`prepare`].
    ///
    /// # Panics
    ///
    /// When `datagram` is shorter than [`HEADER`].
    pub fn encode(&self, datagram: &mut [u8]) {
        let length = datagram.len() as u32;
        let header = &mut datagram[..HEADER];
        header[..4].copy_from_slice(&MAGIC);
        header[4..6].copy_from_slice(&[VERSION, self.kind as u8]);
        header[6..8].copy_from_slice(&self.flow.to_be_bytes());
        header[8..12].copy_from_slice(&self.run.to_be_bytes());
        header[16..24].copy_from_slice(&self.sequence.to_be_bytes());
        header[24..32].copy_from_slice(&self.due_ns.to_be_bytes());
        header[32..40].copy_from_slice(&self.sent_ns.to_be_bytes());
        header[40..44].copy_from_slice(&length.to_be_bytes());
        let check = check(header);
        header[12..16].copy_from_slice(&check.to_be_bytes());
    }

    /// Takes a datagram apart.
    pub fn decode(datagram: &[u8]) -> Reading {
        if !datagram.starts_with(&MAGIC) || datagram.get(4).is_some_and(|&v| v != VERSION) {
            return Reading::Foreign;
        }
        let Some((header, rest)) = datagram.split_at_checked(HEADER) else {
            return Reading::Unreadable;
        };
        let kind = match header[5] {
            0 => Kind::Message,
            1 => Kind::Closing,
            _ => return Reading::Unreadable,
        };
        if header[12..16] != check(header).to_be_bytes() {
            return Reading::Unreadable;
        }
        let probe = Self::parse(kind, header);
        let is_whole = header[40..44] == (datagram.len() as u32).to_be_bytes();
        if is_whole && filling().get(..rest.len()) == Some(rest) {
            Reading::Probe(probe)
        } else {
            Reading::Damaged(probe)
        }
    }

    fn parse(kind: Kind, header: &[u8]) -> Self {
        let number = |range: std::ops::Range<usize>| {
            let bytes = header[range].iter();
            bytes.fold(0_u64, |number, &byte| number << 8 | u64::from(byte))
        };
        Self {
            kind,
            flow: number(6..8) as u16,
            run: number(8..12) as u32,
            sequence: number(16..24),
            due_ns: number(24..32),
            sent_ns: number(32..40),
        }
    }
}

/// A datagram of `length` bytes with the filling in place, ready for [`Probe::encode`].
///
/// # Panics
///
/// When `length` is less than [`HEADER`] or more than [`LONGEST`].
pub fn prepare(length: usize) -> Vec<u8> {
    let mut datagram = vec![0; HEADER];
    datagram.extend_from_slice(&filling()[..length - HEADER]);
    datagram
}

/// The bytes behind the header of every probe: xorshift64* from the seed 1, its words little-endian.
pub fn filling() -> &'static [u8] {
    static FILLING: OnceLock<Vec<u8>> = OnceLock::new();
    FILLING.get_or_init(|| noise(1).take(LONGEST - HEADER).collect())
}

/// Endless pseudo-random bytes (xorshift64*, Vigna 2016) that any two sides can make on their own.
pub fn noise(seed: u64) -> impl Iterator<Item = u8> {
    let mut state = seed | 1;
    let words = std::iter::repeat_with(move || {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        state.wrapping_mul(0x2545_f491_4f6c_dd1d).to_le_bytes()
    });
    words.flatten()
}

/// FNV-1a, 32 bits (draft-eastlake-fnv), of a header without its check.
fn check(header: &[u8]) -> u32 {
    let bytes = header[..12].iter().chain(&header[16..HEADER]);
    bytes.fold(0x811c_9dc5, |hash, &byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn datagram(probe: Probe, length: usize) -> Vec<u8> {
        let mut datagram = prepare(length);
        probe.encode(&mut datagram);
        datagram
    }

    fn any_probe() -> impl Strategy<Value = Probe> {
        let numbers = (
            any::<u32>(),
            any::<u16>(),
            any::<u64>(),
            any::<u64>(),
            any::<u64>(),
        );
        (numbers, any::<bool>()).prop_map(|((run, flow, sequence, due_ns, sent_ns), is_closing)| {
            let kind = if is_closing {
                Kind::Closing
            } else {
                Kind::Message
            };
            Probe {
                kind,
                run,
                flow,
                sequence,
                due_ns,
                sent_ns,
            }
        })
    }

    #[test]
    fn the_header_is_as_documented() {
        let probe = Probe {
            kind: Kind::Closing,
            run: 0x0102_0304,
            flow: 0x0506,
            sequence: 7,
            due_ns: 0x0809_0a0b_0c0d_0e0f,
            sent_ns: 0x1011_1213_1415_1617,
        };
        let bytes = datagram(probe, HEADER);
        assert_eq!(bytes[..12], *b"PRBE\x02\x01\x05\x06\x01\x02\x03\x04");
        assert_eq!(
            bytes[16..],
            *b"\0\0\0\0\0\0\0\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\0\0\0\x2c"
        );
    }

    #[test]
    fn other_datagrams_are_foreign_or_unreadable() {
        assert_eq!(Probe::decode(b""), Reading::Foreign);
        assert_eq!(Probe::decode(b"Hola"), Reading::Foreign);
        assert_eq!(Probe::decode(b"PRBE\x01"), Reading::Foreign);
        assert_eq!(Probe::decode(b"PRBE\x02\0"), Reading::Unreadable);
        assert_eq!(Probe::decode(&prepare(48)), Reading::Foreign);
    }

    proptest! {
        #[test]
        fn a_probe_is_read_as_it_was_written(probe in any_probe(), length in HEADER..=LONGEST) {
            prop_assert_eq!(Probe::decode(&datagram(probe, length)), Reading::Probe(probe));
        }

        #[test]
        fn no_altered_byte_goes_unnoticed(probe in any_probe(), at in 0..64_usize, flip in 1..=255_u8) {
            let mut bytes = datagram(probe, 64);
            bytes[at] ^= flip;
            let reading = Probe::decode(&bytes);
            match at {
                0..5 => prop_assert_eq!(reading, Reading::Foreign),
                5..HEADER => prop_assert_eq!(reading, Reading::Unreadable),
                _ => prop_assert_eq!(reading, Reading::Damaged(probe)),
            }
        }

        #[test]
        fn a_probe_of_another_length_is_damaged(probe in any_probe(), length in HEADER..200, cut in 1..50_usize) {
            let bytes = datagram(probe, length);
            let shorter = &bytes[..length.saturating_sub(cut).max(HEADER)];
            let longer = &datagram(probe, length + cut)[HEADER..];
            let longer = [&bytes[..HEADER], longer].concat();
            prop_assert_eq!(Probe::decode(&longer), Reading::Damaged(probe));
            if shorter.len() < length {
                prop_assert_eq!(Probe::decode(shorter), Reading::Damaged(probe));
            }
        }

        #[test]
        fn no_bytes_panic_the_decoder(mut bytes: Vec<u8>, like_a_probe: bool) {
            if like_a_probe {
                bytes.splice(..0, *b"PRBE\x02");
            }
            Probe::decode(&bytes);
        }
    }
}
