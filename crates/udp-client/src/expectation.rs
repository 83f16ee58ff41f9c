//! Which replies are echoes of what was sent.

use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};

use netcommon::difference::Difference;

/// Earlier datagrams that are remembered, by a hash each: a path that delays longer has other faults.
const REMEMBERED: usize = 1024;

/// The datagram that has to come back, and those before it, whose echoes may still come.
#[derive(Default)]
pub(crate) struct Expectation {
    payload: Vec<u8>,
    earlier: VecDeque<u64>,
    hashes: RandomState,
}

/// Verdict on a reply.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The echo of the datagram that was sent last.
    Echo,
    /// The late echo, or a copy, of an earlier one: not the answer to the last.
    Earlier,
    /// Neither.
    Wrong(Difference),
}

impl Expectation {
    /// Takes the next datagram that is sent.
    pub(crate) fn expect(&mut self, payload: &[u8]) {
        if self.earlier.len() == REMEMBERED {
            self.earlier.pop_front();
        }
        self.earlier.push_back(self.hashes.hash_one(payload));
        self.payload.clear();
        self.payload.extend(payload);
    }

    pub(crate) fn judge(&self, reply: &[u8]) -> Verdict {
        match Difference::between_datagrams(&self.payload, reply) {
            None => Verdict::Echo,
            Some(_) if self.earlier.contains(&self.hashes.hash_one(reply)) => Verdict::Earlier,
            Some(difference) => Verdict::Wrong(difference),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_echo_of_an_earlier_datagram_is_neither_the_answer_nor_wrong() {
        let mut expectation = Expectation::default();
        expectation.expect(b"uno");
        assert_eq!(expectation.judge(b"uno"), Verdict::Echo);
        expectation.expect(b"dos");
        assert_eq!(expectation.judge(b"dos"), Verdict::Echo);
        assert_eq!(expectation.judge(b"uno"), Verdict::Earlier);
        let Verdict::Wrong(difference) = expectation.judge(b"d") else {
            panic!("too short for an echo");
        };
        assert_eq!(difference.offset, 1);
    }

    #[test]
    fn what_is_remembered_has_a_bound() {
        let mut expectation = Expectation::default();
        for number in 0..3 * REMEMBERED {
            expectation.expect(&number.to_be_bytes());
        }
        assert_eq!(expectation.earlier.len(), REMEMBERED);
    }
}
