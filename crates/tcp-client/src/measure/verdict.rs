//! How a measurement can fail.

use netcommon::measurement::Tally;
use netcommon::units::show_duration;
use netcommon::{Error, ErrorKind};

use super::flow::{Outcome, Run};

/// The gravest of what went wrong: a connection that broke, a wrong reply, a broken bound, and
/// where no bound allows it, a missing reply.
pub(super) fn judge(run: &Run, tally: &Tally, outcomes: Vec<Outcome>) -> Result<(), Error> {
    if tally.counts.unsent > 0 {
        log::warn!(
            "the path did not take messages as fast as they were due: {} were never sent",
            tally.counts.unsent
        );
    }
    let (mut difference, mut error) = (None, None);
    for outcome in outcomes {
        difference = difference.or(outcome.difference);
        error = graver(error, outcome.error);
    }
    if let Some(error) = error {
        return Err(error);
    }
    if let Some((number, difference)) = difference {
        let (server, corrupted) = (&run.server, tally.counts.corrupted);
        return Err(failed(format!(
            "{corrupted} replies of {server} are corrupted; message {number}: {difference}"
        )));
    }
    run.plan.bounds.check(tally)?;
    check_answers(run, tally)
}

/// The first, unless nobody reads standard output any more: that ends the program quietly.
fn graver(first: Option<Error>, second: Option<Error>) -> Option<Error> {
    let is_quiet = |error: &Error| error.kind() == ErrorKind::OutputClosed;
    match second {
        Some(second) if is_quiet(&second) => Some(second),
        second => first.or(second),
    }
}

/// TCP loses nothing: a reply that does not come is a server that does not answer.
fn check_answers(run: &Run, tally: &Tally) -> Result<(), Error> {
    let (server, counts) = (&run.server, tally.counts);
    if counts.lost > 0 && run.plan.bounds.max_loss.is_none() {
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
