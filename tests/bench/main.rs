//! `bench`: the four programs beside what people use today, or beside another build of them.
//!
//! In each round every contender of an experiment runs once, one right after the other and under the
//! same load, so that a disturbance of the machine meets all of them. The load comes from `tcp-client`
//! and `udp-client` of this build. Medians are taken over the rounds, ratios within each round.
//!
//! # Layout
//!
//! - `plan`: the settings of a run
//! - `experiment`: rounds, medians, ratios
//! - `process`: programs under load, and what the kernel counts for them
//! - `load`: ours and its peers, and the reports of the programs that make the load
//! - `tcp`, `udp`: the experiments
//! - `report`, `chart`: the table, the JSON, and the chart

mod chart;
mod experiment;
mod load;
mod plan;
mod process;
mod report;
mod tcp;
mod udp;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Parser;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use experiment::Experiment;
use plan::Plan;

/// Measure the four programs side by side with what people use today
#[derive(Parser)]
#[command(name = "bench")]
struct Args {
    /// One short round of everything, in less than two minutes: to see that it works, not for figures
    #[arg(long)]
    quick: bool,
    /// Write the table and the chart to docs/
    #[arg(long, conflicts_with_all = ["quick", "only", "against"])]
    record: bool,
    /// Write every figure to target/bench/benchmarks.json
    #[arg(long)]
    json: bool,
    /// Rounds of each experiment [default: 5, or 1 with --quick]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: Option<u16>,
    /// Seconds of each measurement [default: 3, or 0.25 with --quick]
    #[arg(long)]
    seconds: Option<f64>,
    /// Only experiments with WORD in their name, such as tcp, udp, streams or 512
    #[arg(long, value_name = "WORD")]
    only: Option<String>,
    /// Compare with another build in place of the peers: its tcp-server, and the programs beside it
    #[arg(long, value_name = "PATH", value_parser = |path: &str| Path::new(path).canonicalize())]
    against: Option<PathBuf>,
    /// Heading of the report: the machine, and the versions of the peers
    #[arg(long, value_name = "TEXT", default_value = "An unnamed machine.")]
    machine: String,
}

fn main() -> io::Result<()> {
    let args = Args::parse();
    raise_open_files()?;
    let plan = args.plan()?;
    let mut experiments = args.experiments(&plan);
    for experiment in &mut experiments {
        experiment.play(&plan);
    }
    report::write(&plan, &experiments, args.record, args.json)
}

impl Args {
    fn plan(&self) -> io::Result<Plan> {
        let mut plan = if self.quick {
            Plan::quick()?
        } else {
            Plan::thorough()?
        };
        plan.machine.clone_from(&self.machine);
        plan.rounds = self.rounds.unwrap_or(plan.rounds);
        if let Some(seconds) = self.seconds {
            plan.length = Duration::from_secs_f64(seconds.clamp(0.05, 3600.0));
        }
        plan.other = self.against.as_ref().map(|path| path.with_file_name(""));
        Ok(plan)
    }

    fn experiments<'a>(&self, plan: &'a Plan) -> Vec<Experiment<'a>> {
        let mut all = tcp::experiments(plan);
        all.extend(udp::experiments(plan));
        let word = self.only.as_deref().unwrap_or_default();
        all.retain(|experiment| experiment.name.contains(word));
        all
    }
}

/// Thousands of clients need it on both sides; servers inherit it.
fn raise_open_files() -> io::Result<()> {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    Ok(setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?)
}
