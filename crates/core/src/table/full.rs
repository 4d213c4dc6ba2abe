//! There is no room for one more key.

use thiserror::Error;

/// The table holds as many keys as it may, and none of them can be forgotten: this one is not tracked.
///
/// What a `BackoffTable` was told of it is not lost: it counted for the overflow entry, which holds back all keys that
/// are not tracked. A mode that was to be set in a `BreakerTable` is not set, for no key.
///
/// ```
/// # use core::time::Duration;
/// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, table::*};
/// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
/// # let mut rng = SplitMix64::seed_from_u64(1);
/// # let backoff = BackoffPolicy::builder(Duration::from_nanos(10)).jitter(Jitter::None);
/// # let policy = BackoffTablePolicy::builder(backoff, 1, Duration::from_secs(1)).build()?;
/// // room for one key
/// let mut table: BackoffTable<u64> = BackoffTable::new(policy);
/// let _ = table.on_failure(0, &1, &mut rng)?;
/// let full = table.on_failure(5, &2, &mut rng).unwrap_err();
/// assert_eq!((full.max_keys, full.held_until_ns), (1, Some(15)));
/// assert_eq!(full.to_string(), "the table is full: it holds 1 key and none can be forgotten");
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[must_use = "the key is not tracked"]
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[error("the table is full: it holds {max_keys} {} and none can be forgotten", if *max_keys == 1 { "key" } else { "keys" })]
pub struct TableFull {
    /// How many keys it holds: the policy's `max_keys`.
    pub max_keys: u32,
    /// Until when the overflow entry (in a `BreakerTable` the overflow breaker) holds back every key that is not tracked;
    /// `None` when no instant is known, or when it does not.
    pub held_until_ns: Option<u64>,
}
