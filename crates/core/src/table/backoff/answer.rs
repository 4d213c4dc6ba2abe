//! What a backoff table answers: a hold, and why a key is held back.

use core::time::Duration;

/// Why a key is held back.
///
/// ```
/// use evenkeel_core::table::HeldBy;
///
/// assert_eq!(HeldBy::Backoff.name(), "backoff");
/// assert_eq!(HeldBy::Overflow.to_string(), "overflow");
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum HeldBy {
    /// It failed: its own backoff.
    Backoff,
    /// Its server named an instant.
    Advice,
    /// Its server said not to come back: until a success, or until it is forgotten.
    Stopped,
    /// Nothing is known of it, but keys that there was no room for have failed: all that are not tracked are held back
    /// together.
    Overflow,
}

impl HeldBy {
    /// As journals and reports name it.
    ///
    /// ```
    /// # use evenkeel_core::table::HeldBy;
    /// assert_eq!(HeldBy::Stopped.name(), "stopped");
    /// ```
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Backoff => "backoff",
            Self::Advice => "advice",
            Self::Stopped => "stopped",
            Self::Overflow => "overflow",
        }
    }
}

crate::named::display_by_name!(HeldBy);

/// How a key is held back, from a failure or a server's advice on.
///
/// ```
/// # use core::time::Duration;
/// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, table::*};
/// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
/// # let mut rng = SplitMix64::seed_from_u64(1);
/// let backoff = BackoffPolicy::builder(Duration::from_nanos(10)).jitter(Jitter::None);
/// let policy = BackoffTablePolicy::builder(backoff, 100, Duration::from_secs(1)).build()?;
/// let mut table: BackoffTable<u64> = BackoffTable::new(policy);
/// let hold = table.on_failure(1_000, &7, &mut rng)?;
/// assert_eq!(hold, Hold { until_ns: Some(1_010), attempt: 1, reason: HeldBy::Backoff });
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[must_use = "a hold says when to try again"]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Hold {
    /// When it ends: at this instant the key may be tried again. `None` when no instant is late enough.
    pub until_ns: Option<u64>,
    /// How many failures and pieces of advice led to it, from 1.
    pub attempt: u32,
    /// What it comes from.
    pub reason: HeldBy,
}

impl Hold {
    /// How long it still is at `now_ns`; zero when it is over, `None` when it has no end.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::table::{HeldBy, Hold};
    /// let hold = Hold { until_ns: Some(1_010), attempt: 1, reason: HeldBy::Backoff };
    /// assert_eq!(hold.wait(1_000), Some(Duration::from_nanos(10)));
    /// assert_eq!(hold.wait(1_010), Some(Duration::ZERO));
    /// ```
    #[must_use]
    pub const fn wait(&self, now_ns: u64) -> Option<Duration> {
        match self.until_ns {
            Some(at_ns) => Some(Duration::from_nanos(at_ns.saturating_sub(now_ns))),
            None => None,
        }
    }
}
