//! Hostile clients: they never read, drip, reset and leave, until the process is ended.

use std::io;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::client::Client;
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
        begin(&mut crowd, slot, behaviour);
    }
    // Said once each client that comes again has done so, on average.
    let mut to_say = Some(behaviours.len() + plan.reset + plan.leave);
    let mut tick = Instant::now();
    for ticks in 0_usize.. {
        tick += TICK;
        while let Some(timeout) = tick.checked_duration_since(Instant::now()) {
            for slot in crowd.ready(Some(timeout))? {
                act(&mut crowd.clients[slot], behaviours[slot]);
            }
        }
        for (slot, &behaviour) in behaviours.iter().enumerate() {
            if crowd.clients[slot].is_none() {
                crowd.open(slot)?;
                begin(&mut crowd, slot, behaviour);
            } else if slot % 10 == ticks % 10 {
                drip(&mut crowd.clients[slot], behaviour)?;
            }
        }
        if to_say.take_if(|opened| *opened <= crowd.opened).is_some() {
            say(&json!({ "event": "hostile" }))?;
        }
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

fn begin(crowd: &mut Crowd, slot: usize, behaviour: Behaviour) {
    let client = &mut crowd.clients[slot];
    if let Some(client) = client {
        client.ask(match behaviour {
            Behaviour::NeverReads => u64::MAX,
            Behaviour::Reset => RESET_MESSAGE,
            Behaviour::Drip | Behaviour::Leave => 0,
        });
    }
    act(client, behaviour);
}

/// A client that has failed or left leaves its slot empty until the next tick.
fn act(slot: &mut Option<Client>, behaviour: Behaviour) {
    let Some(client) = slot else {
        return;
    };
    let stays = match behaviour {
        Behaviour::NeverReads => client.send().is_ok(),
        Behaviour::Drip => client.advance().is_ok(),
        Behaviour::Reset => client.advance().is_ok() && client.received == 0,
        Behaviour::Leave => client.has_connected().is_ok_and(|connected| !connected),
    };
    if stays {
        return;
    }
    if let (Some(client), Behaviour::Reset) = (slot.take(), behaviour) {
        // It fails if the server has closed the connection.
        let _ = client.reset();
    }
}

/// Sends a byte more. Each client's turn comes every ten ticks: once a second.
fn drip(client: &mut Option<Client>, behaviour: Behaviour) -> io::Result<()> {
    if let (Some(client), Behaviour::Drip) = (client, behaviour) {
        client.ask(1);
        client.send()?;
    }
    Ok(())
}
