//! The wait of origin O1 before a restart: a clock read, a history of instants, the thread's own generator.

use std::time::{Duration, Instant};

use rand::RngExt as _;

/// What O1 says to an exit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restarted {
    /// Start again after this wait.
    After(Duration),
    /// Too many failures in the window.
    CircuitOpen {
        /// Failures in the window.
        failures: u32,
        /// How many it may have.
        limit: u32,
    },
}

/// The backoff of O1; a limit of 0 is none.
#[derive(Clone, Debug)]
pub struct RestartDelay {
    base: Duration,
    cap: Duration,
    window: Duration,
    limit: u32,
    attempt: u32,
    failures: Vec<Instant>,
}

impl RestartDelay {
    /// Starts at twice `base`, doubles up to `cap`; at most `limit` failures in `window`.
    #[must_use]
    pub const fn new(base: Duration, cap: Duration, window: Duration, limit: u32) -> Self {
        Self {
            base,
            cap,
            window,
            limit,
            attempt: 0,
            failures: Vec::new(),
        }
    }

    /// What the next wait is at most.
    #[must_use]
    pub fn ceiling(&self) -> Duration {
        let factor = 1_u32.checked_shl(self.attempt).unwrap_or(u32::MAX);
        self.base.saturating_mul(factor).min(self.cap)
    }

    /// The task ended.
    ///
    /// # Panics
    /// In the first `window` after the machine started, as the original does.
    pub fn next_backoff(&mut self) -> Restarted {
        let now = Instant::now();
        self.failures.push(now);
        self.attempt = self.attempt.saturating_add(1);
        let oldest = now - self.window;
        self.failures.retain(|at| *at >= oldest);
        let failures = u32::try_from(self.failures.len()).unwrap_or(u32::MAX);
        if self.limit > 0 && failures >= self.limit {
            let limit = self.limit;
            return Restarted::CircuitOpen { failures, limit };
        }
        let most_ms = u64::try_from(self.ceiling().as_millis()).unwrap_or(u64::MAX);
        let wait_ms = rand::rng().random_range(0..=most_ms);
        Restarted::After(Duration::from_millis(wait_ms))
    }
}
