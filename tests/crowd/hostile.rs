//! Hostile clients: they never read, drip, reset and leave, until the process is ended.

use std::io;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::crowd::{Crowd, say};

/// Interval at which clients that left come again.
const TICK: Duration = Duration::from_millis(100);

/// Size of a message in the middle of which a client resets.
const RESET_MESSAGE: u64 = 64 << 10;

#[derive(clap::Args)]
pub(crate) struct Plan {
    /// Clients that send without pause and never read
    #[arg(long, default_value_t = 0)]
    never_reads: usize,
    /// Clients that send one byte a second
    #[arg(long, default_value_t = 0)]
    drip: usize,
    /// Clients that reset in the middle of their message, and come again
    #[arg(long, default_value_t = 0)]
    reset: usize,
    /// Clients that connect and leave, and come again
    #[arg(long, default_value_t = 0)]
    leave: usize,
}

#[derive(Clone, Copy)]
enum Behaviour {
    NeverReads,
    Drip,
    Reset,
    Leave,
}

pub(crate) fn run(mut crowd: Crowd, plan: &Plan) -> io::Result<()> {
    let behaviours = behaviours(plan);
    crowd.open_all(behaviours.len())?;
    for (slot, &behaviour) in behaviours.iter().enumerate() {
        begin(&mut crowd, slot, behaviour)?;
    }
    say(&json!({ "event": "hostile", "clients": behaviours.len() }))?;
    let mut tick = Instant::now();
    for ticks in 0_usize.. {
        tick += TICK;
        while let Some(timeout) = tick.checked_duration_since(Instant::now()) {
            for slot in crowd.ready(Some(timeout))? {
                act(&mut crowd, slot, behaviours[slot]);
            }
        }
        drip(&mut crowd, &behaviours, ticks)?;
        refill(&mut crowd, &behaviours)?;
    }
    Ok(())
}

fn behaviours(plan: &Plan) -> Vec<Behaviour> {
    let behaviours = [
        (Behaviour::NeverReads, plan.never_reads),
        (Behaviour::Drip, plan.drip),
        (Behaviour::Reset, plan.reset),
        (Behaviour::Leave, plan.leave),
    ];
    let each = behaviours.map(|(behaviour, count)| vec![behaviour; count]);
    each.concat()
}

/// A client that has failed or left leaves its slot empty until the next tick.
fn act(crowd: &mut Crowd, slot: usize, behaviour: Behaviour) {
    let Some((client, buffer)) = crowd.with_buffer(slot) else {
        return;
    };
    let lives = match behaviour {
        Behaviour::NeverReads => client.send().is_ok(),
        Behaviour::Drip => client.advance(buffer).is_ok(),
        Behaviour::Reset => client.advance(buffer).is_ok() && client.received == 0,
        Behaviour::Leave => client
            .has_just_connected()
            .is_ok_and(|connected| !connected),
    };
    if lives {
        return;
    }
    if let (Some(client), Behaviour::Reset) = (crowd.clients[slot].take(), behaviour) {
        // It fails if the server has closed the connection.
        let _ = client.reset();
    }
}

fn begin(crowd: &mut Crowd, slot: usize, behaviour: Behaviour) -> io::Result<()> {
    let bytes = match behaviour {
        Behaviour::NeverReads => u64::MAX,
        Behaviour::Reset => RESET_MESSAGE,
        Behaviour::Drip | Behaviour::Leave => 0,
    };
    if let Some(client) = crowd.client(slot) {
        client.ask(bytes);
    }
    act(crowd, slot, behaviour);
    Ok(())
}

/// Sends a byte of every tenth client: a byte a second each, at ten ticks a second.
fn drip(crowd: &mut Crowd, behaviours: &[Behaviour], ticks: usize) -> io::Result<()> {
    for (slot, &behaviour) in behaviours.iter().enumerate().skip(ticks % 10).step_by(10) {
        if let (Behaviour::Drip, Some(client)) = (behaviour, crowd.client(slot)) {
            client.ask(1);
            client.send()?;
        }
    }
    Ok(())
}

fn refill(crowd: &mut Crowd, behaviours: &[Behaviour]) -> io::Result<()> {
    for (slot, &behaviour) in behaviours.iter().enumerate() {
        if crowd.client(slot).is_none() {
            crowd.open(slot)?;
            begin(crowd, slot, behaviour)?;
        }
    }
    Ok(())
}
