//! The end of a measurement: its summary, and how it can fail.

use std::collections::BTreeMap;

use netcommon::options::RCVBUF_HINT;
use netcommon::units::show_duration;
use netcommon::{Error, ErrorKind};

use crate::outcome::Outcome;
use crate::report::{Event, StreamSummary, Summary};
use crate::run::Run;
use crate::schedule::Schedule;

/// Meaning of a lost message where the user sets no bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// TCP loses nothing: a reply that does not come is a server that does not answer.
    Fails,
    /// UDP may: loss is what is measured.
    IsMeasured,
}

/// Sums a measurement up, and judges it.
///
/// # Errors
///
/// The gravest of what went wrong: no answer at all, a flow that broke, a wrong reply, a broken
/// bound, a missing reply.
pub fn conclude(run: &Run, outcome: Outcome, loss: Loss) -> Result<(), Error> {
    let is_stream = run.plan.schedule == Schedule::Unpaced;
    let summary = if is_stream {
        Event::StreamSummary(Box::new(StreamSummary::new(run, &outcome)))
    } else {
        Event::Summary(Box::new(Summary::new(run, &outcome)))
    };
    run.output.say(&summary)?;
    warn_of_broken(&outcome);
    warn_of_drops(&outcome);
    if !is_stream {
        warn_of_unsent(&outcome);
    }
    judge(run, outcome, loss, is_stream)
}

fn warn_of_unsent(outcome: &Outcome) {
    let unsent = outcome.counts.unsent;
    if unsent > 0 {
        log::warn!(
            "{unsent} messages that were due were never sent: the path did not take them, or this \
             program was stopped"
        );
    }
}

fn warn_of_drops(outcome: &Outcome) {
    if let Some(dropped @ 1..) = outcome.dropped {
        log::warn!("the kernel dropped {dropped} replies on this side; {RCVBUF_HINT}");
    }
}

/// Each reason once, with the flows that it ended.
fn warn_of_broken(outcome: &Outcome) {
    let mut flows: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for broken in &outcome.broken {
        let ended = flows.entry(broken.error.to_string()).or_default();
        ended.push(broken.flow.to_string());
    }
    // The last line of the program says it of the only flow.
    for (reason, flows) in flows.iter().filter(|_| outcome.broken.len() > 1) {
        let shown = flows[..flows.len().min(8)].join(", ");
        let more = if flows.len() > 8 { ", …" } else { "" };
        log::warn!(
            "{} flows ended early ({shown}{more}): {reason}",
            flows.len()
        );
    }
}

fn judge(run: &Run, mut outcome: Outcome, loss: Loss, is_stream: bool) -> Result<(), Error> {
    let counts = outcome.counts;
    let is_answered = counts.received + counts.late + counts.corrupted > 0;
    if let Some(broken) = first_broken(&mut outcome) {
        return Err(broken);
    }
    if let Some(corruption) = outcome.corruption {
        return Err(failed(format!(
            "{} of {} replies of {} are corrupted; {corruption}",
            counts.corrupted,
            counts.corrupted + counts.received + counts.late,
            run.server
        )));
    }
    if let Some(error) = outcome.passing.filter(|_| !is_answered) {
        return Err(error);
    }
    run.plan.bounds.check(&counts, &outcome.latencies)?;
    if is_stream && counts.bytes_received > 0 {
        return Ok(());
    }
    if counts.lost > 0 && loss == Loss::Fails && run.plan.bounds.max_loss.is_none() {
        return Err(unanswered(run, counts.lost, counts.sent));
    }
    if is_answered {
        Ok(())
    } else {
        Err(failed(format!("{} sent no reply", run.server)))
    }
}

fn first_broken(outcome: &mut Outcome) -> Option<Error> {
    outcome.broken.sort_by_key(|broken| broken.flow);
    let first = outcome.broken.drain(..).next();
    first.map(|broken| broken.error)
}

fn unanswered(run: &Run, lost: u64, sent: u64) -> Error {
    let (server, wait) = (&run.server, show_duration(run.plan.wait));
    let message =
        format!("timed out: {lost} of {sent} messages got no reply of {server} in {wait}");
    Error::new(ErrorKind::TimedOut, message)
}

fn failed(what: String) -> Error {
    Error::new(ErrorKind::CheckFailed, format!("check failed: {what}"))
}
