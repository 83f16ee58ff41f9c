//! The line on a terminal while nothing else is said.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A line on standard error that is drawn over again, and gone at the end.
pub(super) struct Status(ProgressBar);

impl Status {
    /// Hidden where standard error is no terminal.
    pub(super) fn new(visible: bool) -> Self {
        let target = match visible {
            true => ProgressDrawTarget::stderr(),
            false => ProgressDrawTarget::hidden(),
        };
        let bar = ProgressBar::with_draw_target(None, target);
        match ProgressStyle::with_template("{msg}") {
            Ok(style) => bar.set_style(style),
            Err(error) => log::debug!("the plain status line has to do: {error}"),
        }
        Self(bar)
    }

    pub(super) fn is_visible(&self) -> bool {
        !self.0.is_hidden()
    }

    pub(super) fn show(&self, text: String) {
        self.0.set_message(text);
        self.0.tick();
    }

    pub(super) fn clear(&self) {
        self.0.finish_and_clear();
    }
}
