//! How far the runs have come: on a terminal only, none in a pipe.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// A bar over runs, with events a second and the time that is left; draws on stderr, or not at all.
pub(crate) struct Meter {
    bar: Option<ProgressBar>,
    events: AtomicU64,
}

impl Meter {
    /// For so many runs.
    pub(crate) fn over(runs: u64) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let template = "{wide_bar} {pos} of {len} runs  {msg}  {eta} left";
            let style = ProgressStyle::with_template(template)
                .unwrap_or_else(|_| ProgressStyle::default_bar());
            let bar = ProgressBar::new(runs).with_style(style);
            bar.enable_steady_tick(Duration::from_millis(250));
            bar
        });
        Self {
            bar,
            events: AtomicU64::new(0),
        }
    }

    /// One more run, of so many events.
    pub(crate) fn ran(&self, events: u64) {
        let Some(bar) = &self.bar else {
            return;
        };
        let events = self.events.fetch_add(events, Ordering::Relaxed) + events;
        let per_second = events as f64 / bar.elapsed().as_secs_f64().max(1e-9);
        bar.set_message(format!("{:.1} M events/s", per_second / 1e6));
        bar.inc(1);
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}
