//! Clients that stay: they exchange messages when told to, and are silent in between.

use std::io;

use serde_json::json;

use crate::crowd::{Crowd, say};

#[derive(clap::Args)]
pub(crate) struct Plan {
    #[arg(long)]
    clients: usize,
    /// Bytes of a message
    #[arg(long)]
    bytes: u64,
    /// Messages of each client, one after the other, for each line of standard input
    #[arg(long, default_value_t = 1)]
    messages: u64,
}

pub(crate) fn run(mut crowd: Crowd, plan: &Plan) -> io::Result<()> {
    crowd.open_served(plan.clients)?;
    say(&json!({ "event": "connected", "clients": plan.clients }))?;
    for line in io::stdin().lines() {
        line?;
        let messages = exchange(&mut crowd, plan)?;
        say(&json!({ "event": "exchanged", "messages": messages }))?;
    }
    Ok(())
}

/// Exchanges the messages of each client, and returns how many there were in all.
fn exchange(crowd: &mut Crowd, plan: &Plan) -> io::Result<u64> {
    let mut exchanged = vec![0; plan.clients];
    let due = plan.messages * plan.clients as u64;
    let mut ready: Vec<usize> = (0..plan.clients).collect();
    for client in crowd.clients.iter_mut().flatten() {
        client.ask(plan.bytes);
    }
    loop {
        for slot in ready {
            let Some(client) = &mut crowd.clients[slot] else {
                continue;
            };
            while exchanged[slot] < plan.messages && client.is_served_now()? {
                exchanged[slot] += 1;
                if exchanged[slot] < plan.messages {
                    client.ask(plan.bytes);
                }
            }
        }
        if exchanged.iter().sum::<u64>() == due {
            return Ok(due);
        }
        ready = crowd.ready(None)?;
    }
}
