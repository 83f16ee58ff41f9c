//! What is good enough.

use std::time::Duration;

use crate::Tally;
use netcommon::error::{Error, ErrorKind};
use netcommon::units::{show_duration, show_percent};

/// What the user demands of a measurement.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Bounds {
    /// The share of lost messages, in percent.
    pub max_loss: Option<f64>,
    /// The 99th percentile of the round trips.
    pub max_p99: Option<Duration>,
}

impl Bounds {
    /// Judges a measurement.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::CheckFailed`], with each broken bound, its value and its limit.
    pub fn check(&self, tally: &Tally) -> Result<(), Error> {
        let broken: Vec<String> = [self.check_loss(tally), self.check_p99(tally)]
            .into_iter()
            .flatten()
            .collect();
        match broken.is_empty() {
            true => Ok(()),
            false => Err(Error::new(
                ErrorKind::CheckFailed,
                format!("check failed: {}", broken.join("; ")),
            )),
        }
    }

    fn check_loss(&self, tally: &Tally) -> Option<String> {
        let limit = self.max_loss?;
        let loss = tally.counts.loss_percent();
        (loss > limit).then(|| {
            let (lost, loss) = (tally.counts.lost, show_percent(loss));
            format!("--max-loss: {loss}% ({lost} messages) are lost, the limit is {limit}%")
        })
    }

    /// Of fewer than 100 round trips, the longest is the 99th percentile by nearest rank.
    fn check_p99(&self, tally: &Tally) -> Option<String> {
        let limit = self.max_p99?;
        let shown = show_duration(limit);
        match tally.latencies.nearest_rank(99.0) {
            None => Some(format!(
                "--max-p99: there is no round trip to hold against the limit of {shown}"
            )),
            Some(p99) => (p99 > limit).then(|| {
                let p99 = show_duration(p99);
                format!("--max-p99: the 99th percentile is {p99}, the limit is {shown}")
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(sent: u64, lost: u64, millis: &[u64]) -> Tally {
        let mut tally = Tally::default();
        (tally.counts.sent, tally.counts.lost) = (sent, lost);
        for &ms in millis {
            tally.latencies.record(Duration::from_millis(ms));
        }
        tally
    }

    fn broken(max_loss: Option<f64>, max_p99: Option<u64>, tally: &Tally) -> Option<String> {
        let max_p99 = max_p99.map(Duration::from_millis);
        let bounds = Bounds { max_loss, max_p99 };
        bounds.check(tally).err().map(|error| {
            assert_eq!(error.kind(), ErrorKind::CheckFailed);
            error.to_string()
        })
    }

    #[test]
    fn a_bound_holds_up_to_its_limit() {
        let tally = tally(100, 1, &[5]);
        assert_eq!(broken(None, None, &tally), None);
        assert_eq!(broken(Some(1.0), Some(5), &tally), None);
    }

    #[test]
    fn a_broken_bound_is_named_with_value_and_limit() {
        let tally = tally(1000, 15, &[5, 7]);
        assert_eq!(
            broken(Some(0.5), Some(6), &tally).unwrap(),
            "check failed: --max-loss: 1.5% (15 messages) are lost, the limit is 0.5%; \
             --max-p99: the 99th percentile is 7ms, the limit is 6ms"
        );
    }

    #[test]
    fn without_a_round_trip_its_bound_is_broken() {
        let error = broken(None, Some(6), &tally(3, 0, &[])).unwrap();
        assert!(error.contains("no round trip"), "{error}");
    }
}
