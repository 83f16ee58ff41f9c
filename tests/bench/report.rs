//! The report: one table, one chart, and JSON on demand.

use std::fs;
use std::io::{self, Error, Write};
use std::mem;
use std::path::Path;

use serde_json::json;

use crate::chart;
use crate::experiment::{Contender, Experiment, Spread};
use crate::plan::Plan;

/// Everything behind this line of docs/benchmarks.md is replaced when a run is recorded.
const MARK: &str = "<!-- What follows is written by scripts/bench.sh --record. -->\n";

/// The table goes to standard output, too; the chart beside what was built, unless it is recorded.
pub(crate) fn write(
    plan: &Plan,
    experiments: &[Experiment<'_>],
    record: bool,
    json: bool,
) -> io::Result<()> {
    let (machine, rounds, length) = (&plan.machine, plan.rounds, plan.length.as_secs_f64());
    let table = table(experiments);
    let text = format!("{machine}\n\nRounds: {rounds}, of {length} s each.\n\n{table}");
    io::stdout().write_all(text.as_bytes())?;
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("docs");
    let (scratch, chart) = (plan.scratch()?, chart::svg(machine, experiments));
    let place = if record { &docs } else { &scratch };
    save(&place.join("benchmarks.svg"), &chart)?;
    if record {
        let page = docs.join("benchmarks.md");
        save(&page, &recorded(&page, &text)?)?;
    }
    if json {
        let all = json!({ "machine": machine, "length_s": length, "experiments": experiments });
        save(&scratch.join("benchmarks.json"), &format!("{all:#}\n"))?;
    }
    Ok(())
}

fn save(path: &Path, text: &str) -> io::Result<()> {
    fs::write(path, text)?;
    writeln!(io::stderr(), "bench: wrote {}", path.display())
}

/// The page with its part that is written by hand, and the new table.
fn recorded(page: &Path, text: &str) -> io::Result<String> {
    let old = fs::read_to_string(page)?;
    let (by_hand, _) = old
        .split_once(MARK)
        .ok_or(Error::other(format!("no line {MARK}")))?;
    Ok(format!("{by_hand}{MARK}\n{text}"))
}

/// Markdown that also reads as text: columns are padded.
fn table(experiments: &[Experiment<'_>]) -> String {
    let head = ["", "", "median", "min – max", "ours ÷ this (min – max)"];
    let mut lines = vec![head.map(str::to_owned)];
    lines.extend(experiments.iter().flat_map(rows));
    let widths = [0, 1, 2, 3, 4].map(|column| {
        let lengths = lines.iter().map(|line| line[column].chars().count());
        lengths.max().unwrap_or(0)
    });
    lines.insert(1, widths.map(|width| "-".repeat(width)));
    let padded = lines.iter().map(|line| {
        let cells = line.iter().zip(widths);
        let cells = cells.map(|(cell, width)| format!("| {cell:width$} "));
        cells.collect::<String>() + "|\n"
    });
    padded.collect()
}

/// A block for each figure; its first row names experiment and figure. A contender without any
/// values is in the first block alone.
fn rows(experiment: &Experiment<'_>) -> Vec<[String; 5]> {
    let mut rows = Vec::new();
    for (number, figure) in experiment.figures.iter().enumerate() {
        let mut title = format!("{}: {}", experiment.title, figure.0);
        for contender in &experiment.contenders {
            if number == 0 || contender.value(number).is_some() {
                rows.push(row(mem::take(&mut title), experiment, contender, number));
            }
        }
    }
    rows
}

fn row(
    title: String,
    experiment: &Experiment<'_>,
    contender: &Contender<'_>,
    figure: usize,
) -> [String; 5] {
    let unit = experiment.figures[figure].1;
    let number = |value| number(value, unit);
    let value = contender.value(figure);
    let median = value.map(|value| number(value.median));
    let range = value.map(|value| format!("{} – {}", number(value.min), number(value.max)));
    let gap = contender.gap().filter(|_| figure == 0);
    let range = [range.as_deref(), gap].into_iter().flatten();
    // Shares of the same whole compare by themselves.
    let has_ratio = contender.name != experiment.contenders[0].name && unit != "%";
    let ratio = experiment.ratio(contender, figure).filter(|_| has_ratio);
    let ratio =
        ratio.map(|Spread { median, min, max }| format!("×{median:.2} ({min:.2} – {max:.2})"));
    let (name, range) = (
        contender.name.to_owned(),
        range.collect::<Vec<_>>().join(" "),
    );
    [
        title,
        name,
        median.unwrap_or_default(),
        range,
        ratio.unwrap_or_default(),
    ]
}

/// Three digits, a decimal prefix and the unit; a percentage keeps its scale.
pub(crate) fn number(value: f64, unit: &str) -> String {
    let prefixes = [
        (1e9, "G"),
        (1e6, "M"),
        (1e3, "k"),
        (1.0, ""),
        (1e-3, "m"),
        (1e-6, "µ"),
    ];
    // What rounds up to the next prefix belongs to it.
    let fits = |(scale, _): &&(f64, &str)| value >= scale * 0.9995 && unit != "%";
    let (scale, prefix) = prefixes.iter().find(fits).copied().unwrap_or((1.0, ""));
    let value = value / scale;
    let decimals = match value.abs() {
        0.0 => 0,
        size if size >= 99.95 => 0,
        size if size >= 9.995 => 1,
        _ => 2,
    };
    format!("{value:.decimals$} {prefix}{unit}")
        .trim_end()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::experiment::{Figure, Gap};

    fn contender(name: &'static str, values: &'static [f64]) -> Contender<'static> {
        let round = Cell::new(0);
        Contender::new(name, move || {
            let value = values.get(round.replace(round.get() + 1));
            value
                .map(|value| vec![*value])
                .ok_or(Gap("stalled".to_owned()))
        })
    }

    #[test]
    fn ratios_compare_within_rounds_on_a_machine_that_slows_down() {
        let mut experiment = Experiment {
            name: "echo".to_owned(),
            title: "TCP echo".to_owned(),
            figures: &[Figure("round trips/s ↑", "")],
            contenders: vec![
                contender("ours", &[400.0, 200.0, 100.0, 50.0]),
                contender("slow", &[200.0, 100.0, 50.0, 25.0]),
                contender("stuck", &[50.0]),
                contender("absent", &[]),
            ],
        };
        experiment.play(&Plan {
            rounds: 4,
            ..Plan::thorough().unwrap()
        });
        let expected = "\
|                           |        | median | min – max           | ours ÷ this (min – max) |
| ------------------------- | ------ | ------ | ------------------- | ----------------------- |
| TCP echo: round trips/s ↑ | ours   | 150    | 50.0 – 400          |                         |
|                           | slow   | 75.0   | 25.0 – 200          | ×2.00 (2.00 – 2.00)     |
|                           | stuck  | 50.0   | 50.0 – 50.0 stalled | ×8.00 (8.00 – 8.00)     |
|                           | absent |        | stalled             |                         |
";
        assert_eq!(table(&[experiment]), expected);
    }

    #[test]
    fn numbers_have_three_digits_a_prefix_and_a_unit() {
        let cases = [
            (285_123.0, "", "285 k"),
            (999_700.0, "", "1.00 M"),
            (3.456e9, "B/s", "3.46 GB/s"),
            (0.000_012_34, "s", "12.3 µs"),
            (0.67, "%", "0.67 %"),
        ];
        for (value, unit, expected) in cases {
            assert_eq!(number(value, unit), expected);
        }
    }
}
