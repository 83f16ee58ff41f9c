//! The measuring options of both clients.

use std::ops::RangeInclusive;
use std::time::Duration;

use clap::Args;

use crate::bounds::Bounds;
use crate::plan::Plan;
use crate::schedule::Schedule;
use netcommon::cli::parse_wait;
use netcommon::error::Error;
use netcommon::units::{parse_duration, parse_size};

/// As many as one address has ports for, nearly.
const MOST_FLOWS: i64 = 60_000;

/// A reply that takes longer is late, where the user says nothing.
const DEFAULT_WAIT: Duration = Duration::from_secs(2);

/// Bytes of a message, unless asked otherwise: those of ping(8), with its header.
const DEFAULT_LENGTH: usize = 64;

/// ping(8)'s pace.
const DEFAULT_INTERVAL: Duration = Duration::from_secs(1);

/// The measuring options: load, duration and bounds.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Measuring")]
#[group(conflicts_with = "explain")]
pub struct MeasureArgs {
    /// Send N messages on each flow, one a second unless -i or --rate says otherwise
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// Send a message on each flow every DUR, and print a line for each reply; 0 is as soon as the last reply is there
    #[arg(short, long, value_name = "DUR", value_parser = parse_duration, conflicts_with = "rate")]
    interval: Option<Duration>,
    /// End after DUR, connecting included; without -c, -i and --rate, send as soon as the last reply is there
    #[arg(short, long, value_name = "DUR", value_parser = parse_wait)]
    time: Option<Duration>,
    /// Bytes of a message [default: 64]
    #[arg(short, long, value_name = "SIZE", value_parser = parse_size)]
    length: Option<usize>,
    /// Flows at once: connections of TCP, source ports of UDP [default: 1]
    #[arg(short = 'P', long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=MOST_FLOWS))]
    parallel: Option<u16>,
    /// Send N messages a second on all flows together (0.5, 200, 10k, 1M); latency counts from when a message was due
    #[arg(long, value_name = "N", value_parser = parse_rate)]
    rate: Option<Rate>,
    /// Print a line with what was decided every DUR
    #[arg(long, value_name = "DUR", value_parser = parse_wait)]
    report: Option<Duration>,
    /// Fail when more than PERCENT of the messages that were due were not answered rightly and within -w
    #[arg(long, value_name = "PERCENT", value_parser = parse_percent)]
    max_loss: Option<f64>,
    /// Fail when the 99th percentile of the round trips of all messages that were due (the longest, of
    /// less than 100) is over DUR; one without a right answer is endless
    #[arg(long, value_name = "DUR", value_parser = parse_duration)]
    max_p99: Option<Duration>,
}

impl MeasureArgs {
    /// The plan that was asked for, with messages of `lengths` bytes, or `None` when the program is to do
    /// something else.
    ///
    /// # Errors
    ///
    /// A report or a bound when nothing is measured, and a length that no message has, are usage errors.
    pub fn plan(
        &self,
        wait: Option<Duration>,
        lengths: RangeInclusive<usize>,
    ) -> Result<Option<Plan>, Error> {
        if !self.is_requested() {
            return self.check_unused().map(|()| None);
        }
        let length = self.checked_length(DEFAULT_LENGTH, lengths)?;
        Ok(Some(self.with_schedule(self.schedule(), length, wait)))
    }

    /// The same for throughput: as fast as the path takes it, in messages of `length` bytes unless
    /// asked otherwise.
    ///
    /// # Errors
    ///
    /// A length that no message has.
    pub fn stream_plan(
        &self,
        wait: Option<Duration>,
        length: usize,
        lengths: RangeInclusive<usize>,
    ) -> Result<Plan, Error> {
        let length = self.checked_length(length, lengths)?;
        Ok(self.with_schedule(Schedule::Unpaced, length, wait))
    }

    fn with_schedule(&self, schedule: Schedule, length: usize, wait: Option<Duration>) -> Plan {
        Plan {
            count: self.count,
            time: self.time,
            length,
            flows: self.parallel.unwrap_or(1),
            schedule,
            shows_replies: matches!(schedule, Schedule::Clock { .. }) && self.rate.is_none(),
            report: self.report,
            bounds: self.bounds(),
            wait: wait.unwrap_or(DEFAULT_WAIT),
        }
    }

    fn checked_length(
        &self,
        default: usize,
        lengths: RangeInclusive<usize>,
    ) -> Result<usize, Error> {
        let length = self.length.unwrap_or(default);
        if lengths.contains(&length) {
            return Ok(length);
        }
        Err(Error::usage(format!(
            "--length {length}: a message has {} to {} bytes",
            lengths.start(),
            lengths.end()
        )))
    }

    fn is_requested(&self) -> bool {
        self.count.is_some()
            || self.interval.is_some()
            || self.time.is_some()
            || self.length.is_some()
            || self.parallel.is_some()
            || self.rate.is_some()
    }

    fn check_unused(&self) -> Result<(), Error> {
        let unused = [
            (self.report.is_some(), "--report"),
            (self.max_loss.is_some(), "--max-loss"),
            (self.max_p99.is_some(), "--max-p99"),
        ];
        match unused.iter().find(|(given, _)| *given) {
            Some((_, option)) => Err(Error::usage(format!(
                "{option} needs something to measure: give -c, -i, -t, -l, -P or --rate"
            ))),
            None => Ok(()),
        }
    }

    fn schedule(&self) -> Schedule {
        let flows = self.parallel.unwrap_or(1);
        match (self.rate, self.interval) {
            (Some(Rate(rate)), _) => Schedule::rate(rate),
            (None, Some(interval)) if interval.is_zero() => Schedule::Replies,
            (None, Some(interval)) => Schedule::interval(interval, flows),
            (None, None) if self.time.is_some() && self.count.is_none() => Schedule::Replies,
            (None, None) => Schedule::interval(DEFAULT_INTERVAL, flows),
        }
    }

    fn bounds(&self) -> Bounds {
        Bounds {
            max_loss: self.max_loss,
            max_p99: self.max_p99,
        }
    }
}

/// Messages in a thousand seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rate(u64);

/// Parses a number of messages a second, from 0.001 to a billion: `0.5`, `200`, `10k`, `1M`.
fn parse_rate(input: &str) -> Result<Rate, String> {
    let (number, factor) = match input.strip_suffix(['k', 'K']) {
        Some(number) => (number, 1e3),
        None => input
            .strip_suffix('M')
            .map_or((input, 1.0), |number| (number, 1e6)),
    };
    let is_plain = number
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.');
    let rate = number.parse::<f64>().ok().filter(|_| is_plain);
    match rate.map(|rate| rate * factor) {
        Some(rate) if (0.001..=1e9).contains(&rate) => Ok(Rate((rate * 1e3).round() as u64)),
        _ => Err(format!(
            "'{input}' is not a rate; write messages a second, 0.001 to 1000M, like 0.5, 200 or 10k"
        )),
    }
}

fn parse_percent(input: &str) -> Result<f64, String> {
    match input.strip_suffix('%').unwrap_or(input).parse() {
        Ok(percent) if (0.0..=100.0).contains(&percent) => Ok(percent),
        _ => Err(format!(
            "'{input}' is not a percentage; write 0 to 100, like 0.5"
        )),
    }
}

/// The plan of a command line, for the tests of those that work with one.
#[cfg(test)]
pub(crate) fn measured_plan(arguments: &[&str]) -> Plan {
    tests::plan(arguments)
        .expect("a sound command line")
        .expect("a measuring option")
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser, Debug)]
    struct Cli {
        #[command(flatten)]
        measure: MeasureArgs,
        /// The programs have it, and it conflicts with measuring.
        #[arg(long)]
        explain: bool,
    }

    pub(super) fn plan(arguments: &[&str]) -> Result<Option<Plan>, Error> {
        let arguments = std::iter::once(&"client").chain(arguments);
        Cli::try_parse_from(arguments)
            .expect("arguments that clap takes")
            .measure
            .plan(None, 1..=1000)
    }

    fn schedule(arguments: &[&str]) -> Schedule {
        plan(arguments).unwrap().unwrap().schedule
    }

    #[test]
    fn without_a_measuring_option_nothing_is_measured() {
        assert!(plan(&[]).unwrap().is_none());
        for arguments in [["--report", "1"], ["--max-loss", "1"], ["--max-p99", "1"]] {
            let error = plan(&arguments).unwrap_err().to_string();
            assert!(error.contains(arguments[0]), "{error}");
        }
    }

    #[test]
    fn the_schedule_is_ping_s_unless_asked_otherwise() {
        let second = Duration::from_secs(1);
        assert_eq!(schedule(&["-c", "3"]), Schedule::interval(second, 1));
        assert_eq!(schedule(&["-l", "3"]), Schedule::interval(second, 1));
        assert_eq!(
            schedule(&["-c", "3", "-t", "9"]),
            Schedule::interval(second, 1)
        );
        assert_eq!(schedule(&["-P", "3"]), Schedule::interval(second, 3));
        assert_eq!(
            schedule(&["-t", "3", "-i", "10ms"]),
            Schedule::interval(second / 100, 1)
        );
        assert_eq!(schedule(&["-t", "3"]), Schedule::Replies);
        assert_eq!(schedule(&["-c", "3", "-i", "0"]), Schedule::Replies);
        assert_eq!(
            schedule(&["-t", "3", "--rate", "500"]),
            Schedule::rate(500_000)
        );
    }

    #[test]
    fn replies_are_shown_at_an_interval_alone() {
        let shows = |arguments: &[&str]| plan(arguments).unwrap().unwrap().shows_replies;
        assert!(shows(&["-c", "3"]));
        assert!(!shows(&["-c", "3", "-i", "0"]));
        assert!(!shows(&["-t", "3"]));
        assert!(!shows(&["-c", "3", "--rate", "5"]));
    }

    #[test]
    fn rates_are_fractions_or_thousands_too() {
        for (input, per_thousand_seconds) in [
            ("0.5", 500),
            ("200", 200_000),
            ("10k", 10_000_000),
            ("1.5M", 1_500_000_000),
            (".001", 1),
        ] {
            assert_eq!(parse_rate(input), Ok(Rate(per_thousand_seconds)), "{input}");
        }
        for input in ["", "0", "k", "-1", "1e3", "2000M", "inf", "fast", "0.0001"] {
            assert!(
                parse_rate(input)
                    .unwrap_err()
                    .contains(&format!("'{input}'"))
            );
        }
    }

    #[test]
    fn percentages_are_0_to_100() {
        assert_eq!(parse_percent("0.5"), Ok(0.5));
        assert_eq!(parse_percent("100%"), Ok(100.0));
        for input in ["", "%", "-1", "101", "nan", "inf", "much"] {
            assert!(
                parse_percent(input)
                    .unwrap_err()
                    .contains(&format!("'{input}'"))
            );
        }
    }
}
