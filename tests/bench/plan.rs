//! The settings of a run: builds, lengths, counts.

use std::env;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// The settings of a run.
pub(crate) struct Plan {
    /// The heading of the report: the machine, and the versions of the peers.
    pub(crate) machine: String,
    /// The programs of this build.
    pub(crate) ours: PathBuf,
    /// Those of the build to compare with.
    pub(crate) other: Option<PathBuf>,
    pub(crate) rounds: u16,
    /// Length of each measurement.
    pub(crate) length: Duration,
    /// A contender without progress for so long has stalled.
    pub(crate) patience: Duration,
    /// Makes the largest counts of clients and datagrams smaller.
    pub(crate) divisor: usize,
    /// No measurement begins after this.
    pub(crate) deadline: Option<Instant>,
}

impl Plan {
    /// For figures that are published.
    pub(crate) fn thorough() -> io::Result<Self> {
        Ok(Self {
            machine: String::new(),
            ours: env::current_exe()?.with_file_name(""),
            other: None,
            rounds: 5,
            length: Duration::from_secs(3),
            patience: Duration::from_secs(10),
            divisor: 1,
            deadline: None,
        })
    }

    pub(crate) fn quick() -> io::Result<Self> {
        Ok(Self {
            rounds: 1,
            length: Duration::from_millis(250),
            patience: Duration::from_millis(1500),
            divisor: 5,
            deadline: Some(Instant::now() + Duration::from_secs(100)),
            ..Self::thorough()?
        })
    }

    pub(crate) fn is_over(&self) -> bool {
        self.deadline
            .is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// The directory of results that are not recorded, and of intermediate files.
    pub(crate) fn scratch(&self) -> io::Result<PathBuf> {
        let place = self.ours.with_file_name("bench");
        fs::create_dir_all(&place)?;
        Ok(place)
    }
}
