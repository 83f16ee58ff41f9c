//! Clients that come, exchange one message and leave, again and again.

use std::io;

use serde_json::json;

use crate::crowd::{Crowd, say};
use crate::member::Flow;

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
        for seat in crowd.ready(None)? {
            if !is_served(&mut crowd, seat)? {
                continue;
            }
            crowd.members[seat] = None;
            served += 1;
            if begun < plan.visits {
                enter(&mut crowd, seat, plan)?;
                begun += 1;
            }
        }
    }
    say(&json!({ "event": "done", "served": served }))
}

fn enter(crowd: &mut Crowd, seat: usize, plan: &Plan) -> io::Result<()> {
    crowd.open(seat)?;
    if let Some(member) = crowd.member(seat) {
        member.ask(plan.bytes);
    }
    Ok(())
}

fn is_served(crowd: &mut Crowd, seat: usize) -> io::Result<bool> {
    let Some((member, buffer)) = crowd.at_work(seat) else {
        return Ok(false);
    };
    if member.advance(buffer)? == Flow::Ended {
        return Err(io::Error::other("the server ended a visit"));
    }
    Ok(member.is_served())
}
