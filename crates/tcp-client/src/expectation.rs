//! The bytes that have to come back: those that were sent and are not echoed yet.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use netcommon::difference::Difference;

/// Bytes that may be outstanding before the sender waits for their echo. A correct echo server
/// returns them without needing more.
const WINDOW: usize = 8 << 20;

/// Limit of the window's growth: a server that never answers would otherwise fill the memory.
const MAX_WINDOW: usize = 1 << 30;

/// Time without any echo after which the window is doubled: a server that stores everything before
/// it answers would otherwise be waited for in vain.
const ECHO_TIMEOUT: Duration = Duration::from_secs(1);

/// The outstanding echo, shared by the sending and the receiving side.
pub(crate) struct Expectation {
    state: Mutex<State>,
    room: Condvar,
}

struct State {
    outstanding: VecDeque<u8>,
    window: usize,
    echoed: u64,
    all_sent: bool,
}

impl Default for Expectation {
    fn default() -> Self {
        let state = State {
            outstanding: VecDeque::new(),
            window: WINDOW,
            echoed: 0,
            all_sent: false,
        };
        Self {
            state: Mutex::new(state),
            room: Condvar::new(),
        }
    }
}

impl Expectation {
    /// Adds bytes that are about to be sent; blocks while the window is full. It grows where the
    /// server `is_silent`, and not where this program has yet to read what came.
    pub(crate) fn push(&self, bytes: &[u8], is_silent: impl Fn() -> bool) {
        let mut state = self.lock();
        while !state.outstanding.is_empty() && state.outstanding.len() + bytes.len() > state.window
        {
            let echoed = state.echoed;
            let waited = self
                .room
                .wait_timeout(state, ECHO_TIMEOUT)
                .unwrap_or_else(PoisonError::into_inner);
            state = waited.0;
            if waited.1.timed_out() && state.echoed == echoed && is_silent() {
                state.widen();
            }
        }
        state.outstanding.extend(bytes);
    }

    /// Marks the end of what is sent.
    pub(crate) fn finish(&self) {
        self.lock().all_sent = true;
    }

    /// True while sent bytes have not come back.
    pub(crate) fn is_outstanding(&self) -> bool {
        !self.lock().outstanding.is_empty()
    }

    /// True when everything was sent and has come back.
    pub(crate) fn is_fulfilled(&self) -> bool {
        let state = self.lock();
        state.all_sent && state.outstanding.is_empty()
    }

    /// Compares a chunk of the reply with the outstanding bytes.
    ///
    /// # Errors
    ///
    /// The first difference; a reply longer than what was sent is one too.
    pub(crate) fn check(&self, chunk: &[u8]) -> Result<(), Difference> {
        let mut state = self.lock();
        let same = common_prefix(&state.outstanding, chunk);
        if same < chunk.len() {
            let offset = state.echoed + same as u64;
            let sent = state.outstanding.iter().skip(same);
            return Err(Difference::at(offset, sent, &chunk[same..]));
        }
        state.outstanding.drain(..same);
        state.echoed += same as u64;
        self.room.notify_one();
        Ok(())
    }

    /// The next outstanding bytes, at most `length`.
    pub(crate) fn head(&self, length: usize) -> Vec<u8> {
        let state = self.lock();
        state.outstanding.iter().take(length).copied().collect()
    }

    // No code that can panic runs under this lock.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn widen(&mut self) {
        if self.window < MAX_WINDOW {
            self.window *= 2;
            log::warn!(
                "no echo for a second; keeping up to {} bytes until it comes",
                self.window
            );
        }
    }
}

/// Compares whole slices first, at the speed of memory; single bytes only to locate a difference.
fn common_prefix(outstanding: &VecDeque<u8>, chunk: &[u8]) -> usize {
    let (front, back) = outstanding.as_slices();
    let (first, second) = chunk.split_at(chunk.len().min(front.len()));
    let second = &second[..second.len().min(back.len())];
    if front.starts_with(first) && back.starts_with(second) {
        return first.len() + second.len();
    }
    let pairs = outstanding.iter().zip(chunk);
    pairs
        .take_while(|(sent, received)| sent == received)
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_difference_names_its_offset_and_both_sides() {
        let table: [(&[u8], &[u8], &str); 2] = [
            (
                b"Hola, servidor!",
                b"Hola, Servidor!",
                "the reply differs at offset 6: sent 73 65 72 76 69 64 6f 72 21, received 53 65 72 76 69 64 6f 72 21",
            ),
            (
                b"a",
                b"ab",
                "the reply differs at offset 1: nothing more was sent, received 62",
            ),
        ];
        for (sent, reply, message) in table {
            let expectation = Expectation::default();
            expectation.push(sent, || true);
            let (first, rest) = reply.split_at(1);
            expectation.check(first).unwrap();
            let difference = expectation.check(rest).unwrap_err();
            assert_eq!(difference.to_string(), message);
        }
    }

    #[test]
    fn it_is_fulfilled_when_all_was_sent_and_came_back() {
        let expectation = Expectation::default();
        expectation.push(b"ab", || true);
        expectation.check(b"ab").unwrap();
        assert!(!expectation.is_fulfilled());
        expectation.finish();
        assert!(expectation.is_fulfilled());
    }

    proptest! {
        #[test]
        fn any_echo_in_any_chunks_is_accepted(sent: Vec<Vec<u8>>, size in 1_usize..9) {
            let expectation = Expectation::default();
            sent.iter().for_each(|chunk| expectation.push(chunk, || true));
            for chunk in sent.concat().chunks(size) {
                prop_assert_eq!(expectation.check(chunk), Ok(()));
            }
            prop_assert!(!expectation.is_outstanding());
        }

        #[test]
        fn any_altered_byte_is_found_at_its_offset(
            sent in prop::collection::vec(any::<u8>(), 1..200), at: prop::sample::Index, flip in 1..=255_u8, size in 1_usize..99,
        ) {
            let expectation = Expectation::default();
            expectation.push(&sent, || true);
            let at = at.index(sent.len());
            let mut echo = sent.clone();
            echo[at] ^= flip;
            let difference = echo.chunks(size).find_map(|chunk| expectation.check(chunk).err());
            prop_assert_eq!(difference.map(|difference| difference.offset), Some(at as u64));
        }
    }
}
