//! Servers that say something before they echo.

use std::time::{Duration, Instant};

use crate::connection::Connection;

/// Bytes of a reply in which the echo is looked for.
const LIMIT: usize = 16 << 10;

/// Bytes of the echo that are looked for.
pub(crate) const HEAD: usize = 64;

/// Time for the echo to follow.
const PATIENCE: Duration = Duration::from_millis(250);

/// Length of what came before the echo, if an echo that begins with `head` follows the first chunk
/// of a reply, or is in it.
pub(crate) fn length(connection: &Connection, head: &[u8], chunk: &[u8]) -> Option<usize> {
    let start = Instant::now();
    connection.set_poll_timeout(Some(PATIENCE)).ok()?;
    let mut reply = chunk[..chunk.len().min(LIMIT)].to_vec();
    let mut chunk = [0; 4096];
    loop {
        let place = reply.windows(head.len()).position(|window| window == head);
        if place.is_some() || reply.len() >= LIMIT || start.elapsed() >= PATIENCE {
            return place;
        }
        let length = connection
            .read(&mut chunk)
            .ok()
            .filter(|&length| length > 0)?;
        reply.extend(&chunk[..length]);
    }
}
