//! The workers of a server.

use std::io;
use std::net::TcpStream;
use std::sync::Arc;
use std::thread::Builder;

use netcommon::Error;
use netcommon::address::Endpoint;
use netcommon::output::Output;

use crate::arrivals::Arrivals;
use crate::client::{Client, CloseReason};
use crate::clients::Clients;
use crate::connection_log::ConnectionLog;
use crate::mailbox::Mailbox;
use crate::places::Place;
use crate::settings::Settings;
use crate::shared::{Phase, Shared};
use crate::worker::Worker;

/// A worker needs little more than its buffer, which is not on the stack.
const STACK: usize = 128 << 10;

/// The workers of one server; dropping it ends them.
pub(crate) struct WorkerPool {
    shared: Arc<Shared>,
    /// Those that are not started yet.
    workers: Vec<Worker>,
    /// Why there are fewer than asked for.
    refusal: Option<io::Error>,
}

impl WorkerPool {
    /// Makes the workers, or as many as the system has pollers for.
    ///
    /// # Errors
    ///
    /// When there is not one.
    pub(crate) fn new(settings: Settings, output: &Arc<Output>) -> io::Result<Self> {
        let mut pollers = vec![Clients::new()?];
        let mut refusal = None;
        while pollers.len() < settings.limits.threads && refusal.is_none() {
            match Clients::new() {
                Ok(poller) => pollers.push(poller),
                Err(error) => refusal = Some(error),
            }
        }
        let (clients, wakers): (Vec<_>, Vec<_>) = pollers.into_iter().unzip();
        let mailboxes = wakers.into_iter().map(Mailbox::new).collect();
        let shared = Arc::new(Shared::new(settings, output, mailboxes));
        let workers = clients.into_iter().enumerate();
        let workers =
            workers.map(|(number, clients)| Worker::new(number, clients, Arc::clone(&shared)));
        Ok(Self {
            workers: workers.collect(),
            shared,
            refusal,
        })
    }

    /// Starts the workers, or as many as the system has threads for. One that ends calls `wake`.
    ///
    /// # Errors
    ///
    /// When there is not one.
    pub(crate) fn start(&mut self, wake: impl Fn() + Clone + Send + 'static) -> io::Result<()> {
        let mut started = 0;
        for (mailbox, worker) in self.shared.mailboxes.iter().zip(self.workers.drain(..)) {
            match spawn(worker, wake.clone()) {
                Ok(()) => started += 1,
                Err(error) => {
                    mailbox.retire();
                    self.refusal = Some(error);
                }
            }
        }
        match self.refusal.take() {
            Some(error) if started == 0 => return Err(error),
            Some(error) => {
                let workers = self.shared.settings.limits.threads;
                let refused = format!("the system refuses some of {workers} workers");
                let refused = Error::thread(refused, error);
                log::warn!("{refused}; {started} serve all clients");
            }
            None => {}
        }
        Ok(())
    }

    /// Gives a new client to the worker that has the fewest.
    pub(crate) fn assign(&self, stream: TcpStream, peer: Endpoint, place: Place) {
        let memory = Arc::clone(&self.shared.memory);
        let arrivals = Arc::clone(&self.shared.arrivals);
        let client = Client::new(stream, peer, place, memory, arrivals);
        let mailboxes = self.shared.mailboxes.iter();
        if let Some(mailbox) = mailboxes.min_by_key(|mailbox| mailbox.load())
            && let Err(client) = mailbox.push(client)
        {
            log::error!("no memory for {peer}");
            self.log().close(client, CloseReason::Failed);
        }
    }

    /// Whether a worker ended before the server does.
    pub(crate) fn has_failed(&self) -> bool {
        self.shared.has_failed()
    }

    pub(crate) fn set_phase(&self, phase: Phase) {
        self.shared.set_phase(phase);
    }

    pub(crate) fn log(&self) -> &ConnectionLog {
        &self.shared.log
    }

    pub(crate) fn arrivals(&self) -> &Arrivals {
        &self.shared.arrivals
    }
}

impl Drop for WorkerPool {
    // Not joined: a worker may be held up by standard output, which nobody reads.
    fn drop(&mut self) {
        self.set_phase(Phase::Over);
    }
}

fn spawn(worker: Worker, wake: impl Fn() + Send + 'static) -> io::Result<()> {
    let builder = Builder::new().name("worker".to_owned()).stack_size(STACK);
    let spawned = builder.spawn(move || {
        worker.run();
        wake();
    });
    spawned.map(drop)
}
