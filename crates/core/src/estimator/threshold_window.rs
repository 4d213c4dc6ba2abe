//! Is a quantile of the last `n` values above a limit? Exact, at one bit a value.

use super::MAX_VALUES;
use crate::Quantile;
use crate::bits::{BitRing, RingShape};
use crate::config::{checked, count, memory};
use crate::error::{ConfigError, RestoreError, corrupt, misfit};
use crate::store::Store;
use crate::version::Version;

/// The words that lie inline: windows of up to 1 024 values need no allocation.
const INLINE: usize = 16;

const _: () = assert!(MAX_VALUES <= RingShape::MAX_CAPACITY);

/// Which question a [`ThresholdWindow`] answers.
///
/// ```
/// use evenkeel_core::Quantile;
/// use evenkeel_core::estimator::ThresholdWindowPolicy;
///
/// let policy = ThresholdWindowPolicy::new(1000, Quantile::P99, 200_000_000)?;
/// assert_eq!(policy.values(), 1000);
/// let error = ThresholdWindowPolicy::new(0, Quantile::P99, 200_000_000).unwrap_err();
/// assert_eq!(error.to_string(), "threshold_window.values is 0: it must be at least 1");
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(
        try_from = "super::fields::ThresholdWindowFields",
        into = "super::fields::ThresholdWindowFields"
    )
)]
pub struct ThresholdWindowPolicy {
    values: u32,
    quantile: Quantile,
    above: u64,
}

impl ThresholdWindowPolicy {
    /// Is `quantile` of the last `values` values (1 to 2^20) strictly above `above` (any `u64`)?
    ///
    /// # Errors
    /// When `values` is 0 or above [`MAX_VALUES`], or above 1 024 without the feature `alloc`.
    ///
    /// ```
    /// # use evenkeel_core::{Quantile, estimator::*};
    /// # let policy = ThresholdWindowPolicy::new(1000, Quantile::P50, 15)?;
    /// assert_eq!(policy.values(), 1000);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn new(values: u32, quantile: Quantile, above: u64) -> Result<Self, ConfigError> {
        const SCOPE: &str = "threshold_window";
        checked!(count(SCOPE, "values", values, MAX_VALUES));
        let words = RingShape::new(values, 1).words();
        checked!(memory(SCOPE, "values", words, INLINE));
        Ok(Self {
            values,
            quantile,
            above,
        })
    }

    /// How many values the window holds, 1 to [`MAX_VALUES`].
    ///
    /// ```
    /// # use evenkeel_core::{Quantile, estimator::*};
    /// # let policy = ThresholdWindowPolicy::new(1000, Quantile::P50, 15)?;
    /// assert_eq!(policy.values(), 1000);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn values(&self) -> u32 {
        self.values
    }

    /// The quantile that is compared with the limit.
    ///
    /// ```
    /// # use evenkeel_core::{Quantile, estimator::*};
    /// # let policy = ThresholdWindowPolicy::new(1000, Quantile::P50, 15)?;
    /// assert_eq!(policy.quantile(), Quantile::P50);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn quantile(&self) -> Quantile {
        self.quantile
    }

    /// The limit; a value equal to it is not above.
    ///
    /// ```
    /// # use evenkeel_core::{Quantile, estimator::*};
    /// # let policy = ThresholdWindowPolicy::new(1000, Quantile::P50, 15)?;
    /// assert_eq!(policy.above(), 15);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn above(&self) -> u64 {
        self.above
    }

    const fn shape(&self) -> RingShape {
        RingShape::new(self.values, 1)
    }
}

/// Whether a quantile of the last `n` values is above a limit that is known beforehand.
///
/// "p99 above 200 ms" needs neither values nor order: it is a count of the values above 200 ms against a rank.
/// So a value is one bit, and the answer is that of sorting, exactly. It keeps no values, so it has no `quantile`:
/// ask [`is_above`](Self::is_above).
///
/// Cost: `record` and `is_above` are O(1), together 2 to 3 ns whatever `n`. The window is less than 200 bytes and
/// needs no heap up to 1 024 values; above that it also takes `n / 8` bytes.
///
/// ```
/// use evenkeel_core::Quantile;
/// use evenkeel_core::estimator::{ThresholdWindow, ThresholdWindowPolicy};
///
/// let policy = ThresholdWindowPolicy::new(100, Quantile::P99, 200)?;
/// let mut window = ThresholdWindow::new(policy);
/// for value in 102..=201 {
///     window.record(0, value);
/// }
/// // Of 100 values p99 is the 99th: one above the limit is not enough, two are.
/// assert_eq!(window.is_above(0), Some(false));
/// window.record(0, 5_000);
/// assert_eq!((window.count_above(0), window.is_above(0)), (2, Some(true)));
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThresholdWindow {
    policy: ThresholdWindowPolicy,
    ring: BitRing<1>,
    /// How many values may be above in a full window before the quantile is: derived from the policy, so that
    /// the usual question is one comparison.
    allowed: u32,
    words: Store<INLINE>,
}

impl ThresholdWindow {
    /// An empty window. Its memory is taken here; `record` allocates nothing.
    ///
    /// ```
    /// # use evenkeel_core::{Quantile, estimator::*};
    /// # let policy = ThresholdWindowPolicy::new(1000, Quantile::P50, 15)?;
    /// # let mut window = ThresholdWindow::new(policy);
    /// # for value in [10, 20, 30] { window.record(0, value); }
    /// assert_eq!(ThresholdWindow::new(policy).count(0), 0);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn new(policy: ThresholdWindowPolicy) -> Self {
        Self::holding(
            policy,
            BitRing::new(),
            Store::zeroed(policy.shape().words()),
        )
    }

    fn holding(policy: ThresholdWindowPolicy, ring: BitRing<1>, words: Store<INLINE>) -> Self {
        let rank = policy.quantile.rank(policy.values.into()).unwrap_or(0);
        Self {
            policy,
            ring,
            // the rank is at most values
            allowed: policy
                .values
                .saturating_sub(u32::try_from(rank).unwrap_or(u32::MAX)),
            words,
        }
    }

    /// The policy it was made from.
    ///
    /// ```
    /// # use evenkeel_core::{Quantile, estimator::*};
    /// # let policy = ThresholdWindowPolicy::new(1000, Quantile::P50, 15)?;
    /// # let mut window = ThresholdWindow::new(policy);
    /// # for value in [10, 20, 30] { window.record(0, value); }
    /// assert_eq!(window.policy(), &policy);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn policy(&self) -> &ThresholdWindowPolicy {
        &self.policy
    }

    /// Takes in `value`; when the window is full the oldest leaves. `now_ns` is not used: the window is counted
    /// in values. O(1).
    ///
    /// ```
    /// # use evenkeel_core::{Quantile, estimator::*};
    /// # let policy = ThresholdWindowPolicy::new(1000, Quantile::P50, 15)?;
    /// # let mut window = ThresholdWindow::new(policy);
    /// # for value in [10, 20, 30] { window.record(0, value); }
    /// window.record(0, 7);
    /// assert_eq!(window.count(0), 4);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[inline]
    pub fn record(&mut self, now_ns: u64, value: u64) {
        let _ = now_ns;
        let above = u64::from(value > self.policy.above);
        self.ring
            .push(self.policy.shape(), self.words.words_mut(), above);
    }

    /// Whether the quantile of the values in the window is strictly above the limit; `None` when empty.
    /// Exact. O(1).
    ///
    /// ```
    /// # use evenkeel_core::{Quantile, estimator::*};
    /// # let policy = ThresholdWindowPolicy::new(1000, Quantile::P50, 15)?;
    /// # let mut window = ThresholdWindow::new(policy);
    /// # for value in [10, 20, 30] { window.record(0, value); }
    /// assert_eq!(window.is_above(0), Some(true)); // the median of 10, 20 and 30 against 15
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[inline]
    #[must_use]
    pub fn is_above(&self, now_ns: u64) -> Option<bool> {
        let _ = now_ns;
        let (len, above) = (self.ring.len(), self.ring.count(0));
        if len == self.policy.values {
            return Some(above > self.allowed);
        }
        (len > 0).then(|| self.policy.quantile.exceeds(above, len))
    }

    /// How many values the window holds, at most [`ThresholdWindowPolicy::values`]. O(1).
    ///
    /// ```
    /// # use evenkeel_core::{Quantile, estimator::*};
    /// # let policy = ThresholdWindowPolicy::new(1000, Quantile::P50, 15)?;
    /// # let mut window = ThresholdWindow::new(policy);
    /// # for value in [10, 20, 30] { window.record(0, value); }
    /// assert_eq!(window.count(0), 3);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[inline]
    #[must_use]
    pub fn count(&self, now_ns: u64) -> u64 {
        let _ = now_ns;
        self.ring.len().into()
    }

    /// How many of them are strictly above the limit, at most [`count`](Self::count). O(1).
    ///
    /// ```
    /// use evenkeel_core::Quantile;
    /// use evenkeel_core::estimator::{ThresholdWindow, ThresholdWindowPolicy};
    ///
    /// let mut window = ThresholdWindow::new(ThresholdWindowPolicy::new(3, Quantile::P50, 200)?);
    /// for value in [500, 150, 200, 201] {
    ///     window.record(0, value);
    /// }
    /// // 500 has left the window, and 200 is not above 200.
    /// assert_eq!((window.count(0), window.count_above(0)), (3, 1));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[inline]
    #[must_use]
    pub fn count_above(&self, now_ns: u64) -> u64 {
        let _ = now_ns;
        self.ring.count(0).into()
    }

    /// Forgets all values. O(n / 64).
    ///
    /// ```
    /// # use evenkeel_core::{Quantile, estimator::*};
    /// # let policy = ThresholdWindowPolicy::new(1000, Quantile::P50, 15)?;
    /// # let mut window = ThresholdWindow::new(policy);
    /// # for value in [10, 20, 30] { window.record(0, value); }
    /// window.clear();
    /// assert_eq!(window.count(0), 0);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub fn clear(&mut self) {
        self.ring = BitRing::new();
        self.words.words_mut().fill(0);
    }

    /// Everything it holds, to be stored and given to [`restore`](Self::restore). O(n / 64).
    ///
    /// ```
    /// # use evenkeel_core::{Quantile, estimator::*};
    /// # let policy = ThresholdWindowPolicy::new(1000, Quantile::P50, 15)?;
    /// # let mut window = ThresholdWindow::new(policy);
    /// # for value in [10, 20, 30] { window.record(0, value); }
    /// let stored = window.state();
    /// assert_eq!(ThresholdWindow::restore(policy, stored), Ok(window));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn state(&self) -> ThresholdWindowState {
        ThresholdWindowState {
            version: Version,
            above: self.policy.above,
            count: self.ring.len(),
            head: self.ring.head(),
            count_above: self.ring.count(0),
            words: self.words.clone(),
        }
    }

    /// The window that `state` was taken of; also one that asks for another quantile. O(n / 64).
    ///
    /// # Errors
    /// When the state has another limit or size, or contradicts itself.
    ///
    /// ```
    /// use evenkeel_core::Quantile;
    /// use evenkeel_core::estimator::{ThresholdWindow, ThresholdWindowPolicy};
    ///
    /// let policy = ThresholdWindowPolicy::new(100, Quantile::P99, 200)?;
    /// let mut window = ThresholdWindow::new(policy);
    /// window.record(0, 201);
    /// assert_eq!(ThresholdWindow::restore(policy, window.state()), Ok(window.clone()));
    ///
    /// // The bits say "above 200" and nothing of another limit.
    /// let other = ThresholdWindowPolicy::new(100, Quantile::P99, 300)?;
    /// assert!(ThresholdWindow::restore(other, window.state()).is_err());
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub fn restore(
        policy: ThresholdWindowPolicy,
        state: ThresholdWindowState,
    ) -> Result<Self, RestoreError> {
        if state.above != policy.above {
            return Err(misfit("its values were compared with another limit"));
        }
        if state.words.words().len() != policy.shape().words() {
            return Err(misfit("it is a window of another size"));
        }
        let ring = BitRing::from_parts(state.count, state.head, [state.count_above]);
        if !ring.is_consistent(policy.shape(), state.words.words()) {
            return Err(corrupt(
                "its counts or its position are not those of its bits",
            ));
        }
        Ok(Self::holding(policy, ring, state.words))
    }
}

/// The stored form of a [`ThresholdWindow`]; plain data that only [`ThresholdWindow::restore`] looks into.
///
/// ```
/// # use evenkeel_core::{Quantile, estimator::*};
/// # let policy = ThresholdWindowPolicy::new(1000, Quantile::P50, 15)?;
/// # let mut window = ThresholdWindow::new(policy);
/// # for value in [10, 20, 30] { window.record(0, value); }
/// let stored: ThresholdWindowState = window.state();
/// assert_eq!(ThresholdWindow::restore(policy, stored), Ok(window));
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ThresholdWindowState {
    version: Version<1>,
    above: u64,
    count: u32,
    head: u32,
    count_above: u32,
    #[cfg_attr(feature = "serde", serde(with = "crate::runs"))]
    words: Store<INLINE>,
}
