//! What a breaker table answers: a breaker's answer, and whose breaker gave it.

use core::error::Error;
use core::fmt;

use crate::breaker::Transitions;

/// Which breaker gave an answer.
///
/// ```
/// use evenkeel_core::table::AnsweredBy;
///
/// assert_eq!(AnsweredBy::Key.name(), "key");
/// assert_eq!(AnsweredBy::Overflow.to_string(), "overflow");
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum AnsweredBy {
    /// The key's own.
    Key,
    /// The one breaker of all keys that are not tracked, because the table is or was full.
    Overflow,
}

impl AnsweredBy {
    /// As journals and reports name it.
    ///
    /// ```
    /// # use evenkeel_core::table::AnsweredBy;
    /// assert_eq!(AnsweredBy::Overflow.name(), "overflow");
    /// ```
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Overflow => "overflow",
        }
    }
}

crate::named::display_by_name!(AnsweredBy);

/// An answer, and whose breaker gave it; transitions in it are that breaker's.
///
/// ```
/// # use core::time::Duration;
/// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, breaker::*, table::*};
/// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
/// # let mut rng = SplitMix64::seed_from_u64(1);
/// # let [wait, lease, forget] = [100, 50, 1_000].map(Duration::from_nanos);
/// # let open = BackoffPolicy::builder(wait).jitter(Jitter::None);
/// # let breaker = BreakerPolicy::builder(open, lease).trigger(Trigger::Consecutive { failures: 1 }).build()?;
/// // room for one key
/// let mut table: BreakerTable<u64> = BreakerTable::new(BreakerTablePolicy::builder(breaker, 1, forget).build()?);
/// let granted = [7, 8].map(|key| table.try_acquire(0, &key, &mut rng).map(|granted| granted.by));
/// assert_eq!(granted, [Ok(AnsweredBy::Key), Ok(AnsweredBy::Overflow)]);
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[must_use = "the answer is in it"]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Answered<T> {
    /// What the breaker says.
    pub answer: T,
    /// Which breaker says it.
    pub by: AnsweredBy,
}

impl<T: fmt::Display> fmt::Display for Answered<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.by {
            AnsweredBy::Key => write!(f, "{}", self.answer),
            AnsweredBy::Overflow => write!(f, "{}, of all keys that are not tracked", self.answer),
        }
    }
}

impl<T: Error> Error for Answered<T> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.answer.source()
    }
}

/// Transitions that fell due in one breaker of a table.
///
/// ```
/// # use core::time::Duration;
/// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, breaker::*, table::*};
/// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
/// # let mut rng = SplitMix64::seed_from_u64(1);
/// # let [wait, lease, forget] = [100, 50, 1_000].map(Duration::from_nanos);
/// # let open = BackoffPolicy::builder(wait).jitter(Jitter::None);
/// # let breaker = BreakerPolicy::builder(open, lease).trigger(Trigger::Consecutive { failures: 1 }).build()?;
/// # let mut table: BreakerTable<u64> = BreakerTable::new(BreakerTablePolicy::builder(breaker, 10, forget).build()?);
/// # let granted = table.try_acquire(0, &7, &mut rng)?;
/// # let _ = table.on_outcome(0, &7, granted.answer.permit, Outcome::Failure, 5, &mut rng);
/// // 7 failed at 0 and is open for 100 ns.
/// let due = table.poll(130).expect("the wait is over");
/// assert_eq!((due.key, due.transitions.last().map(|made| made.at_ns)), (Some(&7), Some(100)));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[must_use = "a transition is reported once"]
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Due<'a, K> {
    /// Whose; `None` for the breaker of all keys that are not tracked.
    pub key: Option<&'a K>,
    /// What it did, in order.
    pub transitions: Transitions,
}
