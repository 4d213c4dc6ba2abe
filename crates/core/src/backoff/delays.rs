//! The waits of a backoff as a plain iterator, for code that keeps no clock.

use core::borrow::Borrow;
use core::iter::FusedIterator;
use core::time::Duration;

use super::{Backoff, BackoffPolicy};
use crate::random::Rng;

/// An iterator of waits with a random generator of its own; made by [`Backoff::delays`].
///
/// ```
/// # use core::time::Duration;
/// # use evenkeel_core::backoff::{Backoff, BackoffPolicy, Delays, Jitter};
/// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
/// # let rng = SplitMix64::seed_from_u64(1);
/// let policy = BackoffPolicy::builder(Duration::from_secs(1)).jitter(Jitter::None).max_retries(2).build()?;
/// let mut delays: Delays<_, _> = Backoff::new(policy).delays(rng);
/// assert_eq!(delays.next(), Some(Duration::from_secs(1)));
/// assert_eq!(delays.next(), Some(Duration::from_secs(2)));
/// assert_eq!(delays.next(), None);
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[must_use = "an iterator does nothing until it is asked"]
#[derive(Clone, Debug)]
pub struct Delays<P, R> {
    backoff: Option<Backoff<P>>,
    rng: R,
}

impl<P, R> Delays<P, R> {
    pub(super) const fn new(backoff: Backoff<P>, rng: R) -> Self {
        Self {
            backoff: Some(backoff),
            rng,
        }
    }
}

impl<P: Borrow<BackoffPolicy>, R: Rng> Iterator for Delays<P, R> {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        // Without a clock every wait starts at 0: only its length counts.
        match self.backoff.as_mut()?.next_wait(0, &mut self.rng) {
            Ok(wait) => Some(wait.delay()),
            Err(_) => {
                self.backoff = None;
                None
            }
        }
    }
}

impl<P: Borrow<BackoffPolicy>, R: Rng> FusedIterator for Delays<P, R> {}
