//! `bench`: the four programs against what people use today, in one run on one machine.
//!
//! Each round of an experiment runs one of ours and one peer, right after one another, and gives a
//! ratio; the report shows medians over all rounds. The load comes from here, the same for everyone.
//!
//! # Layout
//!
//! - `experiment`: what is measured, with whom, and what can go wrong
//! - `plan`: how long and how often
//! - `rounds`: ours, peer, ours, peer, …
//! - `statistics`: medians, spreads, ratios, percentiles
//! - `process`, `sockets`: programs under load, and what the kernel says about them
//! - `programs`: where programs are, and which versions
//! - `workers`: threads of load
//! - `machine`: what it all ran on
//! - `tcp`, `udp`: the experiments
//! - `report`: table, JSON and chart

mod experiment;
mod machine;
mod plan;
mod process;
mod programs;
mod report;
mod rounds;
mod sockets;
mod statistics;
mod tcp;
mod udp;
mod workers;

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use experiment::Experiment;
use machine::Machine;
use plan::Plan;
use programs::Programs;
use rounds::Outcome;

/// Measure the four programs side by side with what people use today
#[derive(Parser)]
#[command(name = "bench")]
struct Args {
    /// Short rounds of everything, in less than two minutes: to see that it works, not for figures
    #[arg(long)]
    quick: bool,
    /// Write the results to benchmarks/ [default: target/bench/]
    #[arg(long)]
    record: bool,
    /// Rounds of each pair [default: 5, or 1 with --quick]
    #[arg(long)]
    rounds: Option<usize>,
    /// Seconds of each measurement [default: 3, or 0.25 with --quick]
    #[arg(long)]
    seconds: Option<f64>,
    /// Only experiments whose name contains WORD
    #[arg(long, value_name = "WORD")]
    only: Option<String>,
    /// Only peers whose name contains WORD
    #[arg(long, value_name = "WORD")]
    against: Option<String>,
    /// One more peer: another build of tcp-server, to compare before with after
    #[arg(long, value_name = "PATH")]
    before: Option<PathBuf>,
}

fn main() -> io::Result<()> {
    let args = Args::parse();
    raise_open_files()?;
    let machine = Machine::now();
    let programs = Programs::find(args.before.clone())?;
    let plan = args.plan();
    let outcomes: Vec<Outcome> = args
        .experiments(&programs, &plan)
        .iter()
        .map(|experiment| rounds::play(experiment, &plan))
        .collect();
    let report = report::Report {
        machine: &machine,
        programs: &programs,
        plan: &plan,
        outcomes: &outcomes,
    };
    let place = report.write(args.record)?;
    writeln!(io::stdout(), "{}", place.display())
}

impl Args {
    fn plan(&self) -> Plan {
        let mut plan = if self.quick {
            Plan::quick()
        } else {
            Plan::thorough()
        };
        plan.rounds = self.rounds.unwrap_or(plan.rounds).max(1);
        if let Some(seconds) = self.seconds {
            plan.length = Duration::from_secs_f64(seconds.clamp(0.05, 3600.0));
        }
        plan
    }

    fn experiments(&self, programs: &Programs, plan: &Plan) -> Vec<Experiment> {
        let mut all = tcp::experiments(programs, plan);
        all.extend(udp::experiments(programs, plan));
        if let Some(word) = &self.only {
            all.retain(|experiment| experiment.name.contains(word));
        }
        if let Some(word) = &self.against {
            let keep = |name: &str| name.contains(word);
            all.iter_mut()
                .for_each(|experiment| experiment.keep_peers(keep));
        }
        all
    }
}

/// Servers inherit the limit: thousands of clients need it on both sides.
fn raise_open_files() -> io::Result<()> {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    Ok(setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?)
}
