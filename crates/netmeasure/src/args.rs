//! The measuring options of both clients.

use std::ops::RangeInclusive;
use std::time::Duration;

use clap::Args;

use crate::{Bounds, Pace, Plan};
use netcommon::cli::parse_wait;
use netcommon::error::Error;
use netcommon::units::{parse_duration, parse_size};

/// Threads and descriptors that a client may ask of any machine.
const MOST_FLOWS: i64 = 4096;

/// Bytes of a message, unless asked otherwise: those of ping(8), with its header.
const DEFAULT_LENGTH: usize = 64;

/// ping(8)'s pace.
const DEFAULT_INTERVAL: Duration = Duration::from_secs(1);

/// What to measure, for how long, and what is good enough.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Measuring")]
pub struct MeasureArgs {
    /// Send N messages on each flow, one a second unless -i or --rate says otherwise
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// Send a message on each flow every DUR, and print a line for each reply; 0 is as soon as the last reply is there
    #[arg(short, long, value_name = "DUR", value_parser = parse_duration, conflicts_with = "rate")]
    interval: Option<Duration>,
    /// End after DUR; without -c, -i and --rate, send as soon as the last reply is there
    #[arg(short, long, value_name = "DUR", value_parser = parse_wait)]
    time: Option<Duration>,
    /// Bytes of a message [default: 64]
    #[arg(short, long, value_name = "SIZE", value_parser = parse_size)]
    length: Option<usize>,
    /// Flows at once: connections of TCP, source ports of UDP [default: 1]
    #[arg(short = 'P', long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=MOST_FLOWS))]
    parallel: Option<u16>,
    /// Send N messages a second on all flows together; latency counts from when a message was due
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    rate: Option<u64>,
    /// Print a line with what has passed every DUR
    #[arg(long, value_name = "DUR", value_parser = parse_wait)]
    report: Option<Duration>,
    /// Fail when more than PERCENT of the messages are lost: not answered within -w, or within 2s after
    /// the last was sent
    #[arg(long, value_name = "PERCENT", value_parser = parse_percent)]
    max_loss: Option<f64>,
    /// Fail when the 99th percentile of the round trips (the longest, of less than 100) is over DUR
    #[arg(long, value_name = "DUR", value_parser = parse_duration)]
    max_p99: Option<Duration>,
}

impl MeasureArgs {
    /// What was asked for, with messages of `lengths` bytes, or `None` when the program is to do
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
        Ok(Some(self.with_pace(self.pace(), length, wait)))
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
        Ok(self.with_pace(Pace::Unpaced, length, wait))
    }

    fn with_pace(&self, pace: Pace, length: usize, wait: Option<Duration>) -> Plan {
        Plan {
            count: self.count,
            time: self.time,
            length,
            flows: self.parallel.unwrap_or(1),
            pace,
            shows_replies: matches!(pace, Pace::Clock { .. }) && self.rate.is_none(),
            report: self.report,
            bounds: self.bounds(),
            wait,
        }
    }

    fn checked_length(
        &self,
        default: usize,
        lengths: RangeInclusive<usize>,
    ) -> Result<usize, Error> {
        let length = self.length.unwrap_or(default);
        match lengths.contains(&length) {
            true => Ok(length),
            false => Err(Error::usage(format!(
                "--length {length}: a message has {} to {} bytes",
                lengths.start(),
                lengths.end()
            ))),
        }
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

    fn pace(&self) -> Pace {
        let flows = self.parallel.unwrap_or(1);
        match (self.rate, self.interval) {
            (Some(rate), _) => Pace::rate(rate),
            (None, Some(interval)) if interval.is_zero() => Pace::Replies,
            (None, Some(interval)) => Pace::interval(interval, flows),
            (None, None) if self.time.is_some() && self.count.is_none() => Pace::Replies,
            (None, None) => Pace::interval(DEFAULT_INTERVAL, flows),
        }
    }

    fn bounds(&self) -> Bounds {
        Bounds {
            max_loss: self.max_loss,
            max_p99: self.max_p99,
        }
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
    }

    pub(super) fn plan(arguments: &[&str]) -> Result<Option<Plan>, Error> {
        let arguments = std::iter::once(&"client").chain(arguments);
        Cli::try_parse_from(arguments)
            .expect("arguments that clap takes")
            .measure
            .plan(None, 1..=1000)
    }

    fn pace(arguments: &[&str]) -> Pace {
        plan(arguments).unwrap().unwrap().pace
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
    fn the_pace_is_ping_s_unless_asked_otherwise() {
        let second = Duration::from_secs(1);
        assert_eq!(pace(&["-c", "3"]), Pace::interval(second, 1));
        assert_eq!(pace(&["-l", "3"]), Pace::interval(second, 1));
        assert_eq!(pace(&["-c", "3", "-t", "9"]), Pace::interval(second, 1));
        assert_eq!(pace(&["-P", "3"]), Pace::interval(second, 3));
        assert_eq!(
            pace(&["-t", "3", "-i", "10ms"]),
            Pace::interval(second / 100, 1)
        );
        assert_eq!(pace(&["-t", "3"]), Pace::Replies);
        assert_eq!(pace(&["-c", "3", "-i", "0"]), Pace::Replies);
        assert_eq!(pace(&["-t", "3", "--rate", "500"]), Pace::rate(500));
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
