//! The chart: bars for the first figure of each experiment, as plain SVG.

use crate::experiment::{Experiment, Figure, Spread};
use crate::report::number;

/// Two columns of panels, in pixels.
const COLUMNS: usize = 2;
const PANEL: usize = 460;
const MARGIN: usize = 20;

/// Inside a panel: names to the left of the bars, values to their right.
const NAMES: usize = 130;
const BARS: usize = 200;
const HEAD: usize = 34;
const LINE: usize = 20;

const STYLE: &str = "\
text { font: 12px system-ui, sans-serif }
.title { font-weight: 600 }
.peer { fill: #8c959f }
.ours { fill: #1a7f37 }
line { stroke: black }";

pub(crate) fn svg(machine: &str, experiments: &[Experiment<'_>]) -> String {
    let mut body = text(MARGIN, 24, "", machine.lines().next().unwrap_or_default());
    let mut top = 40;
    for panels in experiments.chunks(COLUMNS) {
        for (column, experiment) in panels.iter().enumerate() {
            body += &panel(experiment, MARGIN + column * (PANEL + MARGIN), top);
        }
        let bars = panels.iter().map(|panel| panel.contenders.len());
        top += HEAD + LINE * bars.max().unwrap_or(0) + MARGIN;
    }
    let width = MARGIN + COLUMNS * (PANEL + MARGIN);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {top}\" role=\"img\">\n\
         <title>Benchmarks</title>\n<style>\n{STYLE}\n</style>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n{body}</svg>\n"
    )
}

/// Each bar is as long as the median, with a thin line from the least to the most; a gap is told in
/// its place.
fn panel(experiment: &Experiment<'_>, left: usize, top: usize) -> String {
    let Figure(label, unit) = experiment.figures[0];
    let values = experiment
        .contenders
        .iter()
        .filter_map(|contender| contender.value(0));
    let most = values.map(|value| value.max).fold(0.0, f64::max);
    let mut panel = text(
        left,
        top + 16,
        "title",
        &format!("{}: {label}", experiment.title),
    );
    for (number, contender) in experiment.contenders.iter().enumerate() {
        let (start, top) = (left + NAMES, top + HEAD + LINE * number);
        panel += &text(left, top + 11, "", contender.name);
        panel += &match contender.value(0) {
            Some(value) => bar(value, unit, BARS as f64 / most, number == 0, (start, top)),
            None => text(start, top + 11, "", contender.gap().unwrap_or_default()),
        };
    }
    panel
}

fn bar(
    value: Spread,
    unit: &str,
    scale: f64,
    is_ours: bool,
    (left, top): (usize, usize),
) -> String {
    let class = if is_ours { "ours" } else { "peer" };
    let [width, min, max] = [value.median, value.min, value.max].map(|value| value * scale);
    let (from, to, y) = (left as f64 + min, left as f64 + max, top + 6);
    format!(
        "<rect class=\"{class}\" x=\"{left}\" y=\"{top}\" width=\"{width:.1}\" height=\"13\"/>\n\
         <line x1=\"{from:.1}\" y1=\"{y}\" x2=\"{to:.1}\" y2=\"{y}\"/>\n"
    ) + &text(to as usize + 8, top + 11, "", &number(value.median, unit))
}

fn text(x: usize, y: usize, class: &str, words: &str) -> String {
    let words = words.replace('&', "&amp;").replace('<', "&lt;");
    format!("<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{words}</text>\n")
}
