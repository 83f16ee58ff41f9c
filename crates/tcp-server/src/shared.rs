//! The state that the threads of one server share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use netcommon::output::Output;

use crate::arrivals::Arrivals;
use crate::client::Client;
use crate::connection_log::ConnectionLog;
use crate::mailbox::Mailbox;
use crate::memory::Memory;
use crate::settings::Settings;

/// How far a server is on the way to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Phase {
    Running,
    /// Clients that fall idle are closed.
    Draining,
    /// Nothing more is read, only delivered.
    Delivering,
    /// Every client is closed.
    Cut,
    /// Workers end.
    Over,
}

/// Made by the main thread before the first worker.
pub(crate) struct Shared {
    pub(crate) settings: Settings,
    pub(crate) log: ConnectionLog,
    pub(crate) arrivals: Arc<Arrivals>,
    /// One for each worker.
    pub(crate) mailboxes: Box<[Mailbox<Client>]>,
    /// For echo that clients do not read.
    pub(crate) memory: Arc<Memory>,
    phase: AtomicU8,
    has_failed: AtomicBool,
}

impl Shared {
    pub(crate) fn new(
        settings: Settings,
        output: &Arc<Output>,
        mailboxes: Box<[Mailbox<Client>]>,
    ) -> Self {
        Self {
            settings,
            log: ConnectionLog::new(Arc::clone(output)),
            arrivals: Arc::new(Arrivals::new(Arc::clone(output))),
            mailboxes,
            memory: Memory::of_this_machine(),
            phase: AtomicU8::new(Phase::Running as u8),
            has_failed: AtomicBool::new(false),
        }
    }

    pub(crate) fn phase(&self) -> Phase {
        match self.phase.load(Ordering::SeqCst) {
            0 => Phase::Running,
            1 => Phase::Draining,
            2 => Phase::Delivering,
            3 => Phase::Cut,
            _ => Phase::Over,
        }
    }

    /// Wakes every worker for it.
    pub(crate) fn set_phase(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::SeqCst);
        self.mailboxes.iter().for_each(Mailbox::wake);
    }

    /// To be called by a worker that ends before the server does.
    pub(crate) fn fail(&self) {
        self.has_failed.store(true, Ordering::SeqCst);
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.has_failed.load(Ordering::SeqCst)
    }
}
