//! Throughput: clients that send without pause and read at the same time, and what that costs the server.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::experiment::{Better, Experiment, Figure, Gap, Trial, Unit};
use crate::plan::Plan;
use crate::programs::Programs;
use crate::tcp::servers::{self, Server};
use crate::tcp::{clients, contender, contenders, iperf};

/// How many clients at once.
pub(crate) const CLIENTS: [usize; 2] = [1, 8];

/// Bytes of a read and of a write; those of iperf3.
const BLOCK: usize = 128 << 10;

const FIGURES: [Figure; 2] = [
    Figure {
        key: "bytes_per_s",
        label: "echoed",
        unit: Unit::BytesPerSecond,
        better: Better::More,
    },
    Figure {
        key: "cpu_s_per_gb",
        label: "server CPU",
        unit: Unit::SecondsPerGigabyte,
        better: Better::Less,
    },
];

pub(crate) fn experiment(
    programs: &Programs,
    peers: &[Server],
    plan: &Plan,
    clients: usize,
) -> Experiment {
    let plan = *plan;
    let measure = move |server: &Server| measure(server, clients, &plan);
    let mut peers = contenders(peers, clients, measure);
    if programs.has("iperf3") {
        peers.push(iperf::one_way(clients, plan));
    }
    Experiment {
        name: format!("tcp-streams-{clients}"),
        title: format!("TCP throughput, {clients} {}", if clients == 1 { "stream" } else { "streams" }),
        method: "Clients send without pause and read the echo at the same time; bytes count when they are back. \
            iperf3 sends one way only: the machine's limit. CPU: user and system, for 10⁹ bytes."
            .to_owned(),
        figures: FIGURES.to_vec(),
        ours: contender(&servers::ours(programs), measure),
        peers,
    }
}

fn measure(server: &Server, clients: usize, plan: &Plan) -> Trial {
    let listening = server.start()?;
    let streams = clients::open(listening.address, clients, plan.patience)?;
    let flows: Vec<Flow> = streams
        .into_iter()
        .map(Flow::start)
        .collect::<Result<_, _>>()?;
    let window = plan.window();
    wait_until(window.begin);
    let (bytes, time) = (received(&flows), listening.running.processor_time());
    wait_until(window.end);
    let bytes = (received(&flows) - bytes) as f64;
    let time = (listening.running.processor_time() - time).as_secs_f64();
    if !flows.iter().all(|flow| flow.moves(plan.patience)) {
        return Err(Gap::Stalled);
    }
    Ok(vec![bytes / window.seconds(), time / (bytes / 1e9)])
}

fn received(flows: &[Flow]) -> u64 {
    flows.iter().map(Flow::received).sum()
}

/// The load runs on threads of its own meanwhile.
fn wait_until(end: Instant) {
    while let Some(rest) = end.checked_duration_since(Instant::now()) {
        thread::park_timeout(rest);
    }
}

/// A client with a thread that sends and one that reads, until it is dropped.
struct Flow {
    stream: TcpStream,
    received: Arc<AtomicU64>,
    threads: Vec<JoinHandle<()>>,
}

impl Flow {
    fn start(stream: TcpStream) -> Result<Self, Gap> {
        // A server that stalls is noticed by what does not come back.
        stream.set_read_timeout(None)?;
        stream.set_write_timeout(None)?;
        let received = Arc::new(AtomicU64::new(0));
        let (mut sender, mut receiver) = (stream.try_clone()?, stream.try_clone()?);
        let counter = Arc::clone(&received);
        let send = thread::spawn(move || while sender.write_all(&[b'.'; BLOCK]).is_ok() {});
        let read = thread::spawn(move || count(&mut receiver, &counter));
        Ok(Self {
            stream,
            received,
            threads: vec![send, read],
        })
    }

    fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    /// Whether any byte comes from now on.
    fn moves(&self, patience: Duration) -> bool {
        let before = self.received();
        let deadline = Instant::now() + patience;
        while self.received() == before && Instant::now() < deadline {
            thread::yield_now();
        }
        self.received() > before
    }
}

impl Drop for Flow {
    fn drop(&mut self) {
        // Wakes both threads; the server may have been faster.
        let _ = self.stream.shutdown(Shutdown::Both);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn count(stream: &mut TcpStream, received: &AtomicU64) {
    let mut buffer = vec![0; BLOCK];
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        received.fetch_add(count as u64, Ordering::Relaxed);
    }
}
