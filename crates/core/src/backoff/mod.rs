//! Backoff: how long to wait before the next try.
//!
//! | call | attempts | answer |
//! |---|---|---|
//! | [`next_wait`](Backoff::next_wait) | fewer than `max_retries` | a [`Wait`]; attempts + 1 |
//! | [`next_wait`](Backoff::next_wait) | `max_retries`, or the waits would sum to more than `max_total_wait` | [`Exhausted`]; nothing changes |
//! | [`reset`](Backoff::reset) | any | attempts 0, as new |
//!
//! The machine has no deadline and needs no poll: the wait is the answer, and the caller sleeps.
//!
//! **Cost.** 40 bytes of state, O(1), no allocation; a restored one finds its ceiling in at most 4 096 steps.
//!
//! **Random words.** One for each wait unless the jitter is [`None`](Jitter::None), also for one that is then refused
//! for its sum; none where `max_retries` refuses.
//!
//! **Defaults.** Doubled each time, full jitter, no cap, no limit: reasons at the [setters](BackoffBuilder).
//!
//! **Not for** deciding whether to try again at all ([`retry`](crate::retry) does), nor for many keys (`table` is).
//!
//! Prior art: AWS Architecture Blog (2015) for the jitters. Most peers let jitter pass the cap, or lose it there.
//!
//! ```
//! use core::time::Duration;
//! use evenkeel_core::backoff::{Backoff, BackoffPolicy, Exhausted, Jitter};
//! use rand_xoshiro::{Xoshiro256PlusPlus, rand_core::SeedableRng};
//!
//! let policy = BackoffPolicy::builder(Duration::from_millis(100))
//!     .jitter(Jitter::Equal)
//!     .max_retries(2)
//!     .build()?;
//! let mut backoff = Backoff::new(policy);
//! let mut rng = Xoshiro256PlusPlus::seed_from_u64(7);
//!
//! let now_ns = 1_000;
//! let wait = backoff.next_wait(now_ns, &mut rng)?;
//! assert_eq!(wait.attempt, 1);
//! assert_eq!(wait.at_ns, now_ns + wait.delay_ns);
//! assert!((50..=100).contains(&wait.delay().as_millis()));
//!
//! let wait = backoff.next_wait(wait.at_ns, &mut rng)?;
//! assert!((100..=200).contains(&wait.delay().as_millis()));
//! assert_eq!(backoff.next_wait(wait.at_ns, &mut rng), Err(Exhausted::Retries));
//!
//! backoff.reset();
//! assert_eq!(backoff.attempts(), 0);
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

mod builder;
mod ceiling;
mod delays;
#[cfg(feature = "alloc")]
mod doubling;
#[cfg(feature = "serde")]
pub(crate) mod fields;
mod limits;
mod policy;
mod state;
mod steps;

use core::borrow::Borrow;
use core::time::Duration;

use thiserror::Error;

use crate::error::RestoreError;
use crate::random::Rng;
use crate::rebase::Rebase;
use crate::time::Monotone;

#[cfg(feature = "alloc")]
pub(crate) use doubling::Doubling;

pub use builder::BackoffBuilder;
pub use delays::Delays;
pub use policy::{BackoffPolicy, Growth, Jitter};
pub use state::BackoffState;

/// A wait before the next try.
///
/// ```
/// # use core::time::Duration;
/// # use evenkeel_core::backoff::{Backoff, BackoffPolicy, Jitter, Wait};
/// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
/// # let mut rng = SplitMix64::seed_from_u64(1);
/// let policy = BackoffPolicy::builder(Duration::from_nanos(10)).jitter(Jitter::None).build()?;
/// let wait = Backoff::new(policy).next_wait(1_000, &mut rng)?;
/// assert_eq!(wait, Wait { at_ns: 1_010, delay_ns: 10, attempt: 1 });
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[must_use = "a wait that nobody waits is a hot loop"]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Wait {
    /// When the wait ends: try again at this instant or later.
    pub at_ns: u64,
    /// How long it is.
    pub delay_ns: u64,
    /// Which wait it is, counted from 1.
    pub attempt: u32,
}

impl Wait {
    /// How long the wait is.
    ///
    /// ```
    /// # use evenkeel_core::backoff::Wait;
    /// let wait = Wait { at_ns: 9_000_000, delay_ns: 5_000_000, attempt: 1 };
    /// assert_eq!(wait.delay(), core::time::Duration::from_millis(5));
    /// ```
    #[must_use]
    pub const fn delay(&self) -> Duration {
        Duration::from_nanos(self.delay_ns)
    }
}

/// Why there is no further wait.
///
/// ```
/// # use core::time::Duration;
/// # use evenkeel_core::backoff::{Backoff, BackoffPolicy, Exhausted, Jitter};
/// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
/// # let mut rng = SplitMix64::seed_from_u64(1);
/// let builder = BackoffPolicy::builder(Duration::from_millis(10)).jitter(Jitter::None);
/// let mut backoff = Backoff::new(builder.max_retries(1).build()?);
/// assert_eq!(backoff.next_wait(u64::MAX, &mut rng), Err(Exhausted::EndOfTime));
///
/// let mut backoff = Backoff::new(builder.max_retries(0).build()?);
/// let exhausted = backoff.next_wait(0, &mut rng).unwrap_err();
/// assert_eq!(exhausted, Exhausted::Retries);
/// assert_eq!(exhausted.to_string(), "all retries are used up");
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum Exhausted {
    /// `max_retries` waits were given.
    #[error("all retries are used up")]
    Retries,
    /// The waits would sum to more than `max_total_wait`.
    #[error("the next wait would pass the total that is allowed")]
    TotalWait,
    /// The wait would end past `u64::MAX`: there is no such instant.
    #[error("the next wait would end after the last instant")]
    EndOfTime,
}

/// A schedule of waits: ask it [how long](Self::next_wait), tell it [when all is well](Self::reset).
///
/// `P` is the policy or any borrow of one: `Backoff::new(&policy)` lets many share one policy. 40 bytes of state;
/// every call is O(1).
///
/// ```
/// # use core::time::Duration;
/// # use evenkeel_core::backoff::{Backoff, BackoffPolicy};
/// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
/// # let mut rng = SplitMix64::seed_from_u64(1);
/// let policy = BackoffPolicy::builder(Duration::from_millis(100)).build()?;
/// let (mut one, other) = (Backoff::new(&policy), Backoff::new(&policy));
/// let wait = one.next_wait(0, &mut rng)?;
/// assert!(wait.delay() <= Duration::from_millis(100));
/// assert_eq!((one.attempts(), other.attempts()), (1, 0));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backoff<P = BackoffPolicy> {
    policy: P,
    state: BackoffState,
    /// `policy.ceiling(attempts + 1)`, so that a step costs one multiplication.
    ceiling_ns: u64,
}

impl<P: Borrow<BackoffPolicy>> Backoff<P> {
    /// A schedule at its start.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::backoff::{Backoff, BackoffPolicy, Jitter};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// let policy = BackoffPolicy::builder(Duration::from_millis(100)).jitter(Jitter::None).build()?;
    /// let mut backoff = Backoff::new(policy);
    /// assert_eq!(backoff.next_wait(0, &mut rng)?.delay(), policy.ceiling(1));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn new(policy: P) -> Self {
        let ceiling_ns = policy.borrow().first_ns();
        Self {
            policy,
            state: BackoffState::fresh(Monotone::default()),
            ceiling_ns,
        }
    }

    /// Takes over a stored state. The policy may be another than the one it was stored under. The latest instant in
    /// it keeps its origin: a process whose clock starts elsewhere takes it over with
    /// [`restore_rebased`](Self::restore_rebased). At most 4 096 steps, to find the ceiling again.
    ///
    /// # Errors
    /// When the state contradicts itself, or holds waits that this policy cannot give.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::backoff::{Backoff, BackoffPolicy, Jitter};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// let policy = BackoffPolicy::builder(Duration::from_millis(10)).jitter(Jitter::None).build()?;
    /// let mut backoff = Backoff::new(policy);
    /// let _ = backoff.next_wait(0, &mut rng);
    ///
    /// let mut restored = Backoff::restore(policy, backoff.state())?;
    /// assert_eq!(restored.next_wait(0, &mut rng), backoff.next_wait(0, &mut rng));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn restore(policy: P, state: BackoffState) -> Result<Self, RestoreError> {
        state.check(policy.borrow())?;
        let ceiling_ns = policy
            .borrow()
            .ceiling_ns(state.attempts().saturating_add(1));
        Ok(Self {
            policy,
            state,
            ceiling_ns,
        })
    }

    /// Takes over the state of another process, whose clock started elsewhere: see [`Rebase`]. The schedule goes on
    /// where it stood.
    ///
    /// # Errors
    /// As [`restore`](Self::restore).
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{Rebase, backoff::{Backoff, BackoffPolicy, Jitter}};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// let policy = BackoffPolicy::builder(Duration::from_nanos(10)).jitter(Jitter::None).build()?;
    /// let mut backoff = Backoff::new(policy);
    /// let _ = backoff.next_wait(5_000, &mut rng)?;
    ///
    /// let rebase = Rebase { taken_at_ns: 5_000, now_ns: 70, away: Duration::ZERO };
    /// let mut here = Backoff::restore_rebased(policy, backoff.state(), rebase)?;
    /// assert_eq!(here.next_wait(70, &mut rng)?.at_ns, 90); // with plain `restore` it would be 5 020
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn restore_rebased(
        policy: P,
        state: BackoffState,
        rebase: Rebase,
    ) -> Result<Self, RestoreError> {
        let restored = Self::restore(policy, state)?;
        let state = restored.state.rebased(&rebase);
        Ok(Self { state, ..restored })
    }

    /// The next wait, from `now_ns` on. Draws one word, or none with [`Jitter::None`].
    ///
    /// Time that runs backwards stands still: a `now_ns` earlier than one seen before counts as that one.
    ///
    /// # Errors
    /// When a limit of the policy is reached; nothing but the time memory has then changed. `Retries` draws no word. With
    /// `TotalWait` and `EndOfTime` the wait was drawn, and refused: a later, smaller draw may still fit.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::backoff::{Backoff, BackoffPolicy, Exhausted, Jitter};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let builder = BackoffPolicy::builder(Duration::from_nanos(100)).jitter(Jitter::None);
    /// let mut backoff = Backoff::new(builder.max_retries(2).build()?);
    /// assert_eq!(backoff.next_wait(5_000, &mut rng)?.at_ns, 5_100);
    /// assert_eq!(backoff.next_wait(4_000, &mut rng)?.at_ns, 5_200); // time stood still
    /// assert_eq!(backoff.next_wait(6_000, &mut rng), Err(Exhausted::Retries));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    // Always: all that is rare in it is a call of its own, and to call it would cost a third of what it costs.
    #[inline(always)]
    pub fn next_wait<R: Rng + ?Sized>(
        &mut self,
        now_ns: u64,
        rng: &mut R,
    ) -> Result<Wait, Exhausted> {
        let policy = self.policy.borrow();
        let wait = self.state.step(policy, self.ceiling_ns, now_ns, rng)?;
        // At the limit nothing is written.
        if self.ceiling_ns < policy.limit_ns() {
            self.ceiling_ns = policy.grown_ns(self.ceiling_ns);
        }
        Ok(wait)
    }

    /// Back to the start: the operation succeeded, or has been well for long enough.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::backoff::{Backoff, BackoffPolicy, Jitter};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let policy = BackoffPolicy::builder(Duration::from_millis(100)).jitter(Jitter::None).build()?;
    /// let mut backoff = Backoff::new(policy);
    /// let first = backoff.next_wait(0, &mut rng)?;
    /// assert_ne!(backoff.next_wait(0, &mut rng)?, first);
    /// backoff.reset();
    /// assert_eq!(backoff.next_wait(0, &mut rng)?, first);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[inline]
    pub fn reset(&mut self) {
        self.state.restart();
        self.ceiling_ns = self.policy.borrow().first_ns();
    }

    /// How many waits were given since the start or the last reset: the retries, without the first try.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::backoff::{Backoff, BackoffPolicy};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// let mut backoff = Backoff::new(BackoffPolicy::builder(Duration::from_millis(100)).build()?);
    /// for attempt in 1..=3 {
    ///     let _ = backoff.next_wait(0, &mut rng)?;
    ///     assert_eq!(backoff.attempts(), attempt);
    /// }
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn attempts(&self) -> u32 {
        self.state.attempts
    }

    /// The policy.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::backoff::{Backoff, BackoffPolicy};
    /// let policy = BackoffPolicy::builder(Duration::from_millis(100)).max_retries(5).build()?;
    /// assert_eq!(Backoff::new(policy).policy().max_retries(), Some(5));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn policy(&self) -> &BackoffPolicy {
        self.policy.borrow()
    }

    /// A snapshot: plain data to store, compare and [restore](Self::restore).
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::backoff::{Backoff, BackoffPolicy};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let mut backoff = Backoff::new(BackoffPolicy::builder(Duration::from_millis(100)).build()?);
    /// let _ = backoff.next_wait(0, &mut rng)?;
    /// let snapshot = backoff.state();
    /// let _ = backoff.next_wait(0, &mut rng)?;
    /// assert_eq!((snapshot.attempts(), backoff.attempts()), (1, 2));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn state(&self) -> BackoffState {
        self.state
    }

    /// The waits as an iterator of `Duration`, for code that wants no clock: backon and tokio-retry take it as it
    /// is. It ends for good where [`next_wait`](Self::next_wait) is exhausted.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::backoff::{Backoff, BackoffPolicy, Jitter};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// let policy = BackoffPolicy::builder(Duration::from_millis(10))
    ///     .jitter(Jitter::None)
    ///     .max_retries(3)
    ///     .build()?;
    /// let rng = SplitMix64::seed_from_u64(1);
    /// let waits: Vec<_> = Backoff::new(policy).delays(rng).map(|d| d.as_millis()).collect();
    /// assert_eq!(waits, [10, 20, 40]);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn delays<R: Rng>(self, rng: R) -> Delays<P, R> {
        Delays::new(self, rng)
    }
}
