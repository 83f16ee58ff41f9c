//! Sending: datagrams of 64 bytes a second, to a receiver of one's own house that reads them all.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use crate::experiment::{Better, Contender, Experiment, Figure, Gap, Trial, Unit};
use crate::plan::Plan;
use crate::process;
use crate::programs::Programs;
use crate::sockets::{Listening, Protocol};
use crate::tcp::iperf;

const SIZE: &str = "64";

const FIGURES: [Figure; 1] = [Figure {
    key: "sent_per_s",
    label: "sent/s",
    unit: Unit::PerSecond,
    better: Better::More,
}];

pub(crate) fn experiment(programs: &Programs, plan: &Plan) -> Experiment {
    let (ours, plan) = (programs.clone(), *plan);
    let peer = programs.has("iperf3");
    let peer = peer.then(|| Contender::new("iperf3 -u -b 0", move || iperf3(&plan)));
    Experiment {
        name: "udp-sending".to_owned(),
        title: "UDP sending, 1 flow".to_owned(),
        method: format!(
            "Datagrams of {SIZE} bytes, as fast as the sender can, to udp-server and to iperf3's own server."
        ),
        figures: FIGURES.to_vec(),
        ours: Contender::new("udp-client", move || udp_client(&ours, &plan)),
        peers: peer.into_iter().collect(),
    }
}

fn iperf3(plan: &Plan) -> Trial {
    let server = iperf::serve()?;
    let report = iperf::client_report(&server, &["-u", "-l", SIZE, "-b", "0"], plan)?;
    let sent = iperf::figure(&report, "/end/sum_sent/packets")?;
    Ok(vec![
        sent / iperf::figure(&report, "/end/sum_sent/seconds")?,
    ])
}

fn udp_client(programs: &Programs, plan: &Plan) -> Trial {
    let server = Listening::start(Protocol::Udp, |port| {
        let mut command = programs.built("udp-server");
        command.args(["-q", "127.0.0.1", &port.to_string()]);
        command
    })?;
    let mut client = programs.built("udp-client");
    client.args(["127.0.0.1", &server.address.port().to_string()]);
    match measures(programs, plan)? {
        true => measured(client, plan),
        false => lines(client, &programs.scratch(), plan),
    }
}

/// Whether this build of `udp-client` can measure.
fn measures(programs: &Programs, plan: &Plan) -> Result<bool, Gap> {
    let mut client = programs.built("udp-client");
    client.arg("--help");
    let help = process::output(client, plan.patience)?;
    Ok(help.contains("--rate"))
}

/// No machine keeps up with the rate that is asked for.
fn measured(mut client: Command, plan: &Plan) -> Trial {
    let seconds = plan.length.as_secs_f64();
    client.args([
        "-J",
        "-l",
        SIZE,
        "--rate",
        "1000000000",
        "-t",
        &format!("{seconds}s"),
        "-w",
        "100ms",
    ]);
    let events = process::output(client, plan.length + 2 * plan.patience)?;
    let events = events
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    let mut summaries = events.filter(|event: &serde_json::Value| event["event"] == "summary");
    let sent = summaries
        .next()
        .and_then(|summary| summary["sent"].as_f64());
    let sent = sent.ok_or_else(|| Gap::Failed("no summary".to_owned()))?;
    Ok(vec![sent / seconds])
}

/// A client that cannot measure sends the lines of a file; its start counts too.
fn lines(mut client: Command, scratch: &Path, plan: &Plan) -> Trial {
    let burst = file(scratch, plan.burst)?;
    client.arg("--lines").arg("--file").arg(&burst);
    let begun = Instant::now();
    process::output(client, plan.length + 2 * plan.patience)?;
    let rate = plan.burst as f64 / begun.elapsed().as_secs_f64();
    fs::remove_file(burst)?;
    Ok(vec![rate])
}

fn file(scratch: &Path, datagrams: usize) -> Result<PathBuf, Gap> {
    let mut text = String::new();
    for number in 0..datagrams {
        writeln!(text, "{number:064}").map_err(|error| Gap::Failed(error.to_string()))?;
    }
    fs::create_dir_all(scratch)?;
    let path = scratch.join("lines");
    fs::write(&path, text)?;
    Ok(path)
}
