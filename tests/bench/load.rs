//! The programs that are measured, and the reports of those that make the load.

use std::path::Path;
use std::process::Child;

use serde_json::Value;

use crate::experiment::{Contender, Figure, Gap, Trial};
use crate::plan::Plan;
use crate::process::{Program, Protocol, finish};

/// A server, or a sender, by its name and its command line.
pub(crate) type Candidate = (&'static str, &'static str);

pub(crate) const ROUND_TRIPS: [Figure; 3] = [
    Figure("round trips/s ↑", ""),
    Figure("p99 ↓", "s"),
    Figure("server CPU each ↓", "s"),
];

/// Ours, the first candidate, beside the same of the other build, or else beside all.
pub(crate) fn contenders<'a>(
    plan: &'a Plan,
    candidates: &[Candidate],
    measure: impl Fn(&Program<'_>) -> Trial + Copy + 'a,
) -> Vec<Contender<'a>> {
    let contender =
        |name, ours: &'a Path, line| Contender::new(name, move || measure(&Program { ours, line }));
    let all = candidates.iter();
    let mut all: Vec<_> = all
        .map(|(name, line)| contender(*name, &plan.ours, line))
        .collect();
    if let Some(other) = &plan.other {
        all.truncate(1);
        all.push(contender("other build", other, candidates[0].1));
    }
    all
}

/// Round trips of 64 bytes: each flow waits for its echo before it sends the next.
pub(crate) fn round_trips(
    plan: &Plan,
    server: &Program<'_>,
    protocol: Protocol,
    flows: usize,
) -> Trial {
    let client = match protocol {
        Protocol::Tcp => "{ours}/tcp-client",
        Protocol::Udp => "{ours}/udp-client",
    };
    let server = server.serve(protocol)?;
    let before = server.processor_time();
    let options = format!("127.0.0.1:{{port}} -t {{length}} -w {{patience}} -P {flows} --json");
    let client = format!("{client} {options}");
    let summary = summary(server.client(plan, &Program::of(plan, &client))?, None)?;
    let time = server.processor_time() - before;
    let [rate, p99, received] =
        ["/messages_per_s", "/rtt_p99_s", "/received"].map(|key| figure(&summary, key));
    Ok(vec![rate?, p99?, time / received?])
}

/// The summary of one of our clients; a failure of another kind than `expected` is told instead.
pub(crate) fn summary(client: Child, expected: Option<&str>) -> Result<Value, Gap> {
    let text = finish(client)?;
    let events = text.lines().map(serde_json::from_str);
    let events: Vec<Value> = events.collect::<Result<_, _>>()?;
    let find = |name| events.iter().find(|event| event["event"] == name);
    let failure = find("error").and_then(|error| error["kind"].as_str());
    if let Some(kind) = failure.filter(|kind| Some(*kind) != expected) {
        return Err(Gap(kind.to_owned()));
    }
    find("summary").cloned().ok_or(Gap("no summary".to_owned()))
}

/// The report of iperf3's client, against its own server.
pub(crate) fn iperf(plan: &Plan, options: &str) -> Result<Value, Gap> {
    let server = Program::of(plan, "iperf3 -s -B 127.0.0.1 -p {port}");
    let server = server.serve(Protocol::Tcp)?;
    let line = format!("iperf3 -c 127.0.0.1 -p {{port}} -t {{seconds}} -J {options}");
    Ok(serde_json::from_str(&finish(
        server.client(plan, &Program::of(plan, &line))?,
    )?)?)
}

/// A number in a report, by its JSON pointer (RFC 6901).
pub(crate) fn figure(report: &Value, place: &str) -> Result<f64, Gap> {
    let figure = report.pointer(place).and_then(Value::as_f64);
    figure.ok_or_else(|| Gap(format!("no {place} in the report")))
}
