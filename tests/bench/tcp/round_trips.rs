//! Round trips of small messages: each client sends one, waits for its echo, sends the next.

use crate::experiment::{Better, Experiment, Figure, Gap, Trial, Unit};
use crate::plan::Plan;
use crate::programs::Programs;
use crate::tcp::servers::{self, Server};
use crate::tcp::{clients, contender, contenders, crowd, threads};

/// How many clients at once, and who they are.
pub(crate) const LOADS: [Load; 7] = [
    Load::Threads(1),
    Load::Threads(16),
    Load::Threads(64),
    Load::Pollers(16),
    Load::Pollers(64),
    Load::Pollers(512),
    Load::Pollers(5_000),
];

/// Clients on the processors that the server needs, too: what they cost takes from what it can do.
#[derive(Clone, Copy)]
pub(crate) enum Load {
    /// A thread each, that blocks: what clients on one machine are like.
    Threads(usize),
    /// A poller a core: a third less to do for each message, as if they were elsewhere.
    Pollers(usize),
}

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
    load: Load,
) -> Experiment {
    let plan = *plan;
    let measure = move |server: &Server| measure(server, load, &plan);
    let (word, clients, kind) = match load {
        Load::Threads(1) => ("threads", 1, "1 client"),
        Load::Threads(clients) => ("threads", clients, "clients, a thread each"),
        Load::Pollers(clients) => ("pollers", clients, "clients, a poller a core"),
    };
    Experiment {
        name: format!("tcp-round-trips-{word}-{clients}"),
        title: match clients {
            1 => format!("TCP echo, {kind}"),
            _ => format!("TCP echo, {clients} {kind}"),
        },
        method: "Messages of 64 bytes; each client waits for its echo before it sends the next."
            .to_owned(),
        figures: [FIGURES.as_slice(), &[COST]].concat(),
        ours: contender(&servers::ours(programs), measure),
        peers: contenders(peers, clients, measure),
    }
}

fn measure(server: &Server, load: Load, plan: &Plan) -> Trial {
    let listening = server.start()?;
    let (Load::Threads(clients) | Load::Pollers(clients)) = load;
    let streams = clients::open(listening.address, clients, plan.patience)?;
    let before = listening.running.processor_time();
    let window = plan.window();
    let trips = match load {
        Load::Threads(_) => threads::round_trips(streams, &window)?,
        Load::Pollers(_) => crowd::round_trips(streams, &window, plan.patience)?,
    };
    let time = (listening.running.processor_time() - before).as_secs_f64();
    let cost = time / trips.ended as f64;
    let mut figures = trips.figures(window.seconds()).ok_or(Gap::Stalled)?;
    figures.push(cost);
    Ok(figures)
}
