//! Rounds: ours, peer, ours, peer, …, so that whatever disturbs the machine disturbs both.

use std::io::{self, Write};

use crate::experiment::{Contender, Experiment, Figure, Gap, Trial};
use crate::plan::Plan;
use crate::statistics::{Spread, ratio, spread};

/// What came of an experiment: a row for each contender, ours first.
pub(crate) struct Outcome {
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) method: String,
    pub(crate) figures: Vec<Figure>,
    pub(crate) rows: Vec<Row>,
}

/// What came of one contender.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: String,
    /// For each figure, over all rounds.
    pub(crate) spreads: Vec<Option<Spread>>,
    /// For each figure, ours divided by this one's, round by round; nothing for ours.
    pub(crate) ratios: Vec<Option<Spread>>,
    /// Why rounds are missing.
    pub(crate) gap: Option<Gap>,
}

type Pair = (Trial, Trial);

pub(crate) fn play(experiment: &Experiment, plan: &Plan) -> Outcome {
    say(&format!("{}:", experiment.title));
    let mut pairs: Vec<Vec<Pair>> = experiment.peers.iter().map(|_| Vec::new()).collect();
    for _ in 0..plan.rounds {
        for (peer, pairs) in experiment.peers.iter().zip(&mut pairs) {
            if pairs.last().is_none_or(|(_, last)| last.is_ok()) {
                pairs.push((try_in_time(&experiment.ours, plan), try_in_time(peer, plan)));
            }
        }
    }
    if pairs.is_empty() {
        let alone = (0..plan.rounds).map(|_| try_in_time(&experiment.ours, plan));
        let alone = alone.map(|trial| (trial, Err(Gap::NotRun("no peer"))));
        pairs.push(alone.collect());
    }
    say("\n");
    outcome(experiment, &pairs)
}

fn try_in_time(contender: &Contender, plan: &Plan) -> Trial {
    if plan.is_over() {
        return Err(Gap::NotRun("no time left"));
    }
    say(&format!(" {}", contender.name));
    let trial = contender.try_once();
    if let Err(gap) = &trial {
        say(&format!(" ({gap})"));
    }
    trial
}

/// Progress goes to standard error; whoever closed it does not want it.
fn say(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

fn outcome(experiment: &Experiment, pairs: &[Vec<Pair>]) -> Outcome {
    let ours: Vec<&Trial> = pairs.iter().flatten().map(|(ours, _)| ours).collect();
    let figures = experiment.figures.len();
    let mut rows = vec![row(&experiment.ours.name, &ours, figures)];
    for (peer, pairs) in experiment.peers.iter().zip(pairs) {
        let theirs: Vec<&Trial> = pairs.iter().map(|(_, theirs)| theirs).collect();
        let mut row = row(&peer.name, &theirs, figures);
        row.ratios = (0..figures).map(|figure| ratios(pairs, figure)).collect();
        rows.push(row);
    }
    Outcome {
        name: experiment.name.clone(),
        title: experiment.title.clone(),
        method: experiment.method.clone(),
        figures: experiment.figures.clone(),
        rows,
    }
}

fn row(name: &str, trials: &[&Trial], figures: usize) -> Row {
    let done = || trials.iter().filter_map(|trial| trial.as_ref().ok());
    Row {
        name: name.to_owned(),
        spreads: (0..figures)
            .map(|figure| spread(done().map(|values| values[figure])))
            .collect(),
        ratios: vec![None; figures],
        gap: trials
            .iter()
            .find_map(|trial| trial.as_ref().err().cloned()),
    }
}

fn ratios(pairs: &[Pair], figure: usize) -> Option<Spread> {
    let both = pairs.iter().filter_map(|pair| match pair {
        (Ok(ours), Ok(theirs)) => ratio(ours[figure], theirs[figure]),
        _ => None,
    });
    spread(both)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::experiment::{Better, Unit};

    fn contender(name: &str, values: &'static [f64]) -> Contender {
        let next = Cell::new(0);
        Contender::new(name, move || {
            let round = next.replace(next.get() + 1);
            values
                .get(round)
                .map(|value| vec![*value])
                .ok_or(Gap::Stalled)
        })
    }

    fn played(ours: &'static [f64], peers: Vec<Contender>) -> Outcome {
        let figure = Figure {
            key: "rate",
            label: "rate",
            unit: Unit::PerSecond,
            better: Better::More,
        };
        let experiment = Experiment {
            name: "name".to_owned(),
            title: "Title".to_owned(),
            method: "Method.".to_owned(),
            figures: vec![figure],
            ours: contender("ours", ours),
            peers,
        };
        play(
            &experiment,
            &Plan {
                rounds: 3,
                ..Plan::thorough()
            },
        )
    }

    #[test]
    fn ratios_compare_neighbours_and_not_medians() {
        // The machine got slower and slower; ours was always twice as fast.
        let outcome = played(
            &[80.0, 40.0, 20.0],
            vec![contender("peer", &[40.0, 20.0, 10.0])],
        );
        let ratio = outcome.rows[1].ratios[0].unwrap();
        assert_eq!((ratio.median, ratio.least, ratio.most), (2.0, 2.0, 2.0));
        assert_eq!(outcome.rows[0].spreads[0].unwrap().median, 40.0);
    }

    #[test]
    fn each_peer_has_a_round_of_ours_of_its_own() {
        let peers = vec![contender("a", &[1.0; 3]), contender("b", &[1.0; 3])];
        let outcome = played(&[1.0, 2.0, 1.0, 2.0, 1.0, 2.0], peers);
        assert_eq!(outcome.rows[1].ratios[0].unwrap().median, 1.0);
        assert_eq!(outcome.rows[2].ratios[0].unwrap().median, 2.0);
    }

    #[test]
    fn a_peer_that_stalled_is_not_asked_again() {
        let outcome = played(&[1.0; 9], vec![contender("peer", &[1.0])]);
        assert_eq!(outcome.rows[1].gap, Some(Gap::Stalled));
        assert_eq!(outcome.rows[1].ratios[0].unwrap().median, 1.0);
        assert_eq!(outcome.rows[0].gap, None);
    }

    #[test]
    fn ours_is_measured_where_no_peer_is_installed() {
        let outcome = played(&[1.0, 2.0, 3.0], Vec::new());
        assert_eq!(outcome.rows.len(), 1);
        assert_eq!(outcome.rows[0].spreads[0].unwrap().median, 2.0);
    }
}
