//! The report as JSON: every figure in its base unit.

use std::io;

use serde_json::{Value, json};

use crate::experiment::{Better, Figure};
use crate::report::Report;
use crate::rounds::{Outcome, Row};
use crate::statistics::Spread;

pub(crate) fn text(report: &Report<'_>) -> io::Result<String> {
    let text = serde_json::to_string_pretty(&value(report))?;
    Ok(text + "\n")
}

fn value(report: &Report<'_>) -> Value {
    let Report {
        machine,
        programs,
        plan,
        outcomes,
    } = report;
    let installed = programs.installed.iter();
    let versions = installed.map(|(name, version)| ((*name).to_owned(), json!(version)));
    json!({
        "date": machine.date,
        "commit": machine.commit,
        "machine": {
            "processor": machine.processor,
            "cores": machine.cores,
            "memory_bytes": machine.memory_bytes,
            "kernel": machine.kernel,
            "load_before": machine.load,
        },
        "versions": versions.collect::<serde_json::Map<_, _>>(),
        "missing": programs.missing,
        "rounds": plan.rounds,
        "length_s": plan.length.as_secs_f64(),
        "experiments": outcomes.iter().map(experiment).collect::<Vec<_>>(),
    })
}

fn experiment(outcome: &Outcome) -> Value {
    let contenders = outcome
        .rows
        .iter()
        .map(|row| contender(row, &outcome.figures));
    json!({
        "name": outcome.name,
        "title": outcome.title,
        "method": outcome.method,
        "contenders": contenders.collect::<Vec<_>>(),
    })
}

fn contender(row: &Row, figures: &[Figure]) -> Value {
    let mut object = json!({ "name": row.name });
    if let Some(gap) = &row.gap {
        object["gap"] = json!(gap.to_string());
    }
    for (column, figure) in figures.iter().enumerate() {
        object[figure.key] = json!({
            "better": match figure.better { Better::More => "more", Better::Less => "less" },
            "value": row.spreads[column].map(spread),
            "ours_divided_by_this": row.ratios[column].map(spread),
        });
    }
    object
}

fn spread(spread: Spread) -> Value {
    json!({ "median": spread.median, "min": spread.least, "max": spread.most })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    #[test]
    fn contenders_have_values_ratios_and_gaps() {
        let value = experiment(&samples::outcome());
        let slow = &value["contenders"][1];
        assert_eq!(slow["per_s"]["value"]["median"], 100.0);
        assert_eq!(slow["per_s"]["ours_divided_by_this"]["min"], 2.5);
        let stuck = &value["contenders"][2];
        assert_eq!(stuck["gap"], "stalled");
        assert!(stuck["per_s"]["value"].is_null());
    }
}
