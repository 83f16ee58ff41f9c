//! Clients that stay: they exchange messages when told to, and are silent in between.

use std::io;

use serde_json::json;

use crate::client::Flow;
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
    crowd.open_all(plan.clients)?;
    say(&json!({ "event": "connected", "clients": plan.clients }))?;
    for line in io::stdin().lines() {
        line?;
        let mut round = Round::new(plan);
        round.play(&mut crowd)?;
        say(&round.summary())?;
    }
    Ok(())
}

struct Round<'a> {
    plan: &'a Plan,
    /// Messages left to send, by slot.
    left: Vec<u64>,
    served: usize,
    round_trips_us: Vec<u128>,
}

impl<'a> Round<'a> {
    fn new(plan: &'a Plan) -> Self {
        Self {
            plan,
            left: vec![plan.messages; plan.clients],
            served: 0,
            round_trips_us: Vec::new(),
        }
    }

    fn play(&mut self, crowd: &mut Crowd) -> io::Result<()> {
        for slot in 0..self.plan.clients {
            self.advance(crowd, slot)?;
        }
        while self.served < self.plan.clients {
            for slot in crowd.ready(None)? {
                self.advance(crowd, slot)?;
            }
        }
        Ok(())
    }

    /// Sends and receives until the client has to wait for the server.
    fn advance(&mut self, crowd: &mut Crowd, slot: usize) -> io::Result<()> {
        let Some((client, buffer)) = crowd.with_buffer(slot) else {
            return Ok(());
        };
        loop {
            if client.is_served() {
                if self.left[slot] == 0 {
                    return Ok(());
                }
                self.left[slot] -= 1;
                client.ask(self.plan.bytes);
            }
            if client.advance(buffer)? == Flow::Ended {
                return Err(io::Error::other("the server ended a connection"));
            }
            if !client.is_served() {
                return Ok(());
            }
            self.round_trips_us.push(client.asked.elapsed().as_micros());
            self.served += usize::from(self.left[slot] == 0);
        }
    }

    fn summary(&mut self) -> serde_json::Value {
        self.round_trips_us.sort_unstable();
        let last = self.round_trips_us.len() - 1;
        let percentile = |share: usize| self.round_trips_us[last * share / 1000];
        json!({
            "event": "round",
            "served": self.served,
            "messages": last + 1,
            "rtt_p50_us": percentile(500) as u64,
            "rtt_p99_us": percentile(990) as u64,
            "rtt_max_us": percentile(1000) as u64,
        })
    }
}
