//! The wait of replies in this machine, between the kernel's time stamp and this program.

use std::fmt::{self, Write};

use netcommon::language::Language;
use serde::Serialize;

use super::figures::show_seconds;
use super::round_trips::{RoundTrips, worst};
use crate::outcome::Outcome;

/// A larger share of a round trip is worth a word when it passed in this machine.
const WORTH_TELLING: f64 = 0.1;

/// Waits, and round trips with them, in seconds; [`RoundTrips`] are without, to the kernel. Where the
/// kernel stamps nothing, all are left out.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Waiting {
    /// The wait before a reply was read: the 99th percentile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting_p99_s: Option<f64>,
    /// The longest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting_max_s: Option<f64>,
    /// The round trip to this program: the 99th percentile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rtt_with_waiting_p99_s: Option<f64>,
    /// The longest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rtt_with_waiting_max_s: Option<f64>,
}

impl Waiting {
    pub(super) fn of(outcome: &Outcome) -> Self {
        let [waiting_p99_s, waiting_max_s] = worst(&outcome.waiting);
        let [rtt_with_waiting_p99_s, rtt_with_waiting_max_s] =
            worst(&outcome.latencies_with_waiting);
        Self {
            waiting_p99_s,
            waiting_max_s,
            rtt_with_waiting_p99_s,
            rtt_with_waiting_max_s,
        }
    }

    /// `round trip p99 3.2ms, of which 2.9ms waiting in this machine`: by how much the 99th percentile,
    /// or the longest where there are too few, is above that of the same round trips to the kernel.
    pub(super) fn human(
        &self,
        to_kernel: &RoundTrips,
        language: Language,
        lines: &mut String,
    ) -> fmt::Result {
        let p99 = self.rtt_with_waiting_p99_s.zip(to_kernel.rtt_p99_s);
        let max = self.rtt_with_waiting_max_s.zip(to_kernel.rtt_max_s);
        let longest = language.choose("máx", "max");
        let p99 = p99.map(|trips| ("p99", trips));
        let Some((figure, (trip, to_kernel))) = p99.or(max.map(|trips| (longest, trips))) else {
            return Ok(());
        };
        let waiting = trip - to_kernel;
        if waiting <= trip * WORTH_TELLING {
            return Ok(());
        }
        let (name, of_which, here) = language.choose(
            ("ida y vuelta", "de ellos", "en espera en esta máquina"),
            ("round trip", "of which", "waiting in this machine"),
        );
        let [trip, waiting] = [trip, waiting].map(show_seconds);
        writeln!(lines, "{name} {figure} {trip}, {of_which} {waiting} {here}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The line on round trips to the program and to the kernel: 99th percentile and longest.
    fn line(
        to_program: [Option<f64>; 2],
        to_kernel: [Option<f64>; 2],
        language: Language,
    ) -> String {
        let waiting = Waiting {
            rtt_with_waiting_p99_s: to_program[0],
            rtt_with_waiting_max_s: to_program[1],
            ..Waiting::default()
        };
        let trips = RoundTrips {
            rtt_p99_s: to_kernel[0],
            rtt_max_s: to_kernel[1],
            ..RoundTrips::default()
        };
        let mut lines = String::new();
        waiting.human(&trips, language, &mut lines).unwrap();
        lines
    }

    #[test]
    fn more_than_a_tenth_of_the_worst_round_trips_is_told() {
        let (to_program, to_kernel) = ([Some(0.0032), Some(1.0)], [Some(0.0003), Some(1.0)]);
        assert_eq!(
            line(to_program, to_kernel, Language::English),
            "round trip p99 3.2ms, of which 2.9ms waiting in this machine\n"
        );
        assert_eq!(
            line(to_program, to_kernel, Language::Spanish),
            "ida y vuelta p99 3.2ms, de ellos 2.9ms en espera en esta máquina\n"
        );
        let few = [None, Some(0.0003)];
        assert_eq!(
            line([None, Some(0.0032)], few, Language::Spanish),
            "ida y vuelta máx 3.2ms, de ellos 2.9ms en espera en esta máquina\n"
        );
    }

    #[test]
    fn a_tenth_is_not_worth_a_word_and_an_unknown_wait_neither() {
        let table = [
            ([Some(1.0), Some(2.0)], [Some(0.9), Some(0.1)]),
            ([None, Some(1.0)], [None, Some(1.0)]),
            ([None, None], [Some(1.0), Some(1.0)]),
            ([None, None], [None, None]),
        ];
        for (to_program, to_kernel) in table {
            assert_eq!(line(to_program, to_kernel, Language::English), "");
        }
    }
}
