//! The end of a measurement: its summary, and how it can fail.

use std::net::SocketAddr;
use std::sync::mpsc::Receiver;

use crate::{Event, Outcome, Run, Summary, Tally, Watch};
use netcommon::error::{Error, ErrorKind};
use netcommon::units::show_duration;

/// What a lost message says about the path, where the user sets no bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// TCP loses nothing: a reply that does not come is a server that does not answer.
    Fails,
    /// UDP may: loss is what is measured.
    IsMeasured,
}

/// Starts the measurement for which every thread is ready, reports on it until the senders of
/// `outcomes` are gone, sums up, and judges.
///
/// # Errors
///
/// The gravest of what went wrong: a flow that broke, a wrong reply, a broken bound, a missing reply.
pub fn conclude(
    run: &Run,
    peer: SocketAddr,
    outcomes: &Receiver<Outcome>,
    loss: Loss,
) -> Result<(), Error> {
    let watch = Watch::new(&run.output, &run.live, run.begin(), &run.plan);
    let outcomes = watch.collect(outcomes)?;
    let mut tally = Tally::default();
    for outcome in &outcomes {
        tally.merge(&outcome.tally);
    }
    let summary = Summary::new(run.server.clone(), peer, &run.plan, &tally);
    run.output.say(&Event::Summary(Box::new(summary)))?;
    warn_of_unsent(&tally);
    judge(run, &tally, outcomes, loss)
}

fn warn_of_unsent(tally: &Tally) {
    let unsent = tally.counts.unsent;
    if unsent > 0 {
        log::warn!(
            "the path did not take messages as fast as they were due: {unsent} were never sent"
        );
    }
}

fn judge(run: &Run, tally: &Tally, outcomes: Vec<Outcome>, loss: Loss) -> Result<(), Error> {
    let (mut corruption, mut error) = (None, None);
    for outcome in outcomes {
        corruption = corruption.or(outcome.corruption);
        error = graver(error, outcome.error);
    }
    if let Some(error) = error {
        return Err(error);
    }
    if let Some(corruption) = corruption {
        let (server, corrupted) = (&run.server, tally.counts.corrupted);
        return Err(failed(format!(
            "{corrupted} replies of {server} are corrupted; {corruption}"
        )));
    }
    run.plan.bounds.check(tally)?;
    check_answers(run, tally, loss)
}

/// The first, unless nobody reads standard output any more: that ends the program quietly.
fn graver(first: Option<Error>, second: Option<Error>) -> Option<Error> {
    let is_quiet = |error: &Error| error.kind() == ErrorKind::OutputClosed;
    match second {
        Some(second) if is_quiet(&second) => Some(second),
        second => first.or(second),
    }
}

fn check_answers(run: &Run, tally: &Tally, loss: Loss) -> Result<(), Error> {
    let (server, counts) = (&run.server, tally.counts);
    if counts.lost > 0 && loss == Loss::Fails && run.plan.bounds.max_loss.is_none() {
        let (lost, sent) = (counts.lost, counts.sent);
        let patience = show_duration(run.plan.patience());
        let message =
            format!("timed out: {lost} of {sent} messages got no reply of {server} in {patience}");
        return Err(Error::new(ErrorKind::TimedOut, message));
    }
    match counts.received + counts.late {
        0 => Err(failed(format!("{server} sent no reply"))),
        _ => Ok(()),
    }
}

fn failed(what: String) -> Error {
    Error::new(ErrorKind::CheckFailed, format!("check failed: {what}"))
}
