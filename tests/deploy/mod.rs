//! Operation: metrics, and the files of docs/deploy.
//!
//! - `metrics`: what `--openmetrics` writes, and when
//! - `unwritable`: files that cannot be written
//! - `checks`: the timer, the cron line and the Nagios plugin
//! - `manifests`: the container image and Kubernetes, as far as that goes without either
//! - `static_programs`: alone on a root with nothing else

mod checks;
mod manifests;
mod metrics;
mod static_programs;
mod unwritable;

use std::fs;
use std::path::{Path, PathBuf};

/// A file of docs/deploy.
fn deployed(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../docs/deploy")
        .join(name)
}

fn text_of(name: &str) -> String {
    fs::read_to_string(deployed(name)).unwrap()
}
