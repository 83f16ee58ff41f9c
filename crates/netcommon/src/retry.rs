//! Trying again until it works, or until the time for it is over.

use std::sync::mpsc;
use std::time::Duration;

use crate::deadline::Deadline;
use crate::error::{Error, ErrorKind};
use crate::units::show_duration;

/// Between the first try and the second; each further pause is twice as long as the last.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Tries that share one time, whatever they try.
#[derive(Debug)]
pub struct Retry {
    limit: Option<Duration>,
    end: Deadline,
    failures: u32,
    pause: Duration,
}

impl Retry {
    /// Tries for so long from now; `None` is a single try, however long it takes.
    pub fn new(limit: Option<Duration>) -> Self {
        Self {
            limit,
            end: Deadline::after(limit),
            failures: 0,
            pause: FIRST_PAUSE,
        }
    }

    /// The same, with an end that may come sooner.
    #[must_use]
    pub fn ending_by(mut self, end: Deadline) -> Self {
        self.end = self.end.sooner(end);
        if let (Some(limit), Some(left)) = (&mut self.limit, end.left()) {
            *limit = left.min(*limit);
        }
        self
    }

    /// Whether there may be more than one.
    pub fn is_repeated(&self) -> bool {
        self.limit.is_some()
    }

    /// The result of the first try that works, or fails for a reason that does not pass. A try has to
    /// end by the deadline that it is given.
    ///
    /// # Errors
    ///
    /// The error of the last try; where there was time for several, with their number.
    pub fn run<T>(
        &mut self,
        mut attempt: impl FnMut(Deadline) -> Result<T, Error>,
    ) -> Result<T, Error> {
        loop {
            let error = match attempt(self.end) {
                Err(error) if passes(error.kind()) => error,
                result => return result,
            };
            let Some(limit) = self.limit else {
                return Err(error);
            };
            self.failures += 1;
            let tries = self.failures;
            log::info!("try {tries}: {error}");
            wait(self.pause.min(self.end.left().unwrap_or_default()));
            if self.end.is_over() {
                let word = if tries == 1 { "try" } else { "tries" };
                let limit = show_duration(limit);
                return Err(error.behind(format!("after {tries} {word} in {limit}")));
            }
            self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        }
    }
}

/// Whether the next try may end otherwise.
fn passes(kind: ErrorKind) -> bool {
    use ErrorKind as Kind;
    matches!(
        kind,
        Kind::NotResolved | Kind::Refused | Kind::TimedOut | Kind::Unreachable | Kind::Reset
    )
}

/// Waits for a message that nobody sends; a signal may end the process meanwhile.
fn wait(pause: Duration) {
    let (_sender, nothing) = mpsc::channel::<()>();
    let _ = nothing.recv_timeout(pause);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(kind: ErrorKind) -> Result<(), Error> {
        Err(Error::new(kind, "it fails"))
    }

    #[test]
    fn a_passing_failure_is_tried_again_until_it_works() {
        let mut tries = 0;
        let result = Retry::new(Some(Duration::from_secs(600))).run(|end| {
            tries += 1;
            assert!(!end.is_over());
            if tries < 3 {
                failure(ErrorKind::Refused)
            } else {
                Ok(())
            }
        });
        assert!(result.is_ok() && tries == 3);
    }

    #[test]
    fn the_error_tells_the_number_of_tries_and_the_last_reason() {
        let mut tries = 0;
        let mut retry = Retry::new(Some(Duration::from_secs(2)));
        let result = retry.run(|_| {
            tries += 1;
            failure(if tries == 1 {
                ErrorKind::NotResolved
            } else {
                ErrorKind::Unreachable
            })
        });
        let error = result.unwrap_err();
        assert!(tries > 1);
        assert_eq!(error.kind(), ErrorKind::Unreachable);
        assert_eq!(
            error.to_string(),
            format!("after {tries} tries in 2s: it fails (unreachable)")
        );
    }

    #[test]
    fn a_failure_that_does_not_pass_and_a_single_try_are_as_they_were() {
        for (limit, kind) in [
            (Some(Duration::from_secs(600)), ErrorKind::LocalLimit),
            (Some(Duration::from_secs(600)), ErrorKind::Usage),
            (None, ErrorKind::Refused),
        ] {
            let error = Retry::new(limit).run(|_| failure(kind)).unwrap_err();
            assert_eq!(error.to_string(), format!("it fails ({})", kind.word()));
        }
    }
}
