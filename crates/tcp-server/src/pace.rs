//! What the crew tells whoever serves a client: wait or hurry, go on or stop.

use std::sync::atomic::{AtomicBool, Ordering};

use nix::sys::socket::MsgFlags;

use crate::tap::Tap;

/// Set by the crew, read by its workers after every message.
pub(crate) struct Pace {
    hurry: AtomicBool,
    others_wait: AtomicBool,
    reads: AtomicBool,
    cut: AtomicBool,
    /// Sees every piece that was read, before it is echoed.
    pub(crate) tap: Option<Tap>,
}

impl Pace {
    pub(crate) fn new(tap: Option<Tap>) -> Self {
        Self {
            hurry: AtomicBool::new(false),
            others_wait: AtomicBool::new(false),
            reads: AtomicBool::new(true),
            cut: AtomicBool::new(false),
            tap,
        }
    }

    /// `spare` is whether a client that becomes ready finds a worker although this one waits.
    pub(crate) fn set(&self, others_wait: bool, spare: bool) {
        self.others_wait.store(others_wait, Ordering::Relaxed);
        self.hurry.store(others_wait || !spare, Ordering::Relaxed);
    }

    /// From now on what was read is echoed, and nothing more is read.
    pub(crate) fn stop_reading(&self) {
        self.reads.store(false, Ordering::Relaxed);
    }

    pub(crate) fn reads(&self) -> bool {
        self.reads.load(Ordering::Relaxed)
    }

    /// From now on every client ends as soon as what was read from it is echoed.
    pub(crate) fn cut(&self) {
        self.cut.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_cut(&self) -> bool {
        self.cut.load(Ordering::Relaxed)
    }

    pub(crate) fn others_wait(&self) -> bool {
        self.others_wait.load(Ordering::Relaxed)
    }

    /// Waiting on one client is a luxury: the last free worker must not afford it.
    pub(crate) fn patience(&self) -> MsgFlags {
        match self.hurry.load(Ordering::Relaxed) {
            true => MsgFlags::MSG_DONTWAIT,
            false => MsgFlags::empty(),
        }
    }
}
