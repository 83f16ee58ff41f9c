//! The report as Markdown: what it ran on, and a table for each experiment.

use std::iter;

use crate::experiment::{Better, Figure, Unit};
use crate::report::{Report, numbers};
use crate::rounds::{Outcome, Row};

pub(crate) fn markdown(report: &Report<'_>) -> String {
    let outcomes = report.outcomes.iter().map(section);
    let parts: Vec<String> = iter::once(heading(report)).chain(outcomes).collect();
    parts.join("\n")
}

fn heading(report: &Report<'_>) -> String {
    let Report {
        machine,
        programs,
        plan,
        ..
    } = report;
    let gibibytes = machine.memory_bytes as f64 / f64::from(1 << 30);
    let mut lines = vec![
        "# Benchmarks\n".to_owned(),
        "Median (least – most) of all rounds; × is ours divided by this one, the median of the ratios of single rounds."
            .to_owned(),
        format!("Rounds: {}, interleaved (ours, peer, ours, peer, …), of {} s each.\n", plan.rounds, plan.length.as_secs_f64()),
        format!("- Date: {}, of {}", machine.date, machine.commit),
        format!("- Machine: {}, {} cores, {gibibytes:.0} GiB", machine.processor, machine.cores),
        format!("- Kernel: {}; load before: {}", machine.kernel, machine.load),
    ];
    let versions: Vec<&str> = programs
        .installed
        .iter()
        .map(|(_, version)| version.as_str())
        .collect();
    lines.push(format!("- Versions: {}", versions.join("; ")));
    if !programs.missing.is_empty() {
        lines.push(format!(
            "- Missing, as it is not installed: {}",
            programs.missing.join(", ")
        ));
    }
    lines.join("\n") + "\n"
}

fn section(outcome: &Outcome) -> String {
    let labels: Vec<String> = outcome.figures.iter().map(label).collect();
    let head = [
        format!("## {}\n\n{}\n", outcome.title, outcome.method),
        format!("| | {} |", labels.join(" | ")),
        format!("| --- |{}", " --- |".repeat(labels.len())),
    ];
    let rows = outcome
        .rows
        .iter()
        .map(|row| table_row(row, &outcome.figures));
    let lines: Vec<String> = head.into_iter().chain(rows).collect();
    lines.join("\n") + "\n"
}

fn label(figure: &Figure) -> String {
    let arrow = match figure.better {
        Better::More => '↑',
        Better::Less => '↓',
    };
    format!("{} {arrow}", figure.label)
}

fn table_row(row: &Row, figures: &[Figure]) -> String {
    let cells: Vec<String> = (0..figures.len())
        .map(|column| cell(row, figures, column))
        .collect();
    format!("| {} | {} |", row.name, cells.join(" | "))
}

/// A gap is told once, in the first column.
fn cell(row: &Row, figures: &[Figure], column: usize) -> String {
    let value = row.spreads[column].map(|spread| numbers::spread(&spread, figures[column].unit));
    // A ratio of shares of the same burst tells nothing that the shares do not.
    let ratio = row.ratios[column].filter(|_| figures[column].unit != Unit::Percent);
    let ratio = ratio.map(|ratio| format!("**{}**", numbers::ratio(ratio.median)));
    let gap = row.gap.as_ref().filter(|_| column == 0);
    let parts = [value, ratio, gap.map(ToString::to_string)];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    #[test]
    fn a_section_has_a_row_for_each_contender() {
        let expected = "\
## TCP <1> & more

A method.

| | round trips/s ↑ |
| --- | --- |
| ours | 300 (200 – 400) |
| slow | 100 (90.0 – 150) **×3.00** |
| stuck | stalled |
";
        assert_eq!(section(&samples::outcome()), expected);
    }
}
