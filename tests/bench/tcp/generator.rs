//! The load that tcp-client makes, beside a loop that does nothing but write and read: what it
//! verifies and measures must not make it the bottleneck.

use serde_json::Value;

use crate::experiment::{Better, Contender, Experiment, Figure, Gap, Trial, Unit};
use crate::plan::Plan;
use crate::process;
use crate::programs::Programs;
use crate::tcp::servers;

/// One kind of load.
#[derive(Clone, Copy)]
struct Load {
    /// As `bare-loop` calls it.
    name: &'static str,
    title: &'static str,
    method: &'static str,
    /// What makes tcp-client measure it.
    options: &'static [&'static str],
    /// Its place in tcp-client's summary.
    key: &'static str,
    figure: Figure,
}

const LOADS: [Load; 2] = [
    Load {
        name: "round-trips",
        title: "Load of tcp-client, 64 connections",
        method: "Round trips of 64 bytes to tcp-server. The bare loop has a thread for each connection as well; it \
            neither compares replies nor looks at a clock.",
        options: &["-P", "64", "-l", "64"],
        key: "messages_per_s",
        figure: Figure {
            key: "per_s",
            label: "round trips/s",
            unit: Unit::PerSecond,
            better: Better::More,
        },
    },
    Load {
        name: "stream",
        title: "Load of tcp-client, 1 stream",
        method: "Full duplex through tcp-server. The bare loop writes the same bytes over and over on one thread and \
            throws away what it reads on another.",
        options: &["--stream"],
        key: "bytes_per_s",
        figure: Figure {
            key: "bytes_per_s",
            label: "echoed",
            unit: Unit::BytesPerSecond,
            better: Better::More,
        },
    },
];

pub(crate) fn experiments(programs: &Programs, plan: &Plan) -> Vec<Experiment> {
    let experiment = |load| experiment(programs, *plan, load);
    LOADS.into_iter().map(experiment).collect()
}

fn experiment(programs: &Programs, plan: Plan, load: Load) -> Experiment {
    let (ours, bare) = (programs.clone(), programs.clone());
    Experiment {
        name: format!("generator-{}", load.name),
        title: load.title.to_owned(),
        method: load.method.to_owned(),
        figures: vec![load.figure],
        ours: Contender::new("tcp-client", move || tcp_client(&ours, &plan, &load)),
        peers: vec![Contender::new("bare loop", move || {
            bare_loop(&bare, &plan, &load)
        })],
    }
}

fn tcp_client(programs: &Programs, plan: &Plan, load: &Load) -> Trial {
    let server = servers::ours(programs).start()?;
    let mut command = programs.built("tcp-client");
    let time = format!("{}s", plan.length.as_secs_f64());
    command.args(["-J", &server.address.to_string(), "-t", &time]);
    command.args(load.options);
    let events = process::output(command, plan.length + 2 * plan.patience)?;
    figure_of_summary(&events, load.key)
}

fn bare_loop(programs: &Programs, plan: &Plan, load: &Load) -> Trial {
    let server = servers::ours(programs).start()?;
    let mut command = programs.built("bare-loop");
    let seconds = plan.length.as_secs_f64().to_string();
    command.args([load.name, &server.address.to_string(), &seconds]);
    let text = process::output(command, plan.length + 2 * plan.patience)?;
    let figure = text.trim().parse();
    let figure = figure.map_err(|_| Gap::Failed("no figure".to_owned()))?;
    Ok(vec![figure])
}

fn figure_of_summary(events: &str, key: &str) -> Trial {
    let events = events
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    let mut summaries = events.filter(|event: &Value| event["event"] == "summary");
    let figure = summaries.next().and_then(|summary| summary[key].as_f64());
    let figure = figure.ok_or_else(|| Gap::Failed("no summary".to_owned()))?;
    Ok(vec![figure])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figure_is_the_summary_s_and_no_interval_s() {
        let events =
            "{\"event\":\"interval\",\"per_s\":1.0}\n{\"event\":\"summary\",\"per_s\":2.5}\n";
        assert_eq!(figure_of_summary(events, "per_s"), Ok(vec![2.5]));
    }

    #[test]
    fn a_client_that_fails_has_no_figure() {
        let events = "{\"event\":\"error\",\"kind\":\"refused\"}\n";
        let gap = Gap::Failed("no summary".to_owned());
        assert_eq!(figure_of_summary(events, "per_s"), Err(gap));
    }
}
