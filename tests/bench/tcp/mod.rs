//! TCP echo servers: round trips, streams, connections, and memory; and the load that tcp-client makes.
//!
//! # Layout
//!
//! - `servers`: who is measured
//! - `clients`: connections that are known to be served
//! - `round_trips`: of clients in `threads` of their own, and of a `crowd` that shares pollers
//! - `streams`: throughput and what it costs; `iperf` is the machine's limit for it
//! - `connections`: connect, one echo, close
//! - `idle`: memory
//! - `generator`: the other side, tcp-client's load

mod clients;
mod connections;
mod crowd;
mod generator;
mod idle;
pub(crate) mod iperf;
mod round_trips;
mod servers;
mod streams;
mod threads;

use crate::experiment::{Contender, Experiment, Trial};
use crate::plan::Plan;
use crate::programs::Programs;

use servers::Server;

pub(crate) use clients::MESSAGE;
pub(crate) use round_trips::FIGURES;

pub(crate) fn experiments(programs: &Programs, plan: &Plan) -> Vec<Experiment> {
    let peers = servers::peers(programs);
    let mut all = Vec::new();
    all.extend(
        round_trips::LOADS.map(|load| round_trips::experiment(programs, &peers, plan, load)),
    );
    all.extend(
        streams::CLIENTS.map(|clients| streams::experiment(programs, &peers, plan, clients)),
    );
    all.push(connections::experiment(programs, &peers, plan));
    all.push(idle::experiment(programs, &peers, plan));
    all.extend(generator::experiments(programs, plan));
    all
}

/// Those that bear so many clients, each to be measured in the same way.
fn contenders(
    servers: &[Server],
    clients: usize,
    measure: impl Fn(&Server) -> Trial + Clone + 'static,
) -> Vec<Contender> {
    let able = servers
        .iter()
        .filter(|server| clients <= server.most_clients);
    able.map(|server| contender(server, measure.clone()))
        .collect()
}

fn contender(server: &Server, measure: impl Fn(&Server) -> Trial + 'static) -> Contender {
    let measured = server.clone();
    Contender::new(server.name, move || measure(&measured))
}
