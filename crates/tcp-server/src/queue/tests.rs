//! Real threads that sleep and wake, and items that must be served once each.

use super::*;
use std::sync::Condvar;
use std::thread::{self, Scope};

const ITEMS: usize = 20_000;
const MOST: usize = 4;

/// When an item that was not served is taken for forgotten.
const DEADLINE: Duration = Duration::from_secs(60);

/// Rings now or later, like an eventfd.
#[derive(Default)]
struct Bell {
    rung: Mutex<bool>,
    heard: Condvar,
}

impl Bell {
    fn sleep(&self, time: Duration) {
        let rung = self.rung.lock().unwrap();
        let (mut rung, _) = self
            .heard
            .wait_timeout_while(rung, time, |rung| !*rung)
            .unwrap();
        *rung = false;
    }
}

impl Alarm for Bell {
    fn ring(&self) {
        *self.rung.lock().unwrap() = true;
        self.heard.notify_one();
    }
}

/// Workers that really sleep, for items that are worked on once or a few times.
struct Shop {
    queue: Queue<usize, Bell>,
    /// How long a worker sleeps at most, though nobody rings.
    nap: Duration,
    /// How often each item was taken to its end.
    done: Vec<AtomicUsize>,
    served: AtomicUsize,
    /// None leaves before the end.
    present: AtomicUsize,
    most_present: AtomicUsize,
}

impl Shop {
    fn with(nap: Duration) -> Self {
        Self {
            queue: Queue::new(MOST),
            nap,
            done: (0..ITEMS).map(|_| AtomicUsize::new(0)).collect(),
            served: AtomicUsize::new(0),
            present: AtomicUsize::new(0),
            most_present: AtomicUsize::new(0),
        }
    }

    fn work<'s>(&'s self, scope: &'s Scope<'s, '_>) {
        self.queue.enlist();
        let present = self.present.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_present.fetch_max(present, Ordering::SeqCst);
        let bell = Arc::new(Bell::default());
        let mut turns = 0;
        loop {
            for item in self.queue.take_share() {
                turns += 1;
                self.serve(item, turns, scope);
            }
            if self.queue.lie_down(&bell) {
                bell.sleep(self.nap);
                self.queue.get_up(&bell);
            } else if self.queue.resign() {
                break;
            }
        }
    }

    /// Every seventh item goes back to whoever takes it.
    fn serve<'s>(&'s self, item: usize, turns: usize, scope: &'s Scope<'s, '_>) {
        if !turns.is_multiple_of(7) {
            self.done[item].fetch_add(1, Ordering::SeqCst);
            self.served.fetch_add(1, Ordering::SeqCst);
        } else if self.queue.push(item) {
            scope.spawn(|| self.work(scope));
        }
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

fn every_item_is_served_once(nap: Duration) {
    let shop = Shop::with(nap);
    thread::scope(|scope| {
        scope.spawn(|| shop.work(scope));
        for item in 0..ITEMS {
            if shop.queue.push(item) {
                scope.spawn(|| shop.work(scope));
            }
            // Now and then the workers run out of work and go to sleep.
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
    let done = |item: &AtomicUsize| item.load(Ordering::SeqCst) == 1;
    assert!(shop.done.iter().all(done));
    assert_eq!(shop.most_present.load(Ordering::SeqCst), MOST);
    let state = shop.queue.lock();
    assert!(state.ready.is_empty() && state.asleep.is_empty());
    assert_eq!((state.workers, state.starting), (0, 0));
}

#[test]
fn every_item_is_served_once_by_workers_that_sleep_and_wake() {
    for microseconds in [0, 1, 20, 1000] {
        every_item_is_served_once(Duration::from_micros(microseconds));
    }
}

#[test]
fn every_item_wakes_workers_that_would_sleep_for_ever() {
    every_item_is_served_once(10 * DEADLINE);
}

#[test]
fn a_refused_worker_is_not_counted_and_not_asked_for_again_at_once() {
    let queue: Queue<_, Bell> = Queue::new(MOST);
    queue.enlist();
    assert!(queue.push(1));
    assert_eq!(queue.refuse(), 1);
    assert!(!queue.push(2));
    assert_eq!(queue.take_share(), [1, 2]);
}

#[test]
fn those_who_wait_are_shared_among_the_workers() {
    let queue: Queue<_, Bell> = Queue::new(2);
    queue.enlist();
    assert!(queue.push(1));
    queue.enlist();
    (2..=5).for_each(|item| assert!(!queue.push(item)));
    assert_eq!(queue.take_share(), [1, 2, 3]);
    assert_eq!(queue.take_share(), [4]);
    assert_eq!(queue.take_share(), [5]);
}
