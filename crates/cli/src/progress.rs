//! A progress bar over the bytes of the input: on a terminal only, none in a pipe.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// What is done by then needs no bar, which would only flicker.
const PATIENCE: Duration = Duration::from_millis(500);

/// How far the input has been read; draws on stderr, or not at all.
pub(crate) struct Progress {
    wanted: bool,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Drawn when stderr is a terminal.
    pub(crate) fn shown() -> Self {
        Self {
            wanted: std::io::stderr().is_terminal(),
            bar: None,
        }
    }

    /// For a command that prints while it reads: its lines and a bar on one terminal would mix.
    pub(crate) fn beside_output() -> Self {
        let mut progress = Self::shown();
        progress.wanted &= !std::io::stdout().is_terminal();
        progress
    }

    /// Work of unknown length.
    pub(crate) fn busy(what: &'static str) -> Self {
        let mut progress = Self::shown();
        if progress.wanted {
            let bar = ProgressBar::new_spinner().with_message(what);
            bar.enable_steady_tick(Duration::from_millis(100));
            progress.bar = Some(bar);
        }
        progress
    }

    /// The same for an input of `len` bytes; 0 is an unknown length (a pipe), which draws nothing.
    pub(crate) fn over(mut self, len: u64) -> Self {
        if self.wanted && len > 0 {
            let style = ProgressStyle::with_template(
                "{wide_bar} {percent:>3} %  {bytes} of {total_bytes}  {eta} left",
            )
            .unwrap_or_else(|_| ProgressStyle::default_bar());
            let hidden = ProgressDrawTarget::hidden();
            self.bar = Some(ProgressBar::with_draw_target(Some(len), hidden).with_style(style));
        }
        self
    }

    pub(crate) fn advance(&self, bytes: u64) {
        if let Some(bar) = &self.bar {
            bar.inc(bytes);
            if bar.is_hidden() && bar.elapsed() > PATIENCE {
                bar.set_draw_target(ProgressDrawTarget::stderr());
            }
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}
