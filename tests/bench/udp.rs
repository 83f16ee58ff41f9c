//! UDP: a burst that is printed, round trips, and sending.

use std::fs::{self, File};
use std::net::{Ipv4Addr, UdpSocket};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use serde_json::Value;

use crate::experiment::{Contender, Experiment, Figure, Gap, Trial};
use crate::load::{self, Candidate, ROUND_TRIPS, figure};
use crate::plan::Plan;
use crate::process::{self, Program, Protocol};

/// Of a burst.
const DATAGRAMS: usize = 500_000;

/// Begins each payload of a burst; no receiver prints it by itself.
const MARK: &str = "Datagram ";

/// No receiver prints anything more after so long a silence.
const SILENCE: Duration = Duration::from_millis(300);

/// How often the output is looked at.
const TICK: Duration = Duration::from_millis(2);

const RECEIVERS: [Candidate; 5] = [
    ("udp-server", "{ours}/udp-server 127.0.0.1 {port}"),
    ("socat", "socat -u UDP-RECV:{port},bind=127.0.0.1 -"),
    (
        "socat, 4 MiB buffer",
        "socat -u UDP-RECV:{port},bind=127.0.0.1,rcvbuf=4194304 -",
    ),
    ("nc -luk", "nc -luk 127.0.0.1 {port}"),
    ("Python", "python3 {peers}/datagrams.py {port}"),
];

const ECHOES: [Candidate; 3] = [
    (
        "udp-server --echo",
        "{ours}/udp-server -q --echo 127.0.0.1 {port}",
    ),
    (
        "socat",
        "socat UDP-RECVFROM:{port},bind=127.0.0.1,fork PIPE",
    ),
    ("Python", "python3 {peers}/datagram_echo.py {port}"),
];

const SENDERS: [Candidate; 1] = [(
    "udp-client",
    "{ours}/udp-client 127.0.0.1:{port} -t {length} -w 100ms --rate 1000000000 --json",
)];

const BURST: [Figure; 2] = [Figure("printed/s ↑", ""), Figure("lost ↓", "%")];

const SENDING: [Figure; 1] = [Figure("sent/s ↑", "")];

const OFFERED: [Figure; 2] = [Figure("echoes/s ↑", ""), Figure("not in time ↓", "%")];

const FLOWS: [Figure; 2] = [Figure("client CPU ↓", "s"), Figure("not in time ↓", "%")];

pub(crate) fn experiments(plan: &Plan) -> Vec<Experiment<'_>> {
    vec![
        burst(plan),
        round_trips(plan, 1),
        round_trips(plan, 64),
        offered(plan, "400k messages/s on 1 flow", "--rate 400k"),
        offered(plan, "300k messages/s on 4 flows", "--rate 300k -P 4"),
        many_flows(plan),
        sending(plan),
    ]
}

fn burst(plan: &Plan) -> Experiment<'_> {
    Experiment {
        name: "udp-burst".to_owned(),
        title: format!("UDP, a burst of {} datagrams", DATAGRAMS / plan.divisor),
        figures: &BURST,
        contenders: load::contenders(plan, &RECEIVERS, move |receiver| {
            receive_burst(plan, receiver)
        }),
    }
}

/// 64 bytes each, one send after the other as fast as one thread can; the receiver prints into a file.
fn receive_burst(plan: &Plan, receiver: &Program<'_>) -> Trial {
    let output = plan.scratch()?.join("datagrams");
    let server = receiver.serve_into(Protocol::Udp, File::create(&output)?.into())?;
    let (begun, datagrams) = (Instant::now(), DATAGRAMS / plan.divisor);
    send_burst(server.port, datagrams)?;
    let seconds = last_print(&output)?.duration_since(begun).as_secs_f64();
    // Some print the rest only when they end.
    server.interrupt(plan.patience)?;
    let text = fs::read(&output)?;
    fs::remove_file(output)?;
    let printed = text.windows(MARK.len());
    let printed = printed.filter(|bytes| *bytes == MARK.as_bytes()).count() as f64;
    let lost = 100.0 * (1.0 - printed / datagrams as f64);
    Ok(vec![printed / seconds, lost])
}

fn send_burst(port: u16, count: usize) -> Result<(), Gap> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.connect((Ipv4Addr::LOCALHOST, port))?;
    let padding = ".".repeat(64 - MARK.len() - 8);
    for number in 0..count {
        socket.send(format!("{MARK}{number:08}{padding}").as_bytes())?;
    }
    Ok(())
}

/// When the output grew for the last time.
fn last_print(output: &Path) -> Result<Instant, Gap> {
    let (mut length, mut last) = (0, Instant::now());
    while last.elapsed() < SILENCE {
        thread::sleep(TICK);
        let grown = fs::metadata(output)?.len();
        if grown > length {
            (length, last) = (grown, Instant::now());
        }
    }
    Ok(last)
}

fn round_trips(plan: &Plan, flows: usize) -> Experiment<'_> {
    let measure = move |server: &Program<'_>| load::round_trips(plan, server, Protocol::Udp, flows);
    let mut contenders = load::contenders(plan, &ECHOES, measure);
    if flows == 1 && plan.other.is_none() {
        contenders.push(Contender::new("sockperf, own pair", || sockperf(plan)));
    }
    let plural = if flows == 1 { "" } else { "s" };
    Experiment {
        name: format!("udp-round-trips-{flows}"),
        title: format!("UDP echo, {flows} flow{plural}"),
        figures: &ROUND_TRIPS,
        contenders,
    }
}

/// Its latencies are halves of round trips, in microseconds.
fn sockperf(plan: &Plan) -> Trial {
    let server = Program::of(plan, "sockperf server -i 127.0.0.1 -p {port}");
    let server = server.serve(Protocol::Udp)?;
    let before = server.processor_time();
    let client = "sockperf ping-pong -i 127.0.0.1 -p {port} -t {seconds} -m 64";
    let report = process::finish(server.client(plan, &Program::of(plan, client))?)?;
    let time = server.processor_time() - before;
    let after = |name: &str| {
        let rest = report.split_once(name).map(|(_, rest)| rest.trim_start());
        let number = rest.and_then(|rest| rest.split([';', ' ', '\n']).next()?.parse::<f64>().ok());
        number.ok_or_else(|| Gap(format!("no {name}")))
    };
    let total = after("ReceivedMessages=")?;
    let p99 = 2.0 * after("percentile 99.000 =")? / 1e6;
    Ok(vec![total / after("RunTime=")?, p99, time / total])
}

/// Datagrams of 64 bytes as fast as the sender can, to udp-server and to iperf3's own server. No
/// machine keeps up with the rate that is asked for, and nothing answers.
fn sending(plan: &Plan) -> Experiment<'_> {
    let measure = move |client: &Program<'_>| {
        let server = Program::of(plan, "{ours}/udp-server -q 127.0.0.1 {port}");
        let server = server.serve(Protocol::Udp)?;
        let summary = load::summary(server.client(plan, client)?, Some("check failed"))?;
        Ok(vec![figure(&summary, "/sent")? / plan.length.as_secs_f64()])
    };
    let mut contenders = load::contenders(plan, &SENDERS, measure);
    let iperf = || {
        let report = load::iperf(plan, "-u -l 64 -b 0")?;
        let sent = |key| figure(&report, &format!("/end/sum_sent/{key}"));
        Ok(vec![sent("packets")? / sent("seconds")?])
    };
    if plan.other.is_none() {
        contenders.push(Contender::new("iperf3 -u -b 0", iperf));
    }
    Experiment {
        name: "udp-sending".to_owned(),
        title: "UDP sending, 1 flow".to_owned(),
        figures: &SENDING,
        contenders,
    }
}

/// More than a closed loop asks for: trains that are echoed as trains.
fn offered<'a>(plan: &'a Plan, load: &'static str, options: &'static str) -> Experiment<'a> {
    let measure = move |server: &Program<'_>| {
        let (summary, _) = offer(plan, server, options)?;
        let rate = figure(&summary, "/messages_per_s")?;
        Ok(vec![rate, 100.0 - figure(&summary, "/in_time_percent")?])
    };
    Experiment {
        name: format!("udp-offered-{}", load.replace([' ', '/'], "-")),
        title: format!("UDP echo of {load}"),
        figures: &OFFERED,
        contenders: load::contenders(plan, &ECHOES[..1], measure),
    }
}

/// The same messages on few flows and on many.
fn many_flows(plan: &Plan) -> Experiment<'_> {
    let contender = |name, options| {
        Contender::new(name, move || {
            let server = Program::of(plan, ECHOES[0].1);
            let (summary, time) = offer(plan, &server, options)?;
            Ok(vec![time, 100.0 - figure(&summary, "/in_time_percent")?])
        })
    };
    Experiment {
        name: "udp-many-flows".to_owned(),
        title: "UDP, 1000 messages/s in all".to_owned(),
        figures: &FLOWS,
        contenders: vec![
            contender("2000 flows", "--rate 1000 -P 2000"),
            contender("20 flows", "--rate 1000 -P 20"),
        ],
    }
}

/// The summary of the client, and its processor time.
fn offer(plan: &Plan, server: &Program<'_>, options: &str) -> Result<(Value, f64), Gap> {
    let server = server.serve(Protocol::Udp)?;
    let client = format!("{{ours}}/udp-client 127.0.0.1:{{port}} -t {{length}} {options} --json");
    let before = children_time()?;
    let client = server.client(plan, &Program::of(plan, &client))?;
    let summary = load::summary(client, None)?;
    Ok((summary, children_time()? - before))
}

/// Processor time of the children that have ended.
fn children_time() -> Result<f64, Gap> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).map_err(std::io::Error::from)?;
    let times = [usage.user_time(), usage.system_time()];
    Ok(times
        .iter()
        .map(|time| time.num_microseconds() as f64 / 1e6)
        .sum())
}
