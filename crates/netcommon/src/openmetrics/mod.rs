//! Metrics in a text file, for Prometheus: what `--openmetrics` asks for.
//!
//! A file whose name ends in `.prom` has the Prometheus text format (0.0.4): the textfile collector of
//! node_exporter reads no other, and only files of that name. Any other file is OpenMetrics 1.0.
//!
//! Every metric begins with the name of the program, and has the label `target`: two programs on one
//! machine stay apart. `instance` and `job` are Prometheus's own, set when it scrapes. No label tells
//! of a peer: their number has no bound.
//!
//! # Layout
//!
//! - [`Metrics`]: the metrics of a program, and when they are written
//! - [`Traffic`]: payload bytes, which every program counts
//! - [`States`]: a metric with one label of a few known values
//! - `file`: a file that is replaced as a whole

mod file;
mod states;
mod traffic;

use std::fmt;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

pub use prometheus_client::metrics::{counter::Counter, gauge::Gauge};
pub use prometheus_client::registry::Unit;

use prometheus_client::encoding::{prometheus_text, text};
use prometheus_client::registry::{Metric, Registry};

use crate::error::{Error, ErrorKind, reason};
use crate::payload::one_line;
use crate::warning::RateLimitedWarning;

use file::WholeFile;
pub use states::States;
pub use traffic::Traffic;

/// Time between two writes, where the user asks for no other.
pub const INTERVAL: Duration = Duration::from_secs(15);

/// The `kind` of the end of a program that has not failed.
const GOOD_END: &str = "ok";

/// The least time between two warnings of a file that cannot be written.
const WARNING_INTERVAL: Duration = Duration::from_secs(60);

/// The metrics of a program. Where no file was asked for they are counted all the same, and written
/// nowhere.
#[derive(Clone, Default)]
pub struct Metrics {
    shared: Option<Arc<Shared>>,
}

struct Shared {
    prefix: String,
    file: WholeFile,
    encode: fn(&mut String, &Registry) -> fmt::Result,
    contents: Mutex<Contents>,
    warning: RateLimitedWarning,
}

#[derive(Default)]
struct Contents {
    registry: Registry,
    is_final: bool,
}

impl Metrics {
    /// The metrics of `program`, to be written to `path`, which nothing is written to yet.
    ///
    /// # Errors
    ///
    /// A path that no file can have is a usage error; a folder that cannot be written is a local limit.
    pub(crate) fn open(program: &str, path: Option<&Path>) -> Result<Self, Error> {
        let Some(path) = path else {
            return Ok(Self::default());
        };
        let is_prometheus = path.extension().is_some_and(|end| end == "prom");
        let metrics = Self {
            shared: Some(Arc::new(Shared {
                prefix: program.replace('-', "_"),
                file: WholeFile::prepare(path)?,
                encode: if is_prometheus {
                    prometheus_text::encode
                } else {
                    text::encode
                },
                contents: Mutex::default(),
                warning: RateLimitedWarning::new(WARNING_INTERVAL),
            })),
        };
        metrics.start_over(None);
        Ok(metrics)
    }

    /// Whether they are written anywhere.
    pub fn are_written(&self) -> bool {
        self.shared.is_some()
    }

    /// The target that all metrics have as a label: to be set before the first of them is registered.
    pub fn set_target(&self, target: impl fmt::Display) {
        self.start_over(Some(one_line(target)));
    }

    fn start_over(&self, target: Option<String>) {
        if let Some(shared) = &self.shared {
            let labels = target.map(|target| ("target".into(), target.into()));
            let registry =
                Registry::with_prefix_and_labels(shared.prefix.as_str(), labels.into_iter());
            shared.lock().registry = registry;
        }
    }

    /// Adds a metric; `help` is a sentence without its full stop.
    pub fn register(&self, name: &str, help: &str, unit: Option<Unit>, metric: impl Metric) {
        let Some(shared) = &self.shared else {
            return;
        };
        let registry = &mut shared.lock().registry;
        match unit {
            Some(unit) => registry.register_with_unit(name, help, unit, metric),
            None => registry.register(name, help, metric),
        }
    }

    /// A counter, whose name gets the end `_total`.
    pub fn counter(&self, name: &str, help: &str) -> Counter {
        let counter = Counter::default();
        self.register(name, help, None, counter.clone());
        counter
    }

    /// A counter of bytes, whose name gets the end `_bytes_total`.
    pub fn bytes(&self, name: &str, help: &str) -> Counter {
        let counter = Counter::default();
        self.register(name, help, Some(Unit::Bytes), counter.clone());
        counter
    }

    /// A number that goes up and down.
    pub fn gauge(&self, name: &str, help: &str) -> Gauge {
        let gauge = Gauge::default();
        self.register(name, help, None, gauge.clone());
        gauge
    }

    /// Replaces the file. A failure is a warning: what is measured or served goes on.
    pub fn write(&self) {
        if let Some(shared) = &self.shared {
            shared.write(&shared.lock());
        }
    }

    /// Replaces the file every [`INTERVAL`] from now on.
    ///
    /// # Errors
    ///
    /// A thread that the system refuses.
    pub fn write_regularly(&self) -> Result<(), Error> {
        if !self.are_written() {
            return Ok(());
        }
        let metrics = self.clone();
        let work = move || {
            loop {
                thread::sleep(INTERVAL);
                metrics.write();
            }
        };
        let builder = thread::Builder::new().name("metrics".to_owned());
        let started = builder.spawn(work).map(drop);
        started.map_err(|error| Error::thread("cannot start a thread that writes metrics", error))
    }

    /// Writes for the last time, with how the program ended: `None` is well.
    pub(crate) fn finish(&self, failure: Option<ErrorKind>) {
        let Some(shared) = &self.shared else {
            return;
        };
        let help = "How the program ended: 1 for its kind, 0 for all others; absent while it runs";
        let kinds = ErrorKind::FAILURES.map(ErrorKind::word);
        let exit: States<Gauge> = States::new("kind", [GOOD_END].into_iter().chain(kinds));
        let kind = failure.map_or(GOOD_END, ErrorKind::word);
        // A reader that has left is no failure.
        if let Some(gauge) = exit.get(kind).or(exit.get(GOOD_END)) {
            gauge.set(1);
        }
        self.register("exit", help, None, exit);
        let mut contents = shared.lock();
        shared.write(&contents);
        contents.is_final = true;
    }
}

impl Shared {
    fn write(&self, contents: &Contents) {
        if contents.is_final {
            return;
        }
        let mut text = String::new();
        let encoded = (self.encode)(&mut text, &contents.registry);
        debug_assert!(encoded.is_ok(), "a string takes any text");
        if let Err(error) = self.file.replace(text.as_bytes()) {
            let (path, reason) = (self.file.path().display(), reason(&error));
            self.warning
                .warn(format_args!("cannot write metrics to '{path}': {reason}"));
        }
    }

    // No code that can panic runs under this lock.
    fn lock(&self) -> MutexGuard<'_, Contents> {
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sets a counter to what was counted elsewhere.
pub fn set(counter: &Counter, value: u64) {
    counter.inner().store(value, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// The file of a program with a counter that ended in this way.
    fn written(name: &str, target: &str, failure: Option<ErrorKind>) -> String {
        let directory = std::env::temp_dir().join(format!("openmetrics-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let path = directory.join(name);
        let metrics = Metrics::open("tcp-client", Some(&path)).unwrap();
        metrics.set_target(target);
        Traffic::register(&metrics).sent.inc_by(15);
        metrics.finish(failure);
        metrics.write();
        let text = fs::read_to_string(&path).unwrap();
        fs::remove_file(path).unwrap();
        text
    }

    #[test]
    fn a_file_is_openmetrics() {
        let text = written("metrics.txt", "localhost:1234", None);
        let begin = "# HELP tcp_client_sent_bytes Payload bytes sent.\n\
                     # TYPE tcp_client_sent_bytes counter\n\
                     # UNIT tcp_client_sent_bytes bytes\n\
                     tcp_client_sent_bytes_total{target=\"localhost:1234\"} 15\n";
        assert!(text.starts_with(begin), "{text}");
        assert!(
            text.contains("tcp_client_exit{target=\"localhost:1234\",kind=\"ok\"} 1\n"),
            "{text}"
        );
        assert!(text.ends_with("\"} 0\n# EOF\n"), "{text}");
    }

    #[test]
    fn a_file_for_node_exporter_has_the_format_that_it_reads() {
        let text = written("target.prom", "[::1]:1234", Some(ErrorKind::Refused));
        let begin = "# HELP tcp_client_sent_bytes_total Payload bytes sent.\n\
                     # TYPE tcp_client_sent_bytes_total counter\n\
                     tcp_client_sent_bytes_total{target=\"[::1]:1234\"} 15\n";
        assert!(text.starts_with(begin), "{text}");
        assert!(
            text.contains("tcp_client_exit{target=\"[::1]:1234\",kind=\"refused\"} 1\n"),
            "{text}"
        );
        assert!(!text.contains("EOF"), "{text}");
    }

    #[test]
    fn a_reader_that_has_left_is_a_good_end() {
        let text = written("closed.prom", "a:1", Some(ErrorKind::OutputClosed));
        assert!(text.contains("kind=\"ok\"} 1\n"), "{text}");
    }

    #[test]
    fn no_target_leaves_its_label() {
        let text = written("hostile.prom", "a\"} 1\nb\\\u{1b}[2J:1", None);
        let line = text.lines().find(|line| line.ends_with(" 15")).unwrap();
        let label = r#"target="a\"} 1\\nb\\\\u{1b}[2J:1""#;
        assert!(line.contains(label), "{line}");
    }
}
