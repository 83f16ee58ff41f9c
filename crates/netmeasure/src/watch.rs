//! Waits for the measuring threads, and reports meanwhile.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use crate::events::show_rates;
use crate::live::Reading;
use crate::status::Status;
use crate::{Event, Interval, Live, Plan};
use netcommon::error::Error;
use netcommon::output::{Output, Style};
use netcommon::units::show_duration;

/// How often the line on a terminal is drawn.
const STATUS: Duration = Duration::from_millis(500);

/// Longer than any wait.
const NEVER: Duration = Duration::from_secs(1 << 30);

/// What is said while flows measure: an interval line every `--report`, else a status line on a
/// terminal, unless each reply has a line of its own.
pub struct Watch<'a> {
    output: &'a Output,
    live: &'a [Live],
    start: Instant,
    report: Option<Duration>,
    status: Status,
    intervals: u32,
    from: Duration,
    last: Reading,
}

impl<'a> Watch<'a> {
    /// Watches the flows behind `live` from `start` on.
    pub fn new(output: &'a Output, live: &'a [Live], start: Instant, plan: &Plan) -> Self {
        let is_quiet = output.style != Style::Text || plan.shows_replies || plan.report.is_some();
        Self {
            output,
            live,
            start,
            report: plan.report,
            status: Status::new(!is_quiet),
            intervals: 0,
            from: Duration::ZERO,
            last: Reading::default(),
        }
    }

    /// Waits until every sender of `outcomes` has sent what it has, or is gone.
    ///
    /// # Errors
    ///
    /// A standard output that takes no more.
    pub fn collect<T>(mut self, outcomes: &Receiver<T>) -> Result<Vec<T>, Error> {
        let mut collected = Vec::new();
        loop {
            match outcomes.recv_timeout(self.next_wait()) {
                Ok(outcome) => collected.push(outcome),
                Err(RecvTimeoutError::Timeout) => self.speak()?,
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        self.status.clear();
        if self.report.is_some() && Reading::of(self.live, false) != self.last {
            self.say_interval(self.start.elapsed())?;
        }
        Ok(collected)
    }

    fn next_wait(&self) -> Duration {
        match self.due() {
            Some(due) => due.saturating_sub(self.start.elapsed()),
            None if self.status.is_visible() => STATUS,
            None => NEVER,
        }
    }

    fn due(&self) -> Option<Duration> {
        self.report
            .map(|report| report.saturating_mul(self.intervals + 1))
    }

    fn speak(&mut self) -> Result<(), Error> {
        match self.due() {
            Some(due) if due <= self.start.elapsed() => self.say_interval(due),
            Some(_) => Ok(()),
            None => {
                self.show_status();
                Ok(())
            }
        }
    }

    fn say_interval(&mut self, to: Duration) -> Result<(), Error> {
        let now = Reading::of(self.live, true);
        let interval = interval((self.from, self.last), (to, now));
        self.intervals += 1;
        self.from = to;
        self.last = Reading {
            latency_max_ns: 0,
            ..now
        };
        self.output.say(&Event::Interval(interval))
    }

    fn show_status(&mut self) {
        let (now, to) = (Reading::of(self.live, true), self.start.elapsed());
        let interval = interval((self.from, self.last), (to, now));
        (self.from, self.last) = (to, now);
        let rates = show_rates(
            self.output.language,
            interval.messages_per_s,
            interval.bytes_per_s,
        );
        let time = Duration::from_secs(to.as_secs());
        self.status.show(format!("{} {rates}", show_duration(time)));
    }
}

fn interval(from: (Duration, Reading), to: (Duration, Reading)) -> Interval {
    let ((from, before), (to, now)) = (from, to);
    let seconds = to.saturating_sub(from).as_secs_f64().max(1e-9);
    let received = now.received - before.received;
    let bytes_received = now.bytes_received - before.bytes_received;
    let latencies = now.latency_sum_ns.wrapping_sub(before.latency_sum_ns);
    let measured = received > 0 && now.latency_max_ns > 0;
    Interval {
        from_s: from.as_secs_f64(),
        to_s: to.as_secs_f64(),
        sent: now.sent - before.sent,
        received,
        lost: now.lost,
        bytes_sent: now.bytes_sent - before.bytes_sent,
        bytes_received,
        messages_per_s: received as f64 / seconds,
        bytes_per_s: bytes_received as f64 / seconds,
        rtt_mean_s: measured.then(|| latencies as f64 / received as f64 / 1e9),
        rtt_max_s: measured.then(|| now.latency_max_ns as f64 / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_holds_what_passed_in_it() {
        let flows = Live::of_flows(2);
        flows[0].count_sent(3, 30);
        flows[0].count_reply(Some(Duration::from_micros(100)));
        let before = Reading::of(&flows, true);
        flows[1].count_sent(2, 20);
        flows[1].count_reply(Some(Duration::from_micros(10)));
        flows[0].count_reply(Some(Duration::from_micros(20)));
        flows[0].count_bytes_received(40);
        let now = Reading::of(&flows, true);
        let second = Duration::from_secs(1);
        let interval = interval((second, before), (second * 3, now));
        assert_eq!((interval.sent, interval.received), (2, 2));
        assert_eq!((interval.messages_per_s, interval.bytes_per_s), (1.0, 20.0));
        assert_eq!(interval.rtt_mean_s, Some(15e-6));
        assert_eq!(interval.rtt_max_s, Some(20e-6));
    }
}
