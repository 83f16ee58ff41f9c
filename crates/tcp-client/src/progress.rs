//! The progress bar on a terminal.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Bytes, rate and time left, drawn on standard error; clones are the same bar.
#[derive(Clone)]
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// Without a length there is no bar, but bytes and rate.
    pub(crate) fn new(visible: bool, length: Option<u64>) -> Self {
        let target = if visible {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(length, target);
        let template = match length {
            Some(_) => "{bytes}/{total_bytes} [{bar:30}] {bytes_per_sec}, {eta} left",
            None => "{bytes} {bytes_per_sec}",
        };
        match ProgressStyle::with_template(template) {
            Ok(style) => bar.set_style(style.progress_chars("=> ")),
            Err(error) => log::debug!("the plain progress bar has to do: {error}"),
        }
        Self(bar)
    }

    pub(crate) fn set(&self, bytes: u64) {
        self.0.set_position(bytes);
    }

    pub(crate) fn clear(&self) {
        self.0.finish_and_clear();
    }
}
