//! The policy of a backoff table: the schedule of each key, how many keys, how long they are remembered, and how a
//! server's advice is weighed.

use core::time::Duration;

use crate::advice::{Advisory, AdvisoryFields, AdvisoryRule};
use crate::backoff::{BackoffBuilder, BackoffPolicy, Doubling};
use crate::config::{backoff_without_limits, count, positive_ns};
use crate::error::ConfigError;
use crate::ratio::Ratio;
use crate::table::keyed::MAX_KEYS;

const SCOPE: &str = "backoff_table";

/// Where its backoff stands in a policy file.
pub(super) const BACKOFF: &str = "backoff_table.backoff";
const LIMITED: &str = "a key is held back as often as it fails; leave it out";

/// A checked, immutable policy of a backoff table; made by [`BackoffTablePolicy::builder`].
///
/// ```
/// use core::time::Duration;
/// use evenkeel_core::backoff::BackoffPolicy;
/// use evenkeel_core::table::BackoffTablePolicy;
///
/// let backoff = BackoffPolicy::builder(Duration::from_millis(10)).cap(Duration::from_secs(60));
/// let policy = BackoffTablePolicy::builder(backoff, 10_000, Duration::from_secs(3_600)).build()?;
/// assert_eq!(policy.max_keys(), 10_000);
///
/// let wrong = BackoffTablePolicy::builder(backoff.max_retries(3), 10_000, Duration::from_secs(3_600)).build();
/// assert_eq!(
///     wrong.unwrap_err().to_string(),
///     "backoff_table.backoff.max_retries cannot be set here: a key is held back as often as it fails; leave it out"
/// );
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BackoffTablePolicy {
    backoff: BackoffPolicy,
    doubling: Doubling,
    max_keys: u32,
    pub(super) forget_after_ns: u64,
    advisory: Advisory,
    due_index: bool,
}

impl BackoffTablePolicy {
    /// Holds a key back by the waits of `backoff`, the n-th wait for the n-th failure in a row; tracks at most
    /// `max_keys` keys (1 to 2^31), and forgets a key whose hold ended `forget_after` ago (1 ns to 2^62 ns).
    ///
    /// These have no default. `backoff` has no limits (a key is held back as often as it fails). `max_keys` times 32
    /// to 66 bytes, for keys of 8 bytes, is the memory. `forget_after` is how long a key that failed must be quiet
    /// until its failures count from 1 again; somewhat above the backoff's cap, so that one who fails at every try is
    /// known.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, table::BackoffTablePolicy};
    /// let backoff = BackoffPolicy::builder(Duration::from_millis(10)).cap(Duration::from_secs(60));
    /// let policy = BackoffTablePolicy::builder(backoff, 500, Duration::from_secs(600)).build()?;
    /// assert_eq!(policy.forget_after(), Duration::from_secs(600));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub fn builder(
        backoff: impl Into<BackoffBuilder>,
        max_keys: u32,
        forget_after: Duration,
    ) -> BackoffTableBuilder {
        BackoffTableBuilder {
            backoff: backoff.into(),
            max_keys,
            forget_after,
            advisory: AdvisoryFields::new(),
            due_index: false,
        }
    }

    /// The schedule of each key.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, table::BackoffTablePolicy};
    /// # let backoff = BackoffPolicy::builder(Duration::from_millis(10));
    /// let policy = BackoffTablePolicy::builder(backoff, 500, Duration::from_secs(600)).build()?;
    /// assert_eq!(policy.backoff().base(), Duration::from_millis(10));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[inline]
    #[must_use]
    pub const fn backoff(&self) -> &BackoffPolicy {
        &self.backoff
    }

    /// How many keys are tracked at most.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, table::BackoffTablePolicy};
    /// # let backoff = BackoffPolicy::builder(Duration::from_millis(10));
    /// let policy = BackoffTablePolicy::builder(backoff, 500, Duration::from_secs(600)).build()?;
    /// assert_eq!(policy.max_keys(), 500);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[inline]
    #[must_use]
    pub const fn max_keys(&self) -> u32 {
        self.max_keys
    }

    /// How long after the end of its hold a key is forgotten.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, table::BackoffTablePolicy};
    /// # let backoff = BackoffPolicy::builder(Duration::from_millis(10));
    /// let policy = BackoffTablePolicy::builder(backoff, 500, Duration::from_secs(600)).build()?;
    /// assert_eq!(policy.forget_after(), Duration::from_secs(600));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn forget_after(&self) -> Duration {
        Duration::from_nanos(self.forget_after_ns)
    }

    /// How a server's advice and our own wait make the hold.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{advice::AdvisoryRule, backoff::BackoffPolicy, table::BackoffTablePolicy};
    /// # let backoff = BackoffPolicy::builder(Duration::from_millis(10));
    /// let policy = BackoffTablePolicy::builder(backoff, 500, Duration::from_secs(600)).build()?;
    /// assert_eq!(policy.advisory_rule(), AdvisoryRule::AtLeast);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn advisory_rule(&self) -> AdvisoryRule {
        self.advisory.rule
    }

    /// Advice counts as at most this.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, table::BackoffTablePolicy};
    /// let backoff = BackoffPolicy::builder(Duration::from_millis(10)).cap(Duration::from_secs(60));
    /// let policy = BackoffTablePolicy::builder(backoff, 500, Duration::from_secs(600)).build()?;
    /// assert_eq!(policy.advisory_cap(), Duration::from_secs(60)); // the backoff's cap
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn advisory_cap(&self) -> Duration {
        Duration::from_nanos(self.advisory.cap_ns)
    }

    /// By how much of itself an advised wait may be lengthened at random.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{Ratio, backoff::BackoffPolicy, table::BackoffTablePolicy};
    /// # let backoff = BackoffPolicy::builder(Duration::from_millis(10));
    /// let policy = BackoffTablePolicy::builder(backoff, 500, Duration::from_secs(600)).build()?;
    /// assert_eq!(policy.advisory_spread(), Ratio::ZERO);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn advisory_spread(&self) -> Ratio {
        self.advisory.spread
    }

    /// Whether the table keeps an index of the ends of holds.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, table::BackoffTablePolicy};
    /// # let backoff = BackoffPolicy::builder(Duration::from_millis(10));
    /// let builder = BackoffTablePolicy::builder(backoff, 500, Duration::from_secs(600));
    /// assert_eq!((builder.build()?.due_index(), builder.due_index(true).build()?.due_index()), (false, true));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn due_index(&self) -> bool {
        self.due_index
    }

    #[inline]
    pub(super) const fn advisory(&self) -> &Advisory {
        &self.advisory
    }

    /// When a hold that ended at `at_ns` is forgotten.
    #[inline]
    pub(super) const fn forgotten_at_ns(&self, at_ns: u64) -> Option<u64> {
        at_ns.checked_add(self.forget_after_ns)
    }

    /// Whether a key whose hold ended at `at_ns` is forgotten, as [`forgotten_at_ns`](Self::forgotten_at_ns) has it:
    /// `forget_after` is never zero.
    #[inline]
    pub(super) const fn is_forgotten(&self, at_ns: u64, now_ns: u64) -> bool {
        now_ns.saturating_sub(at_ns) >= self.forget_after_ns
    }

    /// The ceiling of wait number `attempt`.
    #[inline]
    pub(super) const fn ceiling_ns(&self, attempt: u32) -> u64 {
        self.backoff.ceiling_by(self.doubling, attempt)
    }

    /// The longest wait that a failure or advice can make.
    pub(super) fn longest_ns(&self) -> u64 {
        self.advisory.longest_ns(&self.backoff)
    }
}

/// Sets up a [`BackoffTablePolicy`].
///
/// ```
/// use core::time::Duration;
/// use evenkeel_core::advice::AdvisoryRule;
/// use evenkeel_core::backoff::{BackoffPolicy, Jitter};
/// use evenkeel_core::table::BackoffTablePolicy;
///
/// let backoff = BackoffPolicy::builder(Duration::from_millis(10)).jitter(Jitter::Equal);
/// let policy = BackoffTablePolicy::builder(backoff, 10_000, Duration::from_secs(3_600))
///     .advisory_rule(AdvisoryRule::Exact)
///     .advisory_cap(Duration::from_secs(300))
///     .due_index(true)
///     .build()?;
/// assert!(policy.due_index());
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[must_use = "a builder does nothing until `build()`"]
#[derive(Clone, Copy, Debug)]
pub struct BackoffTableBuilder {
    backoff: BackoffBuilder,
    max_keys: u32,
    forget_after: Duration,
    advisory: AdvisoryFields,
    due_index: bool,
}

impl BackoffTableBuilder {
    /// How a server's advice and our own wait make the hold. Default: [`AdvisoryRule::AtLeast`], so that no hint from
    /// outside shortens a hold. With `AtLeast` and `Within` nothing shortens a hold that stands; with `Exact` the
    /// latest report decides.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{advice::AdvisoryRule, backoff::BackoffPolicy, table::BackoffTablePolicy};
    /// # let backoff = BackoffPolicy::builder(Duration::from_millis(10));
    /// # let builder = BackoffTablePolicy::builder(backoff, 500, Duration::from_secs(600));
    /// let policy = builder.advisory_rule(AdvisoryRule::Exact).build()?;
    /// assert_eq!(policy.advisory_rule(), AdvisoryRule::Exact);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn advisory_rule(mut self, rule: AdvisoryRule) -> Self {
        self.advisory.rule = rule;
        self
    }

    /// Advice counts as at most this, up to 2^62 ns. Default: the backoff's cap, or no bound where it has none: a
    /// server may hold a key as long as we would.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, table::BackoffTablePolicy};
    /// # let backoff = BackoffPolicy::builder(Duration::from_millis(10));
    /// # let builder = BackoffTablePolicy::builder(backoff, 500, Duration::from_secs(600));
    /// let policy = builder.advisory_cap(Duration::from_secs(300)).build()?;
    /// assert_eq!(policy.advisory_cap(), Duration::from_secs(300));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn advisory_cap(mut self, cap: Duration) -> Self {
        self.advisory.cap = Some(cap);
        self
    }

    /// Lengthens an advised wait by up to this share of itself, at most 1, with one word. Default: 0, for one client
    /// among few; with many that hear the same advice, say 20 %, so that they do not all return at once.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{Ratio, backoff::BackoffPolicy, table::BackoffTablePolicy};
    /// # let backoff = BackoffPolicy::builder(Duration::from_millis(10));
    /// # let builder = BackoffTablePolicy::builder(backoff, 500, Duration::from_secs(600));
    /// let policy = builder.advisory_spread(Ratio::percent(20)).build()?;
    /// assert_eq!(policy.advisory_spread(), Ratio::percent(20));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn advisory_spread(mut self, spread: Ratio) -> Self {
        self.advisory.spread = spread;
        self
    }

    /// Whether the table keeps an index of the ends of holds: 11 to 14 bytes a key, for O(log n) in
    /// [`pop_ready`](super::BackoffTable::pop_ready), O(1) in
    /// [`next_deadline_ns`](super::BackoffTable::next_deadline_ns) and O(log n) for finding a key to forget.
    ///
    /// Default: no, for tables that are only asked. **Without it those calls give the same answers, and each goes
    /// through all keys.** A loop that sleeps until the next deadline needs the index.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, table::BackoffTablePolicy};
    /// # let backoff = BackoffPolicy::builder(Duration::from_millis(10));
    /// # let builder = BackoffTablePolicy::builder(backoff, 500, Duration::from_secs(600));
    /// assert!(builder.due_index(true).build()?.due_index());
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn due_index(mut self, on: bool) -> Self {
        self.due_index = on;
        self
    }

    /// The policy, checked as a whole.
    ///
    /// # Errors
    /// When a span is above 2^62 ns, `max_keys` or `forget_after` is zero or too large, the backoff is none or has
    /// limits, or the advisory spread is above 1.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, table::BackoffTablePolicy};
    /// let backoff = BackoffPolicy::builder(Duration::from_millis(10));
    /// let wrong = BackoffTablePolicy::builder(backoff, 0, Duration::from_secs(600)).build();
    /// assert_eq!(wrong.unwrap_err().to_string(), "backoff_table.max_keys is 0: it must be at least 1");
    /// ```
    pub fn build(self) -> Result<BackoffTablePolicy, ConfigError> {
        let backoff = backoff_without_limits(self.backoff, BACKOFF, LIMITED)?;
        Ok(BackoffTablePolicy {
            backoff,
            doubling: Doubling::of(&backoff),
            max_keys: count(SCOPE, "max_keys", self.max_keys, MAX_KEYS)?,
            forget_after_ns: positive_ns(SCOPE, "forget_after", self.forget_after)?,
            advisory: self.advisory.build(SCOPE, &backoff)?,
            due_index: self.due_index,
        })
    }
}
