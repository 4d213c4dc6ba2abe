//! Servers in this process, whose answers change with the weather.

use std::future::pending;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use evenkeel_tokio::Classified;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng as _, SeedableRng};
use tokio_util::sync::CancellationToken;

use crate::ledger::Count;

/// What a server is like now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weather {
    Fair,
    /// One call in three fails.
    Flaky,
    /// All calls fail.
    Down,
    /// Answers take some milliseconds more.
    Slow,
    /// There is no answer.
    Hangs,
    /// It says when to come back.
    Overloaded,
}

use Weather::{Down, Fair, Flaky, Hangs, Overloaded, Slow};

const ALL: [Weather; 6] = [Fair, Flaky, Down, Slow, Hangs, Overloaded];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Failed,
    Overloaded,
}

impl Fault {
    pub(crate) fn classified(&self) -> Classified {
        match self {
            Self::Failed => Classified::transient(),
            Self::Overloaded => {
                Classified::throttled().retry_after(Some(Duration::from_millis(15)))
            }
        }
    }
}

/// One server, and who is with it.
#[derive(Debug, Default)]
pub(crate) struct Service {
    weather: AtomicU8,
    /// Calls that came here: each was let through by somebody.
    pub(crate) begun: Count,
    /// Calls that are gone: answered, dropped or panicked.
    ended: Count,
    number: AtomicU64,
}

struct Within<'a>(&'a Service);

impl Drop for Within<'_> {
    fn drop(&mut self) {
        self.0.ended.add();
    }
}

impl Service {
    pub(crate) fn weather(&self) -> Weather {
        ALL[usize::from(self.weather.load(Ordering::Relaxed)) % ALL.len()]
    }

    pub(crate) fn inside(&self) -> u64 {
        self.begun.get().saturating_sub(self.ended.get())
    }

    /// One call. It counts from its first poll, as it is let through.
    pub(crate) async fn answer(&self, may_panic: bool) -> Result<u64, Fault> {
        self.begun.add();
        let _within = Within(self);
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        if number.is_multiple_of(2) {
            tokio::task::yield_now().await;
        }
        if number.is_multiple_of(16) {
            tokio::time::sleep(Duration::from_millis(1 + number % 3)).await;
        }
        if may_panic && number.is_multiple_of(5) {
            // Without the hook, which would print.
            resume_unwind(Box::new("a call that panics"));
        }
        match self.weather() {
            Fair => Ok(number),
            Flaky if number.is_multiple_of(3) => Err(Fault::Failed),
            Flaky => Ok(number),
            Down => Err(Fault::Failed),
            Slow => {
                tokio::time::sleep(Duration::from_millis(5 + number % 15)).await;
                Ok(number)
            }
            Hangs => pending().await,
            Overloaded => Err(Fault::Overloaded),
        }
    }

    /// Fair half of the time; each of the others for a while.
    pub(crate) async fn change(self: Arc<Self>, stop: CancellationToken, seed: u64) {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        while !stop.is_cancelled() {
            let [kind, span] = [rng.next_u64(), rng.next_u64()];
            let weather = if kind % 2 == 0 {
                0
            } else {
                kind / 2 % ALL.len() as u64
            };
            self.weather.store(weather as u8, Ordering::Relaxed);
            let span = Duration::from_millis(100 + span % 1_400);
            let _ = stop.run_until_cancelled(tokio::time::sleep(span)).await;
        }
        // The end of the soak, also for who hangs.
        self.weather.store(0, Ordering::Relaxed);
    }
}
