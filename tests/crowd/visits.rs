//! Clients that connect, exchange one message and leave, again and again.

use std::io;

use serde_json::json;

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
    let mut free: Vec<usize> = (0..plan.clients).collect();
    let (mut begun, mut served) = (0, 0);
    while served < plan.visits {
        for slot in free.drain(..).take(plan.visits - begun) {
            crowd.open(slot)?.ask(plan.bytes);
            begun += 1;
        }
        for slot in crowd.ready(None)? {
            let client = &mut crowd.clients[slot];
            if let Some(visitor) = client
                && visitor.is_served_now()?
            {
                *client = None;
                served += 1;
                free.push(slot);
            }
        }
    }
    say(&json!({ "event": "done", "served": served }))
}
