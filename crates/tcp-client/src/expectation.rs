//! The bytes that have to come back: what was sent and is not echoed yet.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// So many bytes may be under way before the sender waits for their echo. A correct echo server
/// returns them without needing more.
const WINDOW: usize = 8 << 20;

/// The window never grows past this: a server that only takes would otherwise fill the memory.
const LARGEST_WINDOW: usize = 1 << 30;

/// A server that answers nothing for so long may be storing everything before it answers: the
/// window is doubled, because waiting for it would last for ever.
const SILENCE: Duration = Duration::from_secs(1);

/// Bytes shown of each side of a difference.
const SHOWN: usize = 16;

/// The echo that is due, shared by the sending and the receiving side.
pub struct Expectation {
    due: Mutex<Due>,
    room: Condvar,
}

struct Due {
    bytes: VecDeque<u8>,
    window: usize,
    returned: u64,
    complete: bool,
}

/// The first place where the reply is not the echo.
#[derive(Debug, PartialEq, Eq)]
pub struct Difference {
    /// Its offset in the reply.
    pub offset: u64,
    /// What was sent from there on, at most 16 bytes.
    pub expected: Vec<u8>,
    /// What came instead, at most 16 bytes.
    pub received: Vec<u8>,
}

impl Default for Expectation {
    fn default() -> Self {
        let due = Due {
            bytes: VecDeque::new(),
            window: WINDOW,
            returned: 0,
            complete: false,
        };
        Self {
            due: Mutex::new(due),
            room: Condvar::new(),
        }
    }
}

impl Expectation {
    /// Notes bytes that are about to be sent; waits while too many are under way.
    pub fn push(&self, bytes: &[u8]) {
        let mut due = self.lock();
        while !due.bytes.is_empty() && due.bytes.len() + bytes.len() > due.window {
            let before = due.returned;
            let waited = self
                .room
                .wait_timeout(due, SILENCE)
                .unwrap_or_else(PoisonError::into_inner);
            due = waited.0;
            let silent = waited.1.timed_out() && due.returned == before;
            if silent && due.window < LARGEST_WINDOW {
                due.window *= 2;
                log::warn!(
                    "no echo for a second; keeping up to {} bytes until it comes",
                    due.window
                );
            }
        }
        due.bytes.extend(bytes);
    }

    /// Nothing more will be sent. True when nothing is due either.
    pub fn complete(&self) -> bool {
        let mut due = self.lock();
        due.complete = true;
        due.bytes.is_empty()
    }

    /// True while something that was sent has not come back.
    pub fn is_due(&self) -> bool {
        !self.lock().bytes.is_empty()
    }

    /// True when everything was sent and has come back.
    pub fn is_fulfilled(&self) -> bool {
        let due = self.lock();
        due.complete && due.bytes.is_empty()
    }

    /// Compares a piece of the reply with what is due.
    ///
    /// # Errors
    ///
    /// The first difference; a reply longer than what was sent is one too.
    pub fn check(&self, piece: &[u8]) -> Result<(), Difference> {
        let mut due = self.lock();
        let same = common_prefix(&due.bytes, piece);
        if same < piece.len() {
            return Err(Difference {
                offset: due.returned + same as u64,
                expected: due.bytes.iter().skip(same).take(SHOWN).copied().collect(),
                received: piece[same..].iter().take(SHOWN).copied().collect(),
            });
        }
        due.bytes.drain(..same);
        due.returned += same as u64;
        self.room.notify_one();
        Ok(())
    }

    // No code that can panic runs under this lock.
    fn lock(&self) -> MutexGuard<'_, Due> {
        self.due.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Compares whole slices first, which is as fast as memory: a difference is searched for once.
fn common_prefix(due: &VecDeque<u8>, piece: &[u8]) -> usize {
    let (front, back) = due.as_slices();
    let (first, second) = piece.split_at(piece.len().min(front.len()));
    let second = &second[..second.len().min(back.len())];
    if front.starts_with(first) && back.starts_with(second) {
        return first.len() + second.len();
    }
    due.iter()
        .zip(piece)
        .take_while(|(due, received)| due == received)
        .count()
}

impl Difference {
    /// The first difference between what was sent and what came, both from `offset` on; `None`
    /// where one begins with the other.
    pub fn between(offset: u64, sent: &[u8], came: &[u8]) -> Option<Self> {
        let same = sent.iter().zip(came).take_while(|(a, b)| a == b).count();
        let shown = |bytes: &[u8]| bytes.iter().skip(same).take(SHOWN).copied().collect();
        (same < sent.len().min(came.len())).then(|| Self {
            offset: offset + same as u64,
            expected: shown(sent),
            received: shown(came),
        })
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            offset,
            expected,
            received,
        } = self;
        write!(f, "the reply differs at offset {offset}: ")?;
        match expected.is_empty() {
            true => write!(f, "nothing more was sent, received {}", Hex(received)),
            false => write!(f, "sent {}, received {}", Hex(expected), Hex(received)),
        }
    }
}

struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().enumerate().try_for_each(|(at, byte)| {
            let space = if at > 0 { " " } else { "" };
            write!(f, "{space}{byte:02x}")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_difference_names_its_offset_and_both_sides() {
        let expectation = Expectation::default();
        expectation.push(b"Hola, servidor!");
        expectation.check(b"Hola").unwrap();
        let difference = expectation.check(b", Servidor!").unwrap_err();
        assert_eq!(
            difference.to_string(),
            "the reply differs at offset 6: sent 73 65 72 76 69 64 6f 72 21, received 53 65 72 76 69 64 6f 72 21"
        );
    }

    #[test]
    fn more_than_was_sent_is_a_difference() {
        let expectation = Expectation::default();
        expectation.push(b"a");
        let difference = expectation.check(b"ab").unwrap_err();
        assert_eq!(
            difference.to_string(),
            "the reply differs at offset 1: nothing more was sent, received 62"
        );
    }

    #[test]
    fn it_is_fulfilled_when_all_was_sent_and_came_back() {
        let expectation = Expectation::default();
        expectation.push(b"ab");
        expectation.check(b"ab").unwrap();
        assert!(!expectation.is_fulfilled());
        assert!(expectation.complete());
        assert!(expectation.is_fulfilled());
    }

    proptest! {
        #[test]
        fn any_echo_in_any_pieces_is_accepted(sent: Vec<Vec<u8>>, cut in 1_usize..9) {
            let expectation = Expectation::default();
            sent.iter().for_each(|piece| expectation.push(piece));
            for piece in sent.concat().chunks(cut) {
                prop_assert_eq!(expectation.check(piece), Ok(()));
            }
            prop_assert!(expectation.complete());
        }

        #[test]
        fn any_altered_byte_is_found_at_its_offset(
            sent in prop::collection::vec(any::<u8>(), 1..200), at: prop::sample::Index, flip in 1..=255_u8, cut in 1_usize..99,
        ) {
            let expectation = Expectation::default();
            expectation.push(&sent);
            let at = at.index(sent.len());
            let mut echo = sent.clone();
            echo[at] ^= flip;
            let difference = echo.chunks(cut).find_map(|piece| expectation.check(piece).err());
            prop_assert_eq!(difference.map(|difference| difference.offset), Some(at as u64));
        }
    }
}
