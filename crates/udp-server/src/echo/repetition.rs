//! Loops with an echo that gives its replies a full hop limit: the same datagram comes again and again.
//!
//! Such an echo sends nothing of its own accord, so one reply that it does not get ends the loop for
//! good. A client that sends the same bytes over and over, and each time at once after the reply, looks
//! the same; it loses that one reply of many, and goes on.

use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use lru::LruCache;

/// Repetitions after which one is not answered: some seconds of a loop on one machine.
pub(super) const LIMIT: u32 = 1 << 16;

/// A pause that ends a row of repetitions. A check that asks the same once a second makes none; a
/// loop over a longer way than this does no harm.
const PAUSE: Duration = Duration::from_millis(500);

/// Datagrams that are remembered: those seen last.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(1024).unwrap();

/// Bytes that are compared, and with them the length: enough to tell datagrams apart, and few enough
/// to cost nothing.
const COMPARED: usize = 1024;

/// The datagrams that were answered last, by their peer and their bytes.
pub(super) struct Repetitions {
    rows: LruCache<u64, Row>,
    /// Seeded at random: no peer can choose bytes that are taken for others.
    hasher: RandomState,
}

struct Row {
    count: u32,
    last: Instant,
}

impl Default for Repetitions {
    fn default() -> Self {
        Self {
            rows: LruCache::new(REMEMBERED),
            hasher: RandomState::new(),
        }
    }
}

impl Repetitions {
    /// Counts a datagram; true of the one that is to stay without a reply.
    pub(super) fn is_due(&mut self, peer: SocketAddr, payload: &[u8]) -> bool {
        let compared = &payload[..payload.len().min(COMPARED)];
        let key = self.hasher.hash_one((peer, payload.len(), compared));
        let now = Instant::now();
        let row = self.rows.get_or_insert_mut(key, || Row {
            count: 0,
            last: now,
        });
        if now - row.last > PAUSE {
            row.count = 0;
        }
        row.last = now;
        row.count += 1;
        let is_due = row.count > LIMIT;
        if is_due {
            row.count = 0;
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of `count` datagrams are due, of which `payload` tells the bytes.
    fn due(count: u32, payload: impl Fn(u32) -> Vec<u8>) -> usize {
        let mut repetitions = Repetitions::default();
        let peer = "192.0.2.1:9".parse().unwrap();
        let due = (0..count).filter(|&at| repetitions.is_due(peer, &payload(at)));
        due.count()
    }

    #[test]
    fn one_of_many_repetitions_is_due() {
        assert_eq!(due(LIMIT, |_| b"loop".to_vec()), 0);
        assert_eq!(due(LIMIT + 1, |_| b"loop".to_vec()), 1);
        assert_eq!(due(2 * (LIMIT + 1), |_| b"loop".to_vec()), 2);
    }

    #[test]
    fn several_datagrams_that_circle_together_are_each_due() {
        let taken_in_turn = |at: u32| vec![(at % 3) as u8];
        assert_eq!(due(3 * (LIMIT + 1), taken_in_turn), 3);
    }

    #[test]
    fn datagrams_that_differ_are_never_due() {
        let numbered = |at: u32| at.to_be_bytes().to_vec();
        assert_eq!(due(2 * LIMIT, numbered), 0);
        let growing = |at: u32| vec![0; (at % 2_000) as usize];
        assert_eq!(due(2 * LIMIT, growing), 0);
    }

    #[test]
    fn no_flood_of_others_makes_it_grow() {
        let mut repetitions = Repetitions::default();
        for port in 1..=u16::MAX {
            let peer = (std::net::Ipv4Addr::LOCALHOST, port).into();
            assert!(!repetitions.is_due(peer, b"flood"));
        }
        assert_eq!(repetitions.rows.len(), REMEMBERED.get());
    }
}
