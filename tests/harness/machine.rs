//! Tests that share the machine, and tests that need it for themselves.

use std::cell::RefCell;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::thread;

static MACHINE: RwLock<()> = RwLock::new(());

/// How the thread of a test has the machine.
enum Hold {
    Not,
    Shared {
        _share: RwLockReadGuard<'static, ()>,
    },
    Alone,
}

thread_local! {
    /// A share is given back at the end of the test, with its thread.
    static HOLD: RefCell<Hold> = const { RefCell::new(Hold::Not) };
}

/// Held by a test that takes a good part of the machine's ports, descriptors, memory or time, or that
/// floods its network: then the kernel drops datagrams of all (`net.core.netdev_max_backlog`). No other
/// test runs a program meanwhile.
pub(crate) fn alone() -> RwLockWriteGuard<'static, ()> {
    HOLD.set(Hold::Not);
    let machine = MACHINE.write().unwrap_or_else(PoisonError::into_inner);
    HOLD.set(Hold::Alone);
    machine
}

/// Waits while another test has the machine for itself, before a test starts its first program. Its
/// threads, which have no names, share with it.
pub(crate) fn share() {
    HOLD.with_borrow_mut(|hold| {
        if matches!(hold, Hold::Not) && thread::current().name().is_some() {
            let share = MACHINE.read().unwrap_or_else(PoisonError::into_inner);
            *hold = Hold::Shared { _share: share };
        }
    });
}
