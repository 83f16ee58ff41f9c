//! Promises of a mailbox to threads that push, and to the worker that sleeps.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use mio::{Events, Poll, Token};

use super::*;

/// After this a test has failed. Nothing is measured against it.
const DEADLINE: Duration = Duration::from_secs(60);

const ITEMS: usize = 2000;
const PUSHERS: usize = 3;

fn mailbox() -> (Mailbox<usize>, Poll) {
    let poll = Poll::new().unwrap();
    let waker = Waker::new(poll.registry(), Token(0)).unwrap();
    (Mailbox::new(waker), poll)
}

/// A worker that sleeps without a time-out whenever it may, until it has taken everything in.
fn take_all(mailbox: &Mailbox<usize>, poll: &mut Poll, taken: &[AtomicUsize]) {
    let (mut events, mut left) = (Events::with_capacity(1), taken.len());
    while left > 0 {
        for item in mailbox.take() {
            taken[item].fetch_add(1, Ordering::SeqCst);
            left -= 1;
        }
        if left > 0 && mailbox.begin_sleep() {
            poll.poll(&mut events, Some(DEADLINE)).unwrap();
            assert!(!events.is_empty(), "{left} were forgotten");
            mailbox.end_sleep();
        }
    }
}

#[test]
fn every_client_is_taken_in_once_by_a_worker_that_wakes_for_it() {
    let (mailbox, mut poll) = mailbox();
    let taken: Vec<_> = (0..ITEMS).map(|_| AtomicUsize::new(0)).collect();
    thread::scope(|scope| {
        for pusher in 0..PUSHERS {
            let (mailbox, taken) = (&mailbox, &taken);
            scope.spawn(move || {
                for item in (pusher..ITEMS).step_by(PUSHERS) {
                    mailbox.push(item).unwrap();
                    // Now and then the worker runs out of work and goes to sleep.
                    let start = Instant::now();
                    while item % 7 == 0 && taken[item].load(Ordering::SeqCst) == 0 {
                        assert!(start.elapsed() < DEADLINE, "{item} was forgotten");
                        thread::yield_now();
                    }
                }
            });
        }
        take_all(&mailbox, &mut poll, &taken);
    });
    assert!(taken.iter().all(|count| count.load(Ordering::SeqCst) == 1));
    assert_eq!(mailbox.load(), ITEMS);
}

#[test]
fn the_load_counts_clients_that_have_come_and_not_left() {
    let (mailbox, _poll) = mailbox();
    assert_eq!((mailbox.load(), mailbox.is_asleep()), (0, false));
    assert!(mailbox.begin_sleep());
    assert!(mailbox.is_asleep());
    mailbox.push(1).unwrap();
    assert_eq!((mailbox.load(), mailbox.is_asleep()), (1, false));
    assert!(!mailbox.begin_sleep(), "a client has come");
    assert_eq!(mailbox.take(), [1]);
    mailbox.subtract();
    assert_eq!(mailbox.load(), 0);
}
