//! Round trips of small messages: each client sends one, waits for its echo, sends the next.

use crate::experiment::{Better, Experiment, Figure, Gap, Trial, Unit};
use crate::plan::Plan;
use crate::programs::Programs;
use crate::tcp::servers::{self, Server};
use crate::tcp::{clients, contender, contenders, crowd, threads};

/// How many clients at once.
pub(crate) const CLIENTS: [usize; 5] = [1, 16, 64, 512, 5_000];

/// More clients than this share the threads of a poller; fewer have one each, as fast as it gets.
const MOST_THREADS: usize = 64;

/// What round trips give, whatever they run over.
pub(crate) const FIGURES: [Figure; 3] = [
    Figure {
        key: "per_s",
        label: "round trips/s",
        unit: Unit::PerSecond,
        better: Better::More,
    },
    Figure {
        key: "rtt_p50_s",
        label: "p50",
        unit: Unit::Seconds,
        better: Better::Less,
    },
    Figure {
        key: "rtt_p99_s",
        label: "p99",
        unit: Unit::Seconds,
        better: Better::Less,
    },
];

/// Less than the others, it depends on what else the machine does.
const COST: Figure = Figure {
    key: "cpu_s",
    label: "server CPU each",
    unit: Unit::Seconds,
    better: Better::Less,
};

pub(crate) fn experiment(
    programs: &Programs,
    peers: &[Server],
    plan: &Plan,
    clients: usize,
) -> Experiment {
    let plan = *plan;
    let measure = move |server: &Server| measure(server, clients, &plan);
    let load = if clients <= MOST_THREADS {
        "a thread each"
    } else {
        "one poller a core"
    };
    Experiment {
        name: format!("tcp-round-trips-{clients}"),
        title: format!(
            "TCP echo, {clients} {}",
            if clients == 1 { "client" } else { "clients" }
        ),
        method: format!(
            "Messages of 64 bytes; each client waits for its echo before it sends the next. Load: {load}."
        ),
        figures: [FIGURES.as_slice(), &[COST]].concat(),
        ours: contender(&servers::ours(programs), measure),
        peers: contenders(peers, clients, measure),
    }
}

fn measure(server: &Server, clients: usize, plan: &Plan) -> Trial {
    let listening = server.start()?;
    let streams = clients::open(listening.address, clients, plan.patience)?;
    let before = listening.running.processor_time();
    let window = plan.window();
    let trips = match clients <= MOST_THREADS {
        true => threads::round_trips(streams, &window)?,
        false => crowd::round_trips(streams, &window, plan.patience)?,
    };
    let time = (listening.running.processor_time() - before).as_secs_f64();
    let cost = time / trips.ended as f64;
    let mut figures = trips.figures(window.seconds()).ok_or(Gap::Stalled)?;
    figures.push(cost);
    Ok(figures)
}
