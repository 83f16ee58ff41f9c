//! Real threads that come and go, and items that must be served once each.

use super::*;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, Scope};

const ITEMS: usize = 20_000;
const MOST: usize = 4;

/// When an item that was not served is taken for forgotten.
const DEADLINE: Duration = Duration::from_secs(5);

/// Workers that really come and go, for items that are worked on once or a few times.
struct Shop {
    queue: Queue<usize>,
    /// How often each item was taken to its end.
    done: Vec<AtomicUsize>,
    served: AtomicUsize,
    /// Workers that hold an item. Not all that are there: one on its way out is no longer counted,
    /// and its successor may be there before it has gone.
    busy: AtomicUsize,
    most_busy: AtomicUsize,
    fewest_counted: AtomicUsize,
}

impl Shop {
    /// Idle workers leave after so short a time that most of them meet a push on their way out.
    fn with(unemployment: Duration) -> Self {
        Self {
            queue: Queue::new(MOST, unemployment, Pace::new(None)),
            done: (0..ITEMS).map(|_| AtomicUsize::new(0)).collect(),
            served: AtomicUsize::new(0),
            busy: AtomicUsize::new(0),
            most_busy: AtomicUsize::new(0),
            fewest_counted: AtomicUsize::new(MOST),
        }
    }

    fn work<'s>(&'s self, scope: &'s Scope<'s, '_>) {
        self.queue.enlist();
        let mut turns = 0;
        while let Some(item) = self.queue.next() {
            let busy = self.busy.fetch_add(1, Ordering::SeqCst) + 1;
            self.most_busy.fetch_max(busy, Ordering::SeqCst);
            turns += 1;
            if turns % 7 != 0 {
                self.done[item].fetch_add(1, Ordering::SeqCst);
                self.served.fetch_add(1, Ordering::SeqCst);
            } else if self.queue.push_again(item) {
                scope.spawn(|| self.work(scope));
            }
            self.busy.fetch_sub(1, Ordering::SeqCst);
        }
        let counted = self.queue.lock().workers;
        self.fewest_counted.fetch_min(counted, Ordering::SeqCst);
    }

    fn served(&self) -> usize {
        self.served.load(Ordering::SeqCst)
    }
}

fn comes_true(holds: impl Fn() -> bool) -> bool {
    let start = Instant::now();
    while !holds() && start.elapsed() < DEADLINE {
        thread::yield_now();
    }
    holds()
}

fn every_item_is_served_once(unemployment: Duration) {
    let shop = Shop::with(unemployment);
    thread::scope(|scope| {
        scope.spawn(|| shop.work(scope));
        for item in 0..ITEMS {
            if shop.queue.push(item) {
                scope.spawn(|| shop.work(scope));
            }
            // Now and then the workers run out of work, go to sleep, and begin to leave.
            if item % 13 == 0 {
                if !comes_true(|| shop.served() > item) {
                    break;
                }
                (0..item % 97).for_each(|_| thread::yield_now());
            }
        }
        // Nothing more is pushed, so an item that is forgotten stays forgotten.
        comes_true(|| shop.served() == ITEMS);
        shop.queue.dismiss();
    });
    assert!(
        shop.done
            .iter()
            .all(|item| item.load(Ordering::SeqCst) == 1)
    );
    assert!(shop.most_busy.load(Ordering::SeqCst) <= MOST);
    let state = shop.queue.lock();
    assert!(state.ready.is_empty());
    assert_eq!((state.idle, state.starting), (0, 0));
    let fewest = shop.fewest_counted.load(Ordering::SeqCst);
    assert!(fewest >= 1, "the last worker has left");
}

#[test]
fn every_item_is_served_once_while_workers_come_and_go() {
    for microseconds in [0, 1, 20, 1000] {
        every_item_is_served_once(Duration::from_micros(microseconds));
    }
}

#[test]
fn every_item_wakes_a_worker_that_would_sleep_for_ever() {
    every_item_is_served_once(2 * DEADLINE);
}

#[test]
fn a_refused_worker_is_not_counted_and_not_asked_for_again_at_once() {
    let queue = Queue::new(MOST, Duration::ZERO, Pace::new(None));
    assert!(queue.push(1));
    assert_eq!(queue.refuse(), 1);
    assert!(!queue.push(2));
    assert_eq!((queue.next(), queue.next()), (Some(1), Some(2)));
}
