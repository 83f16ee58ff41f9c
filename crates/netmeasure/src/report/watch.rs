//! Puts together what the measuring threads report, interval by interval.

use std::collections::VecDeque;
use std::time::Duration;

use netcommon::Error;
use netcommon::openmetrics::INTERVAL;
use netcommon::output::Style;
use netcommon::units::show_duration;

use super::status::Status;
use super::{Event, Interval};
use crate::counts::Counts;
use crate::outcome::{Outcome, Progress, Trips};
use crate::run::Run;
use crate::schedule::Schedule;

/// Interval at which the line on a terminal is drawn.
const STATUS: Duration = Duration::from_millis(500);

/// Reports while flows measure: an interval line every `--report`, else a status line on a
/// terminal, unless each reply has a line of its own. Metrics are written as often, or every
/// [`INTERVAL`].
pub struct Watch<'a> {
    run: &'a Run,
    period: Option<Duration>,
    says_intervals: bool,
    is_stream: bool,
    status: Status,
    threads: Vec<Thread>,
    intervals: u32,
    last: Counts,
    /// When metrics are written next.
    next_write: Duration,
    /// Round trips of threads that ended since the last interval.
    rest: Trips,
}

/// The last known progress of one measuring thread.
#[derive(Default)]
struct Thread {
    progress: VecDeque<Progress>,
    /// All that it found, once it is done.
    total: Progress,
    is_done: bool,
}

impl<'a> Watch<'a> {
    /// For a measurement on `threads` threads.
    pub fn new(run: &'a Run, threads: usize) -> Self {
        let plan = &run.plan;
        let is_quiet =
            run.output.style != Style::Text || plan.shows_replies || plan.report.is_some();
        let status = Status::new(!is_quiet);
        let status_period = status.is_visible().then_some(STATUS);
        let metrics_period = run.metrics.are_written().then_some(INTERVAL);
        Self {
            run,
            period: plan.report.or(status_period).or(metrics_period),
            says_intervals: plan.report.is_some(),
            is_stream: plan.schedule == Schedule::Unpaced,
            status,
            threads: (0..threads).map(|_| Thread::default()).collect(),
            intervals: 0,
            last: Counts::default(),
            next_write: plan.report.unwrap_or(INTERVAL),
            rest: Trips::default(),
        }
    }

    /// The length of an interval, if anything is said of it.
    pub fn period(&self) -> Option<Duration> {
        self.period
    }

    /// Takes a thread's report on its next interval.
    ///
    /// # Errors
    ///
    /// A standard output that takes no more.
    pub fn note(&mut self, thread: usize, progress: Progress) -> Result<(), Error> {
        self.threads[thread].progress.push_back(progress);
        self.say_complete()
    }

    /// A thread is done, with this outcome.
    ///
    /// # Errors
    ///
    /// A standard output that takes no more.
    pub fn end(&mut self, thread: usize, outcome: &Outcome) -> Result<(), Error> {
        self.rest.merge(outcome.interval_trips);
        let thread = &mut self.threads[thread];
        thread.is_done = true;
        thread.total = Progress {
            counts: outcome.counts,
            trips: Trips::default(),
            buckets: outcome.latencies.buckets(),
        };
        self.say_complete()
    }

    /// Says the intervals for which every thread has reported or is done.
    fn say_complete(&mut self) -> Result<(), Error> {
        while let Some(progress) = self.next_interval() {
            let from = self.end_of(self.intervals);
            self.intervals += 1;
            let to = self.end_of(self.intervals);
            self.write_metrics(to, &progress);
            self.say(from, to, progress.counts, progress.trips)?;
        }
        Ok(())
    }

    fn end_of(&self, interval: u32) -> Duration {
        self.period.unwrap_or_default().saturating_mul(interval)
    }

    fn write_metrics(&mut self, now: Duration, progress: &Progress) {
        let metrics = &self.run.metrics;
        if metrics.are_written() && now >= self.next_write {
            self.next_write = now + self.run.plan.report.unwrap_or(INTERVAL);
            metrics.set(&progress.counts, progress.buckets);
            metrics.write();
        }
    }

    fn next_interval(&mut self) -> Option<Progress> {
        let has_news = |thread: &Thread| !thread.progress.is_empty();
        let is_complete = self
            .threads
            .iter()
            .all(|thread| has_news(thread) || thread.is_done);
        if !is_complete || !self.threads.iter().any(has_news) {
            return None;
        }
        let mut sum = Progress {
            trips: std::mem::take(&mut self.rest),
            ..Progress::default()
        };
        for thread in &mut self.threads {
            sum.merge(&thread.progress.pop_front().unwrap_or(thread.total));
        }
        Some(sum)
    }

    fn say(
        &mut self,
        from: Duration,
        to: Duration,
        counts: Counts,
        trips: Trips,
    ) -> Result<(), Error> {
        let interval = Interval::new(from, to, counts - self.last, trips, self.is_stream);
        self.last = counts;
        if self.says_intervals {
            return self.run.output.say(&Event::Interval(interval));
        }
        let (time, rates) = (to.as_secs(), interval.rates(self.run.output.language));
        let time = show_duration(Duration::from_secs(time));
        self.status.show(format!("{time} {rates}"));
        Ok(())
    }

    /// Says what came behind the last whole interval, when every thread is done after `last`.
    ///
    /// # Errors
    ///
    /// A standard output that takes no more.
    pub fn finish(mut self, last: Duration) -> Result<(), Error> {
        self.status.clear();
        let counts = self
            .threads
            .iter()
            .fold(Counts::default(), |sum, thread| sum + thread.total.counts);
        if !self.says_intervals || counts == self.last {
            return Ok(());
        }
        let from = self.end_of(self.intervals);
        let rest = std::mem::take(&mut self.rest);
        self.say(from, last.max(from), counts, rest)
    }
}
