//! Clients that send without pause, and tell how much had come back when the connection ended.

use std::io::{self, ErrorKind};

use serde_json::json;

use crate::client::{Client, Flow};
use crate::crowd::{Crowd, say};

#[derive(clap::Args)]
pub(crate) struct Plan {
    #[arg(long)]
    clients: usize,
    /// Bytes of each client, half of them before, half after "streaming" [default: without end]
    #[arg(long)]
    bytes: Option<u64>,
    /// "streaming" is said when each client has so many bytes back and goes on with the second half
    #[arg(long)]
    warm_up: u64,
    /// Bytes of each client that are under way at most [default: as many as the kernel takes]
    #[arg(long)]
    window: Option<u64>,
}

pub(crate) fn run(mut crowd: Crowd, plan: &Plan) -> io::Result<()> {
    crowd.open_served(plan.clients)?;
    for client in crowd.clients.iter_mut().flatten() {
        client.window = plan.window.unwrap_or(u64::MAX);
    }
    let half = plan.bytes.map_or(u64::MAX, |bytes| bytes / 2);
    send(&mut crowd, half, Some(plan.warm_up))?;
    say(&json!({ "event": "streaming" }))?;
    send(&mut crowd, half, None)
}

/// Sends `bytes` more of each client, until each has `warm_up` bytes back or, without that, until
/// each has left: because everything is back, or because the server has ended the connection.
fn send(crowd: &mut Crowd, bytes: u64, warm_up: Option<u64>) -> io::Result<()> {
    for client in crowd.clients.iter_mut().flatten() {
        client.ask(bytes);
    }
    let is_warm = |client: &Client| warm_up.is_some_and(|bytes| client.received >= bytes);
    let mut ready: Vec<usize> = (0..crowd.clients.len()).collect();
    loop {
        for slot in ready {
            let Some(client) = &mut crowd.clients[slot] else {
                continue;
            };
            let how = match client.advance() {
                Ok(Flow::Open) if warm_up.is_none() && client.is_served() => "complete",
                Ok(Flow::Open) => continue,
                Ok(Flow::Ended) => "ended",
                Err(error) if error.kind() == ErrorKind::ConnectionReset => "reset",
                Err(error) => return Err(error),
            };
            say_departure(client, how)?;
            crowd.clients[slot] = None;
        }
        if crowd.clients.iter().flatten().all(is_warm) {
            return Ok(());
        }
        ready = crowd.ready(None)?;
    }
}

fn say_departure(client: &Client, how: &str) -> io::Result<()> {
    say(&json!({
        "event": "left",
        "client": client.stream.local_addr()?.to_string(),
        "sent": client.sent,
        "received": client.received,
        "silent_s": client.longest_silence().as_secs_f64(),
        "how": how,
    }))
}
