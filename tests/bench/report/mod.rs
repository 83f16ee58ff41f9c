//! The report: a table, a JSON file and a chart.

mod chart;
mod json;
mod numbers;
mod table;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::machine::Machine;
use crate::plan::Plan;
use crate::programs::Programs;
use crate::rounds::Outcome;

/// Everything that a run gave.
pub(crate) struct Report<'a> {
    pub(crate) machine: &'a Machine,
    pub(crate) programs: &'a Programs,
    pub(crate) plan: &'a Plan,
    pub(crate) outcomes: &'a [Outcome],
}

impl Report<'_> {
    /// Writes all three, into the repository or beside what was built, and returns where.
    pub(crate) fn write(&self, recorded: bool) -> io::Result<PathBuf> {
        let place = match recorded {
            true => Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("benchmarks"),
            false => self.programs.scratch(),
        };
        fs::create_dir_all(&place)?;
        fs::write(place.join("results.md"), table::markdown(self))?;
        fs::write(place.join("results.json"), json::text(self)?)?;
        fs::write(place.join("chart.svg"), chart::svg(self))?;
        Ok(place)
    }
}

#[cfg(test)]
mod samples {
    //! Outcomes to show.

    use crate::experiment::{Better, Figure, Gap, Unit};
    use crate::rounds::{Outcome, Row};
    use crate::statistics::Spread;

    pub(super) fn outcome() -> Outcome {
        Outcome {
            name: "tcp-round-trips-1".to_owned(),
            title: "TCP <1> & more".to_owned(),
            method: "A method.".to_owned(),
            figures: vec![Figure {
                key: "per_s",
                label: "round trips/s",
                unit: Unit::PerSecond,
                better: Better::More,
            }],
            rows: vec![
                row("ours", Some([300.0, 200.0, 400.0]), None, None),
                row(
                    "slow",
                    Some([100.0, 90.0, 150.0]),
                    Some([3.0, 2.5, 3.5]),
                    None,
                ),
                row("stuck", None, None, Some(Gap::Stalled)),
            ],
        }
    }

    fn row(
        name: &str,
        values: Option<[f64; 3]>,
        ratios: Option<[f64; 3]>,
        gap: Option<Gap>,
    ) -> Row {
        let spread = |[median, least, most]: [f64; 3]| Spread {
            median,
            least,
            most,
        };
        Row {
            name: name.to_owned(),
            spreads: vec![values.map(spread)],
            ratios: vec![ratios.map(spread)],
            gap,
        }
    }
}
