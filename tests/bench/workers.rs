//! Threads of load, each with its part of the clients.

use std::io::{Error, Result};
use std::thread;

use crate::statistics::RoundTrips;

/// Room for a small buffer.
const STACK: usize = 128 << 10;

/// A thread for each part; what they measured, together, or the first failure.
pub(crate) fn share<T: Send>(
    parts: impl IntoIterator<Item = T>,
    talk: impl Fn(T) -> Result<RoundTrips> + Sync,
) -> Result<RoundTrips> {
    thread::scope(|scope| {
        let talk = &talk;
        let start = |part| {
            let builder = thread::Builder::new().stack_size(STACK);
            builder.spawn_scoped(scope, move || talk(part))
        };
        let threads: Vec<_> = parts.into_iter().map(start).collect::<Result<_>>()?;
        let mut all = RoundTrips::default();
        for thread in threads {
            let part = thread
                .join()
                .map_err(|_| Error::other("a thread of load panicked"))?;
            all.merge(part?);
        }
        Ok(all)
    })
}
