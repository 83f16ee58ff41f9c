//! Bounds on loss and latency.

use std::time::Duration;

use netcommon::units::{show_duration, without_zeros};
use netcommon::{Error, ErrorKind};

use crate::counts::{Counts, percent};
use crate::statistics::Latencies;

/// The user's bounds on a measurement, judged over everything that was due.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Bounds {
    /// The share of the messages that were not answered rightly and in time, in percent.
    pub max_loss: Option<f64>,
    /// The 99th percentile of the round trips; one that is missing is endless.
    pub max_p99: Option<Duration>,
}

impl Bounds {
    /// Judges a measurement.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::CheckFailed`], with each broken bound, its value and its limit.
    pub fn check(&self, counts: &Counts, latencies: &Latencies) -> Result<(), Error> {
        let broken: Vec<String> = [self.check_loss(counts), self.check_p99(counts, latencies)]
            .into_iter()
            .flatten()
            .collect();
        if broken.is_empty() {
            return Ok(());
        }
        let message = format!("check failed: {}", broken.join("; "));
        Err(Error::new(ErrorKind::CheckFailed, message))
    }

    fn check_loss(&self, counts: &Counts) -> Option<String> {
        let limit = self.max_loss?;
        let (missed, due) = (counts.missed(), counts.due());
        (percent(missed, due) > limit).then(|| {
            let share = exact_percent(missed, due, limit);
            format!(
                "--max-loss: {share}% ({missed} of {due} messages) were not answered rightly and in \
                 time, the limit is {limit}%"
            )
        })
    }

    /// By nearest rank over all that was due: of fewer than 100, the longest.
    fn check_p99(&self, counts: &Counts, latencies: &Latencies) -> Option<String> {
        let limit = self.max_p99?;
        let shown = show_duration(limit);
        let (due, answered) = (counts.due(), latencies.count());
        if due == 0 {
            return Some(format!(
                "--max-p99: there is no round trip to hold against the limit of {shown}"
            ));
        }
        let rank = (due * 99).div_ceil(100);
        let Some(p99) = latencies.at_rank(rank) else {
            let missing = due - answered.min(due);
            return Some(format!(
                "--max-p99: {missing} of {due} messages have no right answer, the limit is {shown}"
            ));
        };
        (p99 > limit).then(|| {
            let p99 = show_duration(p99);
            format!("--max-p99: the 99th percentile is {p99}, the limit is {shown}")
        })
    }
}

/// With as many digits as it takes to tell it from its limit.
fn exact_percent(part: u64, whole: u64, limit: f64) -> String {
    let share = percent(part, whole);
    (3..12)
        .map(|digits| format!("{share:.digits$}"))
        .find(|text| text.parse::<f64>().is_ok_and(|value| value > limit))
        .map_or_else(|| share.to_string(), |text| without_zeros(&text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(sent: u64, received: u64, unsent: u64, in_flight: u64) -> Counts {
        Counts {
            sent,
            received,
            unsent,
            in_flight,
            lost: sent - received - in_flight,
            ..Counts::default()
        }
    }

    fn latencies(millis: impl IntoIterator<Item = u64>) -> Latencies {
        let mut latencies = Latencies::default();
        for ms in millis {
            latencies.record(Duration::from_millis(ms));
        }
        latencies
    }

    fn broken(
        max_loss: Option<f64>,
        max_p99: Option<u64>,
        counts: Counts,
        latencies: &Latencies,
    ) -> Option<String> {
        let max_p99 = max_p99.map(Duration::from_millis);
        let bounds = Bounds { max_loss, max_p99 };
        bounds.check(&counts, latencies).err().map(|error| {
            assert_eq!(error.kind(), ErrorKind::CheckFailed);
            error.to_string()
        })
    }

    #[test]
    fn a_bound_holds_up_to_its_limit() {
        let (counts, trips) = (counts(100, 99, 0, 0), latencies([5; 99]));
        assert_eq!(broken(None, None, counts, &trips), None);
        assert_eq!(broken(Some(1.0), Some(5), counts, &trips), None);
    }

    #[test]
    fn a_broken_bound_is_named_with_value_and_limit() {
        let error = broken(
            Some(0.5),
            Some(6),
            counts(1000, 990, 5, 5),
            &latencies([7; 990]),
        );
        assert_eq!(
            error.unwrap(),
            "check failed: --max-loss: 1% (10 of 1000 messages) were not answered rightly and in \
             time, the limit is 0.5%; --max-p99: the 99th percentile is 7ms, the limit is 6ms"
        );
    }

    #[test]
    fn one_of_many_does_not_read_as_none() {
        let error = broken(
            Some(0.0),
            None,
            counts(300_000, 299_999, 0, 0),
            &latencies([1]),
        );
        assert!(error.unwrap().contains("0.0003% (1 of 300000 messages)"));
    }

    #[test]
    fn an_unanswered_message_is_endless() {
        let error = broken(None, Some(6), counts(100, 98, 0, 0), &latencies([5; 98])).unwrap();
        assert!(
            error.contains("2 of 100 messages have no right answer"),
            "{error}"
        );
        assert_eq!(
            broken(None, Some(6), counts(100, 99, 0, 0), &latencies([5; 99])),
            None
        );
        assert_eq!(
            broken(None, Some(6), counts(200, 99, 0, 100), &latencies([5; 99])),
            None
        );
        let error = broken(None, Some(6), counts(0, 0, 0, 0), &latencies([])).unwrap();
        assert!(error.contains("no round trip"), "{error}");
    }
}
