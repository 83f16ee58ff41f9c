//! Probe datagrams: what the clients send to measure a UDP path, and any receiver can take apart.
//!
//! The numbers are big-endian:
//!
//! | offset | bytes | content |
//! | --- | --- | --- |
//! | 0 | 4 | magic, the ASCII letters `PRBE` |
//! | 4 | 1 | version, 1 |
//! | 5 | 1 | reserved, 0 |
//! | 6 | 2 | flow: which of the client's source ports, from 0 |
//! | 8 | 4 | run: chosen at random when the client starts |
//! | 12 | 4 | check: FNV-1a (32 bits) of the other 28 bytes |
//! | 16 | 8 | sequence number within the flow, from 1 |
//! | 24 | 8 | send time, scheduled, in nanoseconds since 1970-01-01 UTC |
//!
//! Behind the header comes filling: the bytes of [`filling`], from its beginning. So a receiver that
//! knows nothing but this page can tell a damaged probe from a good one, and a client can tell every
//! bit of a reply from what it sent.

use std::sync::OnceLock;

/// Bytes of the header: the shortest probe.
pub const HEADER: usize = 32;
/// The longest probe: what a datagram over IPv4 holds (65,535 less headers of 20 and 8 bytes).
pub const LONGEST: usize = 65_507;

const MAGIC: [u8; 4] = *b"PRBE";
const VERSION: u8 = 1;

/// The header of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    /// Tells one run of a client from the next.
    pub run: u32,
    /// Which of the run's source ports, from 0.
    pub flow: u16,
    /// The number within the flow, from 1.
    pub sequence: u64,
    /// When it was to be sent, in nanoseconds since 1970 by the sender's clock.
    pub sent_ns: u64,
}

/// What a datagram is to someone who waits for probes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// A probe as it was sent.
    Probe(Probe),
    /// A probe's header, but filling that is not a probe's.
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
        let header = &mut datagram[..HEADER];
        header[..4].copy_from_slice(&MAGIC);
        header[4..6].copy_from_slice(&[VERSION, 0]);
        header[6..8].copy_from_slice(&self.flow.to_be_bytes());
        header[8..12].copy_from_slice(&self.run.to_be_bytes());
        header[16..24].copy_from_slice(&self.sequence.to_be_bytes());
        header[24..32].copy_from_slice(&self.sent_ns.to_be_bytes());
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
        if header[5] != 0 || header[12..16] != check(header).to_be_bytes() {
            return Reading::Unreadable;
        }
        let probe = Self::parse(header);
        match filling().get(..rest.len()) == Some(rest) {
            true => Reading::Probe(probe),
            false => Reading::Damaged(probe),
        }
    }

    fn parse(header: &[u8]) -> Self {
        let number = |range: std::ops::Range<usize>| {
            let bytes = header[range].iter();
            bytes.fold(0_u64, |number, &byte| number << 8 | u64::from(byte))
        };
        Self {
            flow: number(6..8) as u16,
            run: number(8..12) as u32,
            sequence: number(16..24),
            sent_ns: number(24..32),
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
        (any::<u32>(), any::<u16>(), any::<u64>(), any::<u64>()).prop_map(
            |(run, flow, sequence, sent_ns)| Probe {
                run,
                flow,
                sequence,
                sent_ns,
            },
        )
    }

    #[test]
    fn the_header_is_as_documented() {
        let probe = Probe {
            run: 0x0102_0304,
            flow: 0x0506,
            sequence: 7,
            sent_ns: 0x0809_0a0b_0c0d_0e0f,
        };
        let bytes = datagram(probe, HEADER);
        assert_eq!(bytes[..12], *b"PRBE\x01\0\x05\x06\x01\x02\x03\x04");
        assert_eq!(
            bytes[16..],
            *b"\0\0\0\0\0\0\0\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f"
        );
    }

    #[test]
    fn other_datagrams_are_foreign_or_unreadable() {
        assert_eq!(Probe::decode(b""), Reading::Foreign);
        assert_eq!(Probe::decode(b"Hola"), Reading::Foreign);
        assert_eq!(Probe::decode(b"PRBE\x02"), Reading::Foreign);
        assert_eq!(Probe::decode(b"PRBE\x01\0"), Reading::Unreadable);
        assert_eq!(Probe::decode(&prepare(40)), Reading::Foreign);
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
        fn no_bytes_panic_the_decoder(mut bytes: Vec<u8>, like_a_probe: bool) {
            if like_a_probe {
                bytes.splice(..0, *b"PRBE\x01");
            }
            Probe::decode(&bytes);
        }
    }
}
