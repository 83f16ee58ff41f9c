//! Probe datagrams, made and read by what netmeasure's documentation says about them.

use super::data::noise;

/// Bytes of a probe's header.
pub(crate) const HEADER: usize = 44;

/// A probe to make.
#[derive(Clone, Copy, Default)]
pub(crate) struct Probe {
    pub(crate) is_closing: bool,
    pub(crate) run: u32,
    pub(crate) flow: u16,
    pub(crate) number: u64,
    pub(crate) due_ns: u64,
    pub(crate) sent_ns: u64,
}

impl Probe {
    /// A datagram of `length` bytes.
    pub(crate) fn datagram(self, length: usize) -> Vec<u8> {
        let mut front = b"PRBE\x02".to_vec();
        front.push(self.is_closing.into());
        front.extend(self.flow.to_be_bytes());
        front.extend(self.run.to_be_bytes());
        let back = [self.number, self.due_ns, self.sent_ns].map(u64::to_be_bytes);
        let back = [&back.concat()[..], &(length as u32).to_be_bytes()].concat();
        let check = fnv1a(front.iter().chain(&back)).to_be_bytes();
        let filling = noise(0, length - HEADER);
        [&front[..], &check, &back, &filling].concat()
    }
}

fn fnv1a<'a>(bytes: impl Iterator<Item = &'a u8>) -> u32 {
    bytes.fold(2_166_136_261, |hash, &byte| {
        (hash ^ u32::from(byte)).wrapping_mul(16_777_619)
    })
}

/// What a path can read of a probe.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Header {
    pub(crate) flow: u16,
    pub(crate) number: u64,
}

impl Header {
    /// The header of a message; `None` of a closing probe, or of what is no sound probe.
    pub(crate) fn of_message(datagram: &[u8]) -> Option<Self> {
        let header = datagram.get(..HEADER)?;
        let check = fnv1a(header[..12].iter().chain(&header[16..])).to_be_bytes();
        let is_message = header.starts_with(b"PRBE\x02\0") && header[12..16] == check;
        is_message.then(|| Self {
            flow: u16::from_be_bytes([header[6], header[7]]),
            number: header[16..24]
                .iter()
                .fold(0, |number, &byte| number << 8 | u64::from(byte)),
        })
    }
}
