//! iperf3 one way: no echo moves more bytes than the machine does.

use std::path::Path;

use crate::experiment::{Contender, Gap, Trial};
use crate::plan::Plan;
use crate::process;
use crate::programs::command;
use crate::sockets::{Listening, Protocol};

pub(crate) fn one_way(streams: usize, plan: Plan) -> Contender {
    Contender::new("iperf3, one way", move || measure(streams, &plan))
}

fn measure(streams: usize, plan: &Plan) -> Trial {
    let server = serve()?;
    let before = server.running.processor_time();
    let report = client_report(&server, &["-P", &streams.to_string()], plan)?;
    let time = (server.running.processor_time() - before).as_secs_f64();
    let bytes = figure(&report, "/end/sum_received/bytes")?;
    let bits = figure(&report, "/end/sum_received/bits_per_second")?;
    Ok(vec![bits / 8.0, time / (bytes / 1e9)])
}

pub(crate) fn serve() -> Result<Listening, Gap> {
    Listening::start(Protocol::Tcp, |port| {
        let mut command = command(Path::new("iperf3"));
        command.args(["-s", "-p", &port.to_string()]);
        command
    })
}

/// What iperf3's client says in JSON, after so many whole seconds as the plan has.
pub(crate) fn client_report(
    server: &Listening,
    options: &[&str],
    plan: &Plan,
) -> Result<serde_json::Value, Gap> {
    let seconds = plan.length.as_secs_f64().ceil();
    let mut command = command(Path::new("iperf3"));
    let (host, port) = (
        server.address.ip().to_string(),
        server.address.port().to_string(),
    );
    command.args(["-c", &host, "-p", &port, "-t", &seconds.to_string(), "-J"]);
    command.args(options);
    let text = process::output(command, plan.length + 2 * plan.patience)?;
    serde_json::from_str(&text).map_err(|error| Gap::Failed(format!("iperf3: {error}")))
}

pub(crate) fn figure(report: &serde_json::Value, place: &str) -> Result<f64, Gap> {
    let figure = report.pointer(place).and_then(serde_json::Value::as_f64);
    figure.ok_or_else(|| Gap::Failed(format!("no {place} in the report")))
}
