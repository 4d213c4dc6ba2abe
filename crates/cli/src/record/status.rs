//! What a recording shows on a terminal while it goes on; in a pipe nothing.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::pending;
use std::io::IsTerminal;
use std::time::Duration;

use evenkeel_core::Quantile;
use evenkeel_tokio::Clock;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::{MissedTickBehavior, interval};

use super::checkout::Checkout;
use super::script::SCRIPT;
use super::tally::{Counts, Tally};
use crate::numbers::rounded;

/// Between two pictures.
const TICK: Duration = Duration::from_millis(250);
/// Rates are over so many ticks.
const RATE_TICKS: usize = 8;

/// Two lines on stderr, drawn anew four times a second.
pub(crate) struct Status {
    bar: ProgressBar,
    /// When, and what had been counted by then.
    past: VecDeque<(u64, Counts)>,
}

impl Status {
    /// Draws for as long as it is polled; nothing where stderr is no terminal.
    pub(crate) async fn run(tally: &Tally, checkout: &Checkout) -> Infallible {
        if !std::io::stderr().is_terminal() {
            return pending().await;
        }
        let mut status = Self::new(tally.script.run);
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            status.draw(tally, checkout);
        }
    }

    fn new(run: Duration) -> Self {
        let template = "{pos:>4} of {len} s [{bar:30}] {prefix}\n  {wide_msg}";
        let style = ProgressStyle::with_template(template)
            .unwrap_or_else(|error| unreachable!("a constant template: {error}"))
            .progress_chars("=> ");
        Self {
            bar: ProgressBar::new(run.as_secs()).with_style(style),
            past: VecDeque::new(),
        }
    }

    fn draw(&mut self, tally: &Tally, checkout: &Checkout) {
        let now_ns = tally.clock.now_ns();
        let (phase, breaker) = (SCRIPT[tally.phase()].name, checkout.breaker.phase());
        let (total, p50, p99) = {
            let counted = tally.counted();
            let quantile = |q| counted.recent.quantile(now_ns, q);
            (
                counted.total(),
                quantile(Quantile::P50),
                quantile(Quantile::P99),
            )
        };
        self.past.push_back((now_ns, total));
        if self.past.len() > RATE_TICKS + 1 {
            self.past.pop_front();
        }
        let (since_ns, before) = self.past[0];
        // The first picture has no span to count over.
        let seconds = now_ns.saturating_sub(since_ns).max(TICK.as_nanos() as u64) as f64 / 1e9;
        let rate = |of: fn(&Counts) -> u64| {
            let rate = of(&total).saturating_sub(of(&before)) as f64 / seconds;
            format!("{rate:.0}")
        };
        let latency = |ns: Option<u64>| ns.map_or_else(|| "-".to_owned(), rounded);
        // Each of these draws: only what has changed is set.
        if self.bar.position() != now_ns / 1_000_000_000 {
            self.bar.set_position(now_ns / 1_000_000_000);
        }
        let phases = format!("{phase}, breaker {breaker}");
        if self.bar.prefix() != phases {
            self.bar.set_prefix(phases);
        }
        let tokens = |milli: u64| milli / 1000;
        self.bar.set_message(format!(
            "{} calls/s  {} attempts/s  {} refused/s  p50 {}  p99 {}  budget {}/{}",
            rate(|counts| counts.operations),
            rate(|counts| counts.attempts),
            rate(|counts| counts.refused + counts.throttled),
            latency(p50),
            latency(p99),
            tokens(checkout.tokens.balance_milli()),
            tokens(checkout.tokens.policy().capacity_milli()),
        ));
    }
}

impl Drop for Status {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
