//! An experiment: contenders by turns, for some rounds; and the medians and ratios of their figures.

use std::io::{self, Write};

use serde::Serialize;

use crate::plan::Plan;

/// One question, put to one of ours and to its peers.
#[derive(Serialize)]
pub(crate) struct Experiment<'a> {
    /// For `--only`.
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) figures: &'static [Figure],
    /// Ours first.
    pub(crate) contenders: Vec<Contender<'a>>,
}

/// A kind of number that each trial gives: its label with an arrow to the better side, and its base
/// unit, which is empty for a count or a rate that the label names.
#[derive(Serialize)]
pub(crate) struct Figure(pub(crate) &'static str, pub(crate) &'static str);

/// A program, or a pair of them, that is measured once a round.
#[derive(Serialize)]
pub(crate) struct Contender<'a> {
    pub(crate) name: &'static str,
    #[serde(skip)]
    pub(crate) measure: Box<dyn Fn() -> Trial + 'a>,
    pub(crate) trials: Vec<Trial>,
}

/// A value for each figure.
pub(crate) type Trial = Result<Vec<f64>, Gap>;

/// Why there are no values.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Gap(pub(crate) String);

impl<E: std::error::Error> From<E> for Gap {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Experiment<'_> {
    /// Every second round goes backwards, so that no contender gains by its place.
    pub(crate) fn play(&mut self, plan: &Plan) {
        say(&format!("{}:", self.title));
        for _ in 0..plan.rounds {
            for contender in &mut self.contenders {
                contender.play(plan);
            }
            self.contenders.reverse();
        }
        if plan.rounds % 2 == 1 {
            self.contenders.reverse();
        }
        say("\n");
    }

    /// Ours divided by a contender's, round by round.
    pub(crate) fn ratio(&self, contender: &Contender<'_>, figure: usize) -> Option<Spread> {
        let both = self.contenders[0].trials.iter().zip(&contender.trials);
        spread(both.filter_map(|(ours, theirs)| match (ours, theirs) {
            (Ok(ours), Ok(theirs)) => Some(ours[figure] / theirs[figure]),
            _ => None,
        }))
    }
}

impl<'a> Contender<'a> {
    pub(crate) fn new(name: &'static str, measure: impl Fn() -> Trial + 'a) -> Self {
        let measure = Box::new(measure);
        Self {
            name,
            measure,
            trials: Vec::new(),
        }
    }

    /// One that failed is not measured again.
    fn play(&mut self, plan: &Plan) {
        if self.gap().is_some() {
            return;
        }
        say(&format!(" {}", self.name));
        self.trials.push(if plan.is_over() {
            Err(Gap("no time left".to_owned()))
        } else {
            (self.measure)()
        });
        if let Some(why) = self.gap() {
            say(&format!(" ({why})"));
        }
    }

    pub(crate) fn value(&self, figure: usize) -> Option<Spread> {
        spread(self.trials.iter().flatten().map(|values| values[figure]))
    }

    pub(crate) fn gap(&self) -> Option<&str> {
        let last = self.trials.last()?.as_ref();
        last.err().map(|Gap(why)| why.as_str())
    }
}

/// Progress. A closed standard error does not want it.
fn say(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

/// A ratio to zero is left out.
fn spread(values: impl Iterator<Item = f64>) -> Option<Spread> {
    let mut values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
    values.sort_by(f64::total_cmp);
    let (min, max) = (*values.first()?, *values.last()?);
    let median = f64::midpoint(values[(values.len() - 1) / 2], values[values.len() / 2]);
    Some(Spread { median, min, max })
}
