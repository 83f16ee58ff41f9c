//! Silent clients, and clients that do not read: kept in the poller, at no thread's cost.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use mio::unix::SourceFd;
use mio::{Registry, Token};

use crate::client::Client;

/// Parked clients by descriptor, which is also their token in the poller.
///
/// A client is registered for exactly as long as it is here. Registering reports at once what is
/// ready already, so nothing that came while a worker had the client is missed; taking it out ends
/// the reports, so a busy client does not wake the main thread.
pub(crate) struct Parked {
    registry: Registry,
    clients: Mutex<HashMap<Token, Client>>,
}

impl Parked {
    pub(crate) fn new(registry: Registry) -> Self {
        Self {
            registry,
            clients: Mutex::new(HashMap::new()),
        }
    }

    /// Keeps a client until what it waits for is there. Gives it back where the poller refuses it.
    pub(crate) fn park(&self, client: Client) -> Option<Client> {
        let interest = client.interest();
        let descriptor = client.descriptor();
        let token = client.token();
        let mut clients = self.lock();
        // First the map, then the poller: whoever hears of the client finds it.
        clients.insert(token, client);
        let error = self
            .registry
            .register(&mut SourceFd(&descriptor), token, interest)
            .err()?;
        log::error!("the poller refuses a client: {error}");
        clients.remove(&token)
    }

    /// Takes the client that the poller reported; `None` when it has left meanwhile.
    pub(crate) fn take(&self, token: Token) -> Option<Client> {
        let client = self.lock().remove(&token)?;
        self.deregister(&client);
        Some(client)
    }

    /// Takes every client that `matches`.
    pub(crate) fn take_if(&self, matches: impl Fn(&Client) -> bool) -> Vec<Client> {
        let taken: Vec<Client> = self
            .lock()
            .extract_if(|_, client| matches(client))
            .map(|(_, client)| client)
            .collect();
        taken.iter().for_each(|client| self.deregister(client));
        taken
    }

    fn deregister(&self, client: &Client) {
        if let Err(error) = self
            .registry
            .deregister(&mut SourceFd(&client.descriptor()))
        {
            log::error!("cannot take {} out of the poller: {error}", client.peer);
        }
    }

    // No code that can panic runs under this lock.
    fn lock(&self) -> MutexGuard<'_, HashMap<Token, Client>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
