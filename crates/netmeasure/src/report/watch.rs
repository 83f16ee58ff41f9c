//! Puts together what the measuring threads report, interval by interval.

use std::collections::VecDeque;
use std::time::Duration;

use netcommon::Error;
use netcommon::output::{Output, Style};
use netcommon::units::show_duration;

use super::status::Status;
use super::{Event, Interval};
use crate::counts::Counts;
use crate::outcome::{Progress, Trips};
use crate::plan::Plan;
use crate::schedule::Schedule;

/// Interval at which the line on a terminal is drawn.
const STATUS: Duration = Duration::from_millis(500);

/// Reports while flows measure: an interval line every `--report`, else a status line on a
/// terminal, unless each reply has a line of its own.
pub struct Watch<'a> {
    output: &'a Output,
    period: Option<Duration>,
    says_intervals: bool,
    is_stream: bool,
    status: Status,
    threads: Vec<Thread>,
    intervals: u32,
    last: Counts,
    /// Round trips of threads that ended since the last interval.
    rest: Trips,
}

/// The last known progress of one measuring thread.
#[derive(Default)]
struct Thread {
    progress: VecDeque<Progress>,
    counts: Counts,
    is_done: bool,
}

impl<'a> Watch<'a> {
    /// For a measurement on `threads` threads.
    pub fn new(output: &'a Output, plan: &Plan, threads: usize) -> Self {
        let is_quiet = output.style != Style::Text || plan.shows_replies || plan.report.is_some();
        let status = Status::new(!is_quiet);
        Self {
            output,
            period: plan.report.or(status.is_visible().then_some(STATUS)),
            says_intervals: plan.report.is_some(),
            is_stream: plan.schedule == Schedule::Unpaced,
            status,
            threads: (0..threads).map(|_| Thread::default()).collect(),
            intervals: 0,
            last: Counts::default(),
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

    /// A thread is done, with these counts in all.
    ///
    /// # Errors
    ///
    /// A standard output that takes no more.
    pub fn end(&mut self, thread: usize, counts: Counts, rest: Trips) -> Result<(), Error> {
        self.rest.merge(rest);
        let thread = &mut self.threads[thread];
        (thread.is_done, thread.counts) = (true, counts);
        self.say_complete()
    }

    /// Says the intervals for which every thread has reported or is done.
    fn say_complete(&mut self) -> Result<(), Error> {
        while let Some((counts, trips)) = self.next_interval() {
            let from = self.end_of(self.intervals);
            self.intervals += 1;
            let to = self.end_of(self.intervals);
            self.say(from, to, counts, trips)?;
        }
        Ok(())
    }

    fn end_of(&self, interval: u32) -> Duration {
        self.period.unwrap_or_default().saturating_mul(interval)
    }

    fn next_interval(&mut self) -> Option<(Counts, Trips)> {
        let has_news = |thread: &Thread| !thread.progress.is_empty();
        let is_complete = self
            .threads
            .iter()
            .all(|thread| has_news(thread) || thread.is_done);
        if !is_complete || !self.threads.iter().any(has_news) {
            return None;
        }
        let (mut counts, mut trips) = (Counts::default(), std::mem::take(&mut self.rest));
        for thread in &mut self.threads {
            if let Some(progress) = thread.progress.pop_front() {
                counts += progress.counts;
                trips.merge(progress.trips);
            } else {
                counts += thread.counts;
            }
        }
        Some((counts, trips))
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
            return self.output.say(&Event::Interval(interval));
        }
        let (time, rates) = (to.as_secs(), interval.rates(self.output.language));
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
            .fold(Counts::default(), |sum, thread| sum + thread.counts);
        if !self.says_intervals || counts == self.last {
            return Ok(());
        }
        let from = self.end_of(self.intervals);
        let rest = std::mem::take(&mut self.rest);
        self.say(from, last.max(from), counts, rest)
    }
}
