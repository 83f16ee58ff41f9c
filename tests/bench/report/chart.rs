//! The report as a picture: bars for the first figure of each experiment, as plain SVG.

use crate::experiment::{Better, Figure};
use crate::report::{Report, numbers};
use crate::rounds::{Outcome, Row};
use crate::statistics::Spread;

/// Two columns of panels, in pixels.
const COLUMNS: usize = 2;
const PANEL: usize = 460;
const MARGIN: usize = 20;

/// Inside a panel: names to the left of the bars, values to their right.
const NAMES: usize = 130;
const BARS: usize = 200;

const HEAD: usize = 34;
const LINE: usize = 20;
const BAR: usize = 13;

/// Readable on white and on black; a picture follows the reader's choice by itself.
const STYLE: &str = "\
text { font: 12px system-ui, sans-serif; fill: #24292f }
.title { font-weight: 600; font-size: 13px }
.note { fill: #57606a }
.peer { fill: #8c959f }
.ours { fill: #1a7f37 }
.reach { stroke: #24292f; stroke-width: 1 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .note { fill: #9198a1 }
  .peer { fill: #6e7681 }
  .ours { fill: #3fb950 }
  .reach { stroke: #e6edf3 }
}";

pub(crate) fn svg(report: &Report<'_>) -> String {
    let machine = report.machine;
    let caption = format!(
        "{} · {} cores · {} · {}",
        machine.processor, machine.cores, machine.kernel, machine.date
    );
    let mut body = text(MARGIN, 24, "note", &caption);
    let mut top = 40;
    for row in report.outcomes.chunks(COLUMNS) {
        for (column, outcome) in row.iter().enumerate() {
            body += &panel(outcome, MARGIN + column * (PANEL + MARGIN), top);
        }
        top += row.iter().map(height).max().unwrap_or(0);
    }
    let width = MARGIN + COLUMNS * (PANEL + MARGIN);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{top}\" viewBox=\"0 0 {width} {top}\" \
         role=\"img\">\n<title>Benchmarks</title>\n<style>\n{STYLE}\n</style>\n{body}</svg>\n"
    )
}

fn height(outcome: &Outcome) -> usize {
    HEAD + LINE * outcome.rows.len() + MARGIN
}

fn panel(outcome: &Outcome, left: usize, top: usize) -> String {
    let Some(figure) = outcome.figures.first() else {
        return String::new();
    };
    let title = format!("{}: {}{}", outcome.title, figure.label, remark(figure));
    let head = text(left, top + 16, "title", &title);
    let most = outcome
        .rows
        .iter()
        .filter_map(|row| Some(row.spreads.first()?.as_ref()?.most));
    let scale = BARS as f64 / most.fold(f64::MIN_POSITIVE, f64::max);
    let rows = outcome.rows.iter().enumerate().map(|(number, row)| {
        let class = if number == 0 { "ours" } else { "peer" };
        bar(
            row,
            figure,
            class,
            scale,
            (left, top + HEAD + LINE * number),
        )
    });
    head + &rows.collect::<String>()
}

fn remark(figure: &Figure) -> &'static str {
    match figure.better {
        Better::More => "",
        Better::Less => " (less is better)",
    }
}

fn bar(row: &Row, figure: &Figure, class: &str, scale: f64, (left, top): (usize, usize)) -> String {
    let name = text(left, top + 11, "", &row.name);
    let start = left + NAMES;
    let Some(Some(spread)) = row.spreads.first() else {
        let why = row
            .gap
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default();
        return name + &text(start, top + 11, "note", &why);
    };
    let width = spread.median * scale;
    let value = numbers::number(spread.median, figure.unit);
    let end = start + (spread.most * scale) as usize + 8;
    format!(
        "{name}<rect class=\"{class}\" x=\"{start}\" y=\"{top}\" width=\"{width:.1}\" height=\"{BAR}\" rx=\"2\"/>\n"
    ) + &reach(spread, scale, start, top + BAR / 2)
        + &text(end, top + 11, "", &value)
}

/// A thin line from the least to the most.
fn reach(spread: &Spread, scale: f64, start: usize, y: usize) -> String {
    let [from, to] = [spread.least, spread.most].map(|value| start as f64 + value * scale);
    format!("<line class=\"reach\" x1=\"{from:.1}\" y1=\"{y}\" x2=\"{to:.1}\" y2=\"{y}\"/>\n")
}

fn text(x: usize, y: usize, class: &str, words: &str) -> String {
    let words = words
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    format!("<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{words}</text>\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    #[test]
    fn bars_are_as_long_as_their_medians() {
        let panel = panel(&samples::outcome(), 0, 0);
        assert!(
            panel.contains("class=\"ours\" x=\"130\" y=\"34\" width=\"150.0\""),
            "{panel}"
        );
        assert!(
            panel.contains("class=\"peer\" x=\"130\" y=\"54\" width=\"50.0\""),
            "{panel}"
        );
    }

    #[test]
    fn a_gap_is_told_in_place_of_a_bar() {
        let panel = panel(&samples::outcome(), 0, 0);
        assert!(panel.contains(">stalled</text>"));
        assert_eq!(panel.matches("<rect").count(), 2);
    }

    #[test]
    fn words_cannot_break_the_picture() {
        assert!(panel(&samples::outcome(), 0, 0).contains("TCP &lt;1&gt; &amp; more"));
    }
}
