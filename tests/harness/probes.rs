//! Probe datagrams, made by what netcommon's documentation says about them.

use super::data::noise;

/// The header of a probe.
#[derive(Clone, Copy)]
pub(crate) struct Probe {
    pub(crate) run: u32,
    pub(crate) flow: u16,
    pub(crate) sequence: u64,
    pub(crate) sent_ns: u64,
}

impl Probe {
    /// A datagram of `length` bytes.
    pub(crate) fn datagram(self, length: usize) -> Vec<u8> {
        let mut front = b"PRBE\x01\0".to_vec();
        front.extend(self.flow.to_be_bytes());
        front.extend(self.run.to_be_bytes());
        let mut back = self.sequence.to_be_bytes().to_vec();
        back.extend(self.sent_ns.to_be_bytes());
        let check = fnv1a(front.iter().chain(&back)).to_be_bytes();
        let filling = noise(0, length - 32);
        [&front[..], &check, &back, &filling].concat()
    }
}

fn fnv1a<'a>(bytes: impl Iterator<Item = &'a u8>) -> u32 {
    bytes.fold(2_166_136_261, |hash, &byte| {
        (hash ^ u32::from(byte)).wrapping_mul(16_777_619)
    })
}
