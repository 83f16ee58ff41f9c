//! TCP echo servers: round trips, streams, connections, memory.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::socket::{setsockopt, sockopt};
use socket2::{Domain, Socket, Type};

use crate::experiment::{Contender, Experiment, Figure, Gap};
use crate::load::{self, Candidate, ROUND_TRIPS, figure};
use crate::plan::Plan;
use crate::process::{Program, Protocol};

/// Threads that connect again and again.
const VISITORS: u8 = 16;

const IDLE_CLIENTS: usize = 10_000;

/// How long they are idle before memory is read; longer than servers keep buffers for reuse.
const SETTLING: Duration = Duration::from_secs(3);

/// Backlogs are of 1024 clients: the 5 of socat would be what counts when many connect.
const SERVERS: [Candidate; 5] = [
    ("tcp-server", "{ours}/tcp-server -q 127.0.0.1 {port}"),
    ("tokio", "{ours}/echo-tokio {port} 64"),
    (
        "socat",
        "socat TCP-LISTEN:{port},bind=127.0.0.1,fork,backlog=1024 PIPE",
    ),
    ("Python threads", "python3 {peers}/threads.py {port}"),
    ("ncat -e cat", "ncat -lk -e /bin/cat 127.0.0.1 {port}"),
];

const IDLE_SERVERS: [Candidate; 4] = [
    SERVERS[0],
    SERVERS[1],
    ("tokio, 1 KiB buffers", "{ours}/echo-tokio {port} 1"),
    SERVERS[3],
];

const STREAMS: [Figure; 2] = [Figure("echoed ↑", "B/s"), Figure("server CPU ↓", "s/GB")];

const CONNECTIONS: [Figure; 2] = [
    Figure("connections/s ↑", ""),
    Figure("server CPU each ↓", "s"),
];

const MEMORY: [Figure; 1] = [Figure("resident memory ↓", "B")];

/// Those that bear so many clients at once: ncat serves no more than 100, and with more than a few
/// hundred processes or threads it is the machine that is measured.
fn servers(clients: usize) -> &'static [Candidate] {
    match clients {
        0..=100 => &SERVERS,
        101..=512 => &SERVERS[..4],
        _ => &SERVERS[..2],
    }
}

pub(crate) fn experiments(plan: &Plan) -> Vec<Experiment<'_>> {
    let mut all = Vec::new();
    all.extend([16, 64, 512, 5_000].map(|clients| round_trips(plan, clients)));
    all.extend([1, 8].map(|streams| throughput(plan, streams)));
    all.extend([connections(plan), idle(plan)]);
    all
}

fn round_trips(plan: &Plan, clients: usize) -> Experiment<'_> {
    Experiment {
        name: format!("tcp-round-trips-{clients}"),
        title: format!("TCP echo, {clients} clients"),
        figures: &ROUND_TRIPS,
        contenders: load::contenders(plan, servers(clients), move |server| {
            load::round_trips(plan, server, Protocol::Tcp, clients)
        }),
    }
}

fn throughput(plan: &Plan, streams: usize) -> Experiment<'_> {
    let measure = move |server: &Program<'_>| {
        let server = server.serve(Protocol::Tcp)?;
        let before = server.processor_time();
        let client = "{ours}/tcp-client 127.0.0.1:{port} -t {length} -w {patience} --stream --json";
        let client = server.client(plan, &Program::of(plan, &format!("{client} -P {streams}")))?;
        let summary = load::summary(client, None)?;
        let time = server.processor_time() - before;
        let gigabytes = figure(&summary, "/bytes_received")? / 1e9;
        Ok(vec![figure(&summary, "/bytes_per_s")?, time / gigabytes])
    };
    let mut contenders = load::contenders(plan, &SERVERS, measure);
    let iperf = move || {
        let report = load::iperf(plan, &format!("-P {streams}"))?;
        let rate = figure(&report, "/end/sum_received/bits_per_second")? / 8.0;
        let load = figure(&report, "/end/cpu_utilization_percent/remote_total")? / 100.0;
        Ok(vec![rate, load / (rate / 1e9)])
    };
    if plan.other.is_none() {
        contenders.push(Contender::new("iperf3, one way", iperf));
    }
    let plural = if streams == 1 { "" } else { "s" };
    Experiment {
        name: format!("tcp-streams-{streams}"),
        title: format!("TCP throughput, {streams} stream{plural}"),
        figures: &STREAMS,
        contenders,
    }
}

fn connections(plan: &Plan) -> Experiment<'_> {
    let measure = move |server: &Program<'_>| {
        let server = server.serve(Protocol::Tcp)?;
        let (before, begun) = (server.processor_time(), Instant::now());
        let visits = visits(plan, server.port)? as f64;
        let seconds = begun.elapsed().as_secs_f64();
        let time = server.processor_time() - before;
        Ok(vec![visits / seconds, time / visits])
    };
    Experiment {
        name: "tcp-connections".to_owned(),
        title: format!("TCP connections, {VISITORS} clients"),
        figures: &CONNECTIONS,
        contenders: load::contenders(plan, &SERVERS, measure),
    }
}

/// Each visitor connects, has a byte echoed, closes, and begins again.
fn visits(plan: &Plan, port: u16) -> Result<u64, Gap> {
    let end = Instant::now() + plan.length;
    let come_and_go = |visitor| {
        let mut count = 0;
        while Instant::now() < end {
            echo(&mut connect(plan, visitor, port)?)?;
            count += 1;
        }
        Ok(count)
    };
    thread::scope(|scope| {
        let visitors = (0..VISITORS).map(|visitor| scope.spawn(move || come_and_go(visitor)));
        let visitors: Vec<_> = visitors.collect();
        let counts = visitors.into_iter().map(|visitor| match visitor.join() {
            Ok(count) => count,
            Err(_) => Err(Gap("a visitor panicked".to_owned())),
        });
        counts.sum()
    })
}

/// Closed connections keep their port for a while (TIME-WAIT), so each visitor has an address, and
/// thereby ports, of its own.
fn connect(plan: &Plan, visitor: u8, port: u16) -> Result<TcpStream, Gap> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    setsockopt(&socket, sockopt::IpBindAddressNoPort, &true)?;
    let local = SocketAddr::from((Ipv4Addr::new(127, 0, 1, visitor + 1), 0));
    socket.bind(&local.into())?;
    socket.set_read_timeout(Some(plan.patience))?;
    // It also bounds connect (socket(7)).
    socket.set_write_timeout(Some(plan.patience))?;
    socket.connect(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)).into())?;
    Ok(socket.into())
}

fn echo(stream: &mut TcpStream) -> Result<(), Gap> {
    stream.write_all(b"?")?;
    Ok(stream.read_exact(&mut [0])?)
}

/// Each client has had an echo, then all are silent, and all are still served afterwards.
fn idle(plan: &Plan) -> Experiment<'_> {
    let clients = IDLE_CLIENTS / plan.divisor;
    let measure = move |server: &Program<'_>| {
        let server = server.serve(Protocol::Tcp)?;
        let served = |_| {
            let mut stream = connect(plan, 0, server.port)?;
            echo(&mut stream).map(|()| stream)
        };
        let mut streams: Vec<_> = (0..clients).map(served).collect::<Result<_, _>>()?;
        thread::sleep(SETTLING);
        let resident = server.resident()?;
        streams.iter_mut().try_for_each(echo)?;
        Ok(vec![resident])
    };
    Experiment {
        name: "tcp-idle".to_owned(),
        title: format!("Memory of {clients} idle TCP clients"),
        figures: &MEMORY,
        contenders: load::contenders(plan, &IDLE_SERVERS, measure),
    }
}
