//! How far the runs have come: on a terminal only, none in a pipe.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar over runs, with events a second and the time that is left; draws on stderr, or not at all.
pub(crate) struct Meter {
    bar: Option<ProgressBar>,
    events: AtomicU64,
}

impl Meter {
    /// For so many runs.
    pub(crate) fn over(runs: u64) -> Self {
        let target = std::io::stderr()
            .is_terminal()
            .then(ProgressDrawTarget::stderr);
        Self::on(target, runs)
    }

    fn on(target: Option<ProgressDrawTarget>, runs: u64) -> Self {
        let bar = target.map(|target| {
            // How fast it is, and so how long it takes, is known from the first run on.
            let bar = ProgressBar::with_draw_target(Some(runs), target)
                .with_style(style("{wide_bar} {pos} of {len} runs"));
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
        if bar.position() == 0 {
            bar.set_style(style("{wide_bar} {pos} of {len} runs  {msg}  {eta} left"));
        }
        bar.inc(1);
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

impl Drop for Meter {
    fn drop(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use indicatif::{ProgressDrawTarget, TermLike};

    use super::Meter;

    /// Keeps what is written to it.
    #[derive(Clone, Debug, Default)]
    struct Screen(Arc<Mutex<String>>);

    impl Screen {
        fn taken(&self) -> String {
            std::mem::take(&mut *self.0.lock().expect("no test panics with it"))
        }
    }

    impl TermLike for Screen {
        fn width(&self) -> u16 {
            100
        }
        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn write_line(&self, text: &str) -> io::Result<()> {
            self.write_str(text)
        }
        fn write_str(&self, text: &str) -> io::Result<()> {
            self.0
                .lock()
                .expect("no test panics with it")
                .push_str(text);
            Ok(())
        }
        fn clear_line(&self) -> io::Result<()> {
            Ok(())
        }
        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Before the first run is done, no pace is known: 0 s left would be a lie.
    #[test]
    fn the_time_left_is_told_from_the_first_run_on() {
        let screen = Screen::default();
        let target = ProgressDrawTarget::term_like(Box::new(screen.clone()));
        let meter = Meter::on(Some(target), 2);
        let drawn = |meter: &Meter| {
            let _ = screen.taken();
            meter.bar.as_ref().expect("it draws").force_draw();
            screen.taken()
        };
        let before = drawn(&meter);
        assert!(before.contains("0 of 2 runs"), "{before}");
        assert!(!before.contains("left"), "{before}");
        meter.ran(1_000_000);
        let after = drawn(&meter);
        assert!(after.contains("1 of 2 runs"), "{after}");
        assert!(
            after.contains("M events/s") && after.contains(" left"),
            "{after}"
        );
    }

    #[test]
    fn without_a_terminal_nothing_is_drawn() {
        let meter = Meter::on(None, 2);
        meter.ran(1);
        assert!(meter.bar.is_none());
    }
}
