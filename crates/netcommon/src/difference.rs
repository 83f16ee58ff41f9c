//! The first place where a reply is not the echo of what was sent.

use std::fmt;

use crate::hex::Hex;

/// Bytes shown of each side.
const SHOWN: usize = 16;

/// The first difference between what was sent and what came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Its offset in the reply, in bytes.
    pub offset: u64,
    /// The bytes that were sent from there on, at most 16.
    pub sent: Vec<u8>,
    /// The bytes that came instead, at most 16.
    pub received: Vec<u8>,
}

impl Difference {
    /// A difference at `offset`, with both sides from there on.
    pub fn at<'a>(
        offset: u64,
        sent: impl IntoIterator<Item = &'a u8>,
        received: impl IntoIterator<Item = &'a u8>,
    ) -> Self {
        Self {
            offset,
            sent: sent.into_iter().take(SHOWN).copied().collect(),
            received: received.into_iter().take(SHOWN).copied().collect(),
        }
    }

    /// The first difference between `sent` and `received`, both from `offset` on; `None` where one
    /// begins with the other.
    pub fn between(offset: u64, sent: &[u8], received: &[u8]) -> Option<Self> {
        let same = common_prefix(sent, received);
        let offset = offset + same as u64;
        (same < sent.len().min(received.len()))
            .then(|| Self::at(offset, &sent[same..], &received[same..]))
    }

    /// The first difference between two datagrams; one that is longer differs, too.
    ///
    /// ```
    /// use netcommon::difference::Difference;
    ///
    /// let difference = Difference::between_datagrams(b"hola", b"hol").expect("they differ");
    /// assert_eq!(
    ///     difference.to_string(),
    ///     "the reply differs at offset 3: sent 61, received nothing more"
    /// );
    /// assert_eq!(Difference::between_datagrams(b"hola", b"hola"), None);
    /// ```
    pub fn between_datagrams(sent: &[u8], received: &[u8]) -> Option<Self> {
        let same = common_prefix(sent, received);
        (sent != received).then(|| Self::at(same as u64, &sent[same..], &received[same..]))
    }
}

fn common_prefix(sent: &[u8], received: &[u8]) -> usize {
    let pairs = sent.iter().zip(received);
    pairs
        .take_while(|(sent, received)| sent == received)
        .count()
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the reply differs at offset {}: ", self.offset)?;
        match self.sent.as_slice() {
            [] if self.offset == 0 => f.write_str("nothing was sent")?,
            [] => f.write_str("nothing more was sent")?,
            sent => write!(f, "sent {}", Hex(sent))?,
        }
        match self.received.as_slice() {
            [] => f.write_str(", received nothing more"),
            received => write!(f, ", received {}", Hex(received)),
        }
    }
}
