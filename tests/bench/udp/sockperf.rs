//! sockperf's own server and client, as a reference for round trips.

use std::path::Path;

use crate::experiment::{Contender, Gap, Trial};
use crate::plan::Plan;
use crate::process;
use crate::programs::command;
use crate::sockets::{Listening, Protocol};

pub(crate) fn pair(plan: Plan) -> Contender {
    Contender::new("sockperf, own pair", move || measure(&plan))
}

fn measure(plan: &Plan) -> Trial {
    let server = Listening::start(Protocol::Udp, |port| {
        let mut command = command(Path::new("sockperf"));
        command.args(["server", "-i", "127.0.0.1", "-p", &port.to_string()]);
        command
    })?;
    let mut client = command(Path::new("sockperf"));
    let port = server.address.port().to_string();
    let seconds = plan.length.as_secs_f64().ceil().to_string();
    client.args([
        "ping-pong",
        "-i",
        "127.0.0.1",
        "-p",
        &port,
        "-t",
        &seconds,
        "-m",
        "64",
    ]);
    let report = process::output(client, plan.length + 2 * plan.patience)?;
    figures(&report).ok_or_else(|| Gap::Failed("sockperf says something else".to_owned()))
}

/// Its latencies are halves of round trips, in microseconds.
fn figures(report: &str) -> Option<Vec<f64>> {
    let valid = report
        .lines()
        .find(|line| line.contains("[Valid Duration]"))?;
    let rate = after(valid, "ReceivedMessages=")? / after(valid, "RunTime=")?;
    let percentile = |name: &str| Some(after(report, name)? * 2.0 / 1e6);
    Some(vec![
        rate,
        percentile("percentile 50.000 =")?,
        percentile("percentile 99.000 =")?,
    ])
}

/// The number that follows `name`.
fn after(text: &str, name: &str) -> Option<f64> {
    let (_, rest) = text.split_once(name)?;
    let word = rest.split_whitespace().next()?;
    word.trim_end_matches(';').parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &str = "\
sockperf: [Total Run] RunTime=1.000 sec; Warm up time=400 msec; SentMessages=32210; ReceivedMessages=32209
sockperf: [Valid Duration] RunTime=0.500 sec; SentMessages=18990; ReceivedMessages=18990
sockperf: ---> percentile 99.900 = 2220.674
sockperf: ---> percentile 99.000 =   23.000
sockperf: ---> percentile 50.000 =    7.500
";

    #[test]
    fn round_trips_are_read_from_the_valid_part_and_doubled() {
        assert_eq!(figures(REPORT), Some(vec![37_980.0, 15e-6, 46e-6]));
    }

    #[test]
    fn a_report_without_percentiles_has_no_figures() {
        assert_eq!(figures("sockperf: ERROR: no messages"), None);
    }
}
