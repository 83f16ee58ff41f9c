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
}

impl Plan {
    fn halves(&self) -> (u64, u64) {
        let half = self.bytes.map(|bytes| bytes / 2);
        (half.unwrap_or(u64::MAX), half.unwrap_or(0))
    }
}

pub(crate) fn run(mut crowd: Crowd, plan: &Plan) -> io::Result<()> {
    crowd.open_all(plan.clients)?;
    let mut streams = Streams {
        plan,
        cold: (0..plan.clients).collect(),
        left: plan.clients,
    };
    streams.play(&mut crowd)?;
    say(&json!({ "event": "done" }))
}

struct Streams<'a> {
    plan: &'a Plan,
    /// Slots of clients that have not `warm_up` bytes back yet.
    cold: Vec<usize>,
    left: usize,
}

impl Streams<'_> {
    fn play(&mut self, crowd: &mut Crowd) -> io::Result<()> {
        let (first_half, second_half) = self.plan.halves();
        let mut ready = self.ask_all(crowd, first_half);
        loop {
            for slot in ready {
                self.advance(crowd, slot)?;
            }
            if self.has_just_warmed_up(crowd) {
                for slot in self.ask_all(crowd, second_half) {
                    self.advance(crowd, slot)?;
                }
                say(&json!({ "event": "streaming" }))?;
            }
            if self.left == 0 {
                return Ok(());
            }
            ready = crowd.ready(None)?;
        }
    }

    fn ask_all(&self, crowd: &mut Crowd, bytes: u64) -> Vec<usize> {
        crowd.all().for_each(|client| client.ask(bytes));
        (0..self.plan.clients).collect()
    }

    /// True once, when the last client has `warm_up` bytes back or has left.
    fn has_just_warmed_up(&mut self, crowd: &mut Crowd) -> bool {
        let before = self.cold.len();
        let warm = |client: &mut Client| client.received >= self.plan.warm_up;
        self.cold
            .retain(|&slot| !crowd.client(slot).is_none_or(warm));
        before > 0 && self.cold.is_empty()
    }

    fn advance(&mut self, crowd: &mut Crowd, slot: usize) -> io::Result<()> {
        let Some((client, buffer)) = crowd.with_buffer(slot) else {
            return Ok(());
        };
        let how = match client.advance(buffer) {
            Ok(Flow::Open) if self.cold.is_empty() && client.is_served() => "complete",
            Ok(Flow::Open) => return Ok(()),
            Ok(Flow::Ended) => "ended",
            Err(error) if error.kind() == ErrorKind::ConnectionReset => "reset",
            Err(error) => return Err(error),
        };
        say(&departure(client, how)?)?;
        crowd.clients[slot] = None;
        self.left -= 1;
        Ok(())
    }
}

fn departure(client: &Client, how: &str) -> io::Result<serde_json::Value> {
    Ok(json!({
        "event": "left",
        "client": client.stream.local_addr()?.to_string(),
        "sent": client.sent,
        "received": client.received,
        "how": how,
    }))
}
