//! What a recovery budget answers: a grant, or why there is none.

use crate::backoff::Wait;

/// Yes: recover, after the wait.
///
/// ```
/// # use core::time::Duration;
/// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, table::*};
/// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
/// # let mut rng = SplitMix64::seed_from_u64(1);
/// # let [wait, window] = [10, 1_000].map(Duration::from_nanos);
/// let backoff = BackoffPolicy::builder(wait).jitter(Jitter::None);
/// let policy = RecoveryBudgetPolicy::builder(backoff, 2, window, 100).build()?;
/// let mut budget: RecoveryBudget<u64> = RecoveryBudget::new(policy);
/// let recovery = budget.try_recover(500, &7, &mut rng)?;
/// assert_eq!((recovery.wait.at_ns, recovery.attempt, recovery.remaining), (510, 1, 1));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[must_use = "a recovery that nobody makes is spent all the same"]
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Recovery {
    /// When to make it.
    pub wait: Wait,
    /// The how-manieth it is since the key was last well, from 1.
    pub attempt: u32,
    /// How many more there are in the window.
    pub remaining: u32,
}

/// Why there is no recovery.
///
/// ```
/// use evenkeel_core::table::DeniedBy;
///
/// assert_eq!(DeniedBy::TableFull.name(), "table-full");
/// assert_eq!(DeniedBy::Spent.to_string(), "spent");
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum DeniedBy {
    /// The budget of the window is spent.
    Spent,
    /// Nothing is known of the key and there is no room for one more: who cannot be counted is not recovered.
    TableFull,
    /// The wait would end past the last instant.
    EndOfTime,
}

impl DeniedBy {
    /// As journals and reports name it.
    ///
    /// ```
    /// # use evenkeel_core::table::DeniedBy;
    /// assert_eq!(DeniedBy::EndOfTime.name(), "end-of-time");
    /// ```
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Spent => "spent",
            Self::TableFull => "table-full",
            Self::EndOfTime => "end-of-time",
        }
    }
}

crate::named::display_by_name!(DeniedBy);
