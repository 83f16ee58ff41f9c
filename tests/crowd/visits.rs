//! Clients that connect, exchange one message and leave, again and again.

use std::io;

use serde_json::json;

use crate::client::Flow;
use crate::crowd::{Crowd, say};

#[derive(clap::Args)]
pub(crate) struct Plan {
    /// Visits in all
    #[arg(long)]
    visits: usize,
    /// Clients at once
    #[arg(long)]
    clients: usize,
    #[arg(long)]
    bytes: u64,
}

pub(crate) fn run(mut crowd: Crowd, plan: &Plan) -> io::Result<()> {
    let (mut begun, mut served) = (0, 0);
    while begun < plan.clients.min(plan.visits) {
        enter(&mut crowd, begun, plan)?;
        begun += 1;
    }
    while served < plan.visits {
        for slot in crowd.ready(None)? {
            if !is_served(&mut crowd, slot)? {
                continue;
            }
            crowd.clients[slot] = None;
            served += 1;
            if begun < plan.visits {
                enter(&mut crowd, slot, plan)?;
                begun += 1;
            }
        }
    }
    say(&json!({ "event": "done", "served": served }))
}

fn enter(crowd: &mut Crowd, slot: usize, plan: &Plan) -> io::Result<()> {
    crowd.open(slot)?;
    if let Some(client) = crowd.client(slot) {
        client.ask(plan.bytes);
    }
    Ok(())
}

fn is_served(crowd: &mut Crowd, slot: usize) -> io::Result<bool> {
    let Some((client, buffer)) = crowd.with_buffer(slot) else {
        return Ok(false);
    };
    if client.advance(buffer)? == Flow::Ended {
        return Err(io::Error::other("the server ended a visit"));
    }
    Ok(client.is_served())
}
