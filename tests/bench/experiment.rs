//! What is measured, with whom, and what can go wrong.

use std::fmt;
use std::io::{self, ErrorKind};

/// One question, put to one of ours and to its peers.
pub(crate) struct Experiment {
    /// A word for the command line and the JSON.
    pub(crate) name: String,
    pub(crate) title: String,
    /// How it is measured, in a sentence.
    pub(crate) method: String,
    pub(crate) figures: Vec<Figure>,
    pub(crate) ours: Contender,
    pub(crate) peers: Vec<Contender>,
}

/// A program, or a pair of them, that can be asked.
pub(crate) struct Contender {
    pub(crate) name: String,
    trial: Box<dyn Fn() -> Trial>,
}

/// A value for each figure of the experiment, or why there is none.
pub(crate) type Trial = Result<Vec<f64>, Gap>;

/// One kind of number that a trial gives.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figure {
    /// A word for the JSON, with the unit in it.
    pub(crate) key: &'static str,
    pub(crate) label: &'static str,
    pub(crate) unit: Unit,
    pub(crate) better: Better,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    PerSecond,
    BytesPerSecond,
    Seconds,
    SecondsPerGigabyte,
    Bytes,
    Percent,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Better {
    More,
    Less,
}

/// Why there is no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Gap {
    /// Nothing came for as long as the plan has patience.
    Stalled,
    Failed(String),
    NotRun(&'static str),
}

impl Experiment {
    pub(crate) fn keep_peers(&mut self, keep: impl Fn(&str) -> bool) {
        self.peers.retain(|peer| keep(&peer.name));
    }
}

impl Contender {
    pub(crate) fn new(name: impl Into<String>, trial: impl Fn() -> Trial + 'static) -> Self {
        let name = name.into();
        let trial = Box::new(trial);
        Self { name, trial }
    }

    pub(crate) fn try_once(&self) -> Trial {
        (self.trial)()
    }
}

impl fmt::Display for Gap {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stalled => formatter.write_str("stalled"),
            Self::Failed(why) => write!(formatter, "failed: {why}"),
            Self::NotRun(why) => write!(formatter, "not run: {why}"),
        }
    }
}

impl From<io::Error> for Gap {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::TimedOut | ErrorKind::WouldBlock => Self::Stalled,
            _ => Self::Failed(error.to_string()),
        }
    }
}

impl From<nix::Error> for Gap {
    fn from(error: nix::Error) -> Self {
        io::Error::from(error).into()
    }
}
