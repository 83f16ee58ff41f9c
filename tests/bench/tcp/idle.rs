//! Memory: what a server needs for clients that have been served and are silent now.

use std::io::{Error, ErrorKind, Read};
use std::net::TcpStream;
use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit};

use crate::experiment::{Better, Experiment, Figure, Gap, Trial, Unit};
use crate::plan::Plan;
use crate::programs::Programs;
use crate::tcp::servers::{self, Server};
use crate::tcp::{clients, contender, contenders};

/// Descriptors of ours and of servers that are not clients.
const OTHER_FILES: u64 = 100;

const FIGURES: [Figure; 1] = [Figure {
    key: "resident_bytes",
    label: "resident memory",
    unit: Unit::Bytes,
    better: Better::Less,
}];

pub(crate) fn experiment(programs: &Programs, peers: &[Server], plan: &Plan) -> Experiment {
    let plan = *plan;
    let measure = move |server: &Server| measure(server, &plan);
    let small = servers::tokio_with("tokio, 1 KiB buffers", programs, 1 << 10);
    let mut peers = contenders(peers, plan.idle_clients, measure);
    peers.insert(1, contender(&small, measure));
    Experiment {
        name: "tcp-idle".to_owned(),
        title: format!("Memory of {} idle TCP clients", plan.idle_clients),
        method: format!(
            "Each has had one echo; then all are silent for {} s, and all are still served afterwards.",
            plan.settling.as_secs_f64()
        ),
        figures: FIGURES.to_vec(),
        ours: contender(&servers::ours(programs), measure),
        peers,
    }
}

fn measure(server: &Server, plan: &Plan) -> Trial {
    let (files, _) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if files < plan.idle_clients as u64 + OTHER_FILES {
        return Err(Gap::NotRun("the limit of open files is too low"));
    }
    let listening = server.start()?;
    let mut streams = clients::open(listening.address, plan.idle_clients, plan.patience)?;
    if let Some(first) = streams.first_mut() {
        be_silent(first, plan.settling)?;
    }
    let resident = listening.running.resident();
    streams.iter_mut().try_for_each(clients::echo)?;
    Ok(vec![resident as f64])
}

/// Nothing may come, not even an end.
fn be_silent(stream: &mut TcpStream, time: Duration) -> Result<(), Error> {
    let patience = stream.read_timeout()?;
    stream.set_read_timeout(Some(time))?;
    match stream.read(&mut [0]) {
        Err(error) if error.kind() == ErrorKind::WouldBlock => stream.set_read_timeout(patience),
        Err(error) => Err(error),
        Ok(_) => Err(Error::other("it does not leave idle clients alone")),
    }
}
