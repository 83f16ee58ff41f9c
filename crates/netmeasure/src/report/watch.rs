//! Puts together what the measuring threads report, interval by interval.

use std::collections::VecDeque;
use std::mem;
use std::time::Duration;

use netcommon::Error;
use netcommon::openmetrics::INTERVAL;
use netcommon::output::Style;
use netcommon::units::show_duration;

use super::status::Status;
use super::{Event, Interval};
use crate::outcome::{Progress, Trips};
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
    last: Progress,
    /// When metrics are written next.
    next_write: Duration,
    /// Round trips of threads that ended since the last interval.
    rest: Trips,
}

/// The last known progress of one measuring thread.
#[derive(Default)]
struct Thread {
    progress: VecDeque<Progress>,
    /// At its end.
    end: Option<Progress>,
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
            last: Progress::default(),
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

    /// A thread is done, with these figures in all, and round trips since its last interval.
    ///
    /// # Errors
    ///
    /// A standard output that takes no more.
    pub fn end(&mut self, thread: usize, mut progress: Progress) -> Result<(), Error> {
        self.rest.merge(mem::take(&mut progress.trips));
        self.threads[thread].end = Some(progress);
        self.say_complete()
    }

    /// Says the intervals for which every thread has reported or is done.
    fn say_complete(&mut self) -> Result<(), Error> {
        while let Some(progress) = self.next_interval() {
            let from = self.end_of(self.intervals);
            self.intervals += 1;
            let to = self.end_of(self.intervals);
            self.write_metrics(to, &progress);
            self.say(from, to, progress)?;
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

    /// The figures at the end of the next interval, and the round trips in it.
    fn next_interval(&mut self) -> Option<Progress> {
        let has_news = |thread: &Thread| !thread.progress.is_empty();
        let is_complete = self
            .threads
            .iter()
            .all(|thread| has_news(thread) || thread.end.is_some());
        if !is_complete || !self.threads.iter().any(has_news) {
            return None;
        }
        let mut progress = Progress {
            trips: mem::take(&mut self.rest),
            ..Progress::default()
        };
        for thread in &mut self.threads {
            let next = thread.progress.pop_front().or(thread.end);
            progress.merge(next.unwrap_or_default());
        }
        Some(progress)
    }

    fn say(&mut self, from: Duration, to: Duration, progress: Progress) -> Result<(), Error> {
        let interval = Interval::new(from, to, progress.since(&self.last), self.is_stream);
        self.last = progress;
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
        let mut progress = Progress {
            trips: mem::take(&mut self.rest),
            ..Progress::default()
        };
        let ends = self.threads.iter().filter_map(|thread| thread.end);
        ends.for_each(|end| progress.merge(end));
        let is_told =
            |last: &Progress| (last.counts, last.bytes) == (progress.counts, progress.bytes);
        if !self.says_intervals || is_told(&self.last) {
            return Ok(());
        }
        let from = self.end_of(self.intervals);
        self.say(from, last.max(from), progress)
    }
}
