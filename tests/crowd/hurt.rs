//! Clients that a server has to bear: they never read, drip, reset and leave, until the process is ended.

use std::io;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::crowd::{Crowd, say};

/// How often those who left come again.
const TICK: Duration = Duration::from_millis(100);

/// What one that resets has sent when it does.
const HALF: u64 = 64 << 10;

#[derive(clap::Args)]
pub(crate) struct Plan {
    /// Clients that send without pause and never read
    #[arg(long)]
    deaf: usize,
    /// Clients that send one byte a second
    #[arg(long)]
    drip: usize,
    /// Clients that reset in the middle of their message, and come again
    #[arg(long)]
    reset: usize,
    /// Clients that connect and leave, and come again
    #[arg(long)]
    leave: usize,
}

#[derive(Clone, Copy)]
enum Habit {
    Deaf,
    Drip,
    Reset,
    Leave,
}

pub(crate) fn run(mut crowd: Crowd, plan: &Plan) -> io::Result<()> {
    let habits = habits(plan);
    crowd.open_all(habits.len())?;
    for (seat, &habit) in habits.iter().enumerate() {
        begin(&mut crowd, seat, habit)?;
    }
    say(&json!({ "event": "hurting", "clients": habits.len() }))?;
    let mut tick = Instant::now();
    for ticks in 0_usize.. {
        tick += TICK;
        while let Some(patience) = tick.checked_duration_since(Instant::now()) {
            for seat in crowd.ready(Some(patience))? {
                act(&mut crowd, seat, habits[seat]);
            }
        }
        drip(&mut crowd, &habits, ticks)?;
        refill(&mut crowd, &habits)?;
    }
    Ok(())
}

fn habits(plan: &Plan) -> Vec<Habit> {
    let habits = [
        (Habit::Deaf, plan.deaf),
        (Habit::Drip, plan.drip),
        (Habit::Reset, plan.reset),
        (Habit::Leave, plan.leave),
    ];
    let each = habits.map(|(habit, count)| vec![habit; count]);
    each.concat()
}

/// Ready or not, a failed client's seat is taken anew at the next tick.
fn act(crowd: &mut Crowd, seat: usize, habit: Habit) {
    let Some((member, buffer)) = crowd.at_work(seat) else {
        return;
    };
    let lives = match habit {
        Habit::Deaf => member.send().is_ok(),
        Habit::Drip => member.advance(buffer).is_ok(),
        Habit::Reset => member.advance(buffer).is_ok() && member.received == 0,
        Habit::Leave => member
            .has_just_connected()
            .is_ok_and(|connected| !connected),
    };
    if lives {
        return;
    }
    if let (Some(member), Habit::Reset) = (crowd.members[seat].take(), habit) {
        // The server may have been faster.
        let _ = member.reset();
    }
}

fn begin(crowd: &mut Crowd, seat: usize, habit: Habit) -> io::Result<()> {
    let bytes = match habit {
        Habit::Deaf => u64::MAX,
        Habit::Reset => HALF,
        Habit::Drip | Habit::Leave => 0,
    };
    if let Some(member) = crowd.member(seat) {
        member.ask(bytes);
    }
    act(crowd, seat, habit);
    Ok(())
}

/// A tenth of them at each of ten ticks a second.
fn drip(crowd: &mut Crowd, habits: &[Habit], ticks: usize) -> io::Result<()> {
    for (seat, &habit) in habits.iter().enumerate().skip(ticks % 10).step_by(10) {
        if let (Habit::Drip, Some(member)) = (habit, crowd.member(seat)) {
            member.ask(1);
            member.send()?;
        }
    }
    Ok(())
}

fn refill(crowd: &mut Crowd, habits: &[Habit]) -> io::Result<()> {
    for (seat, &habit) in habits.iter().enumerate() {
        if crowd.member(seat).is_none() {
            crowd.open(seat)?;
            begin(crowd, seat, habit)?;
        }
    }
    Ok(())
}
