//! The policy of a recovery budget: how many recoveries in which window, the wait before each, how many keys.

use core::time::Duration;

use crate::backoff::{BackoffBuilder, BackoffPolicy};
use crate::config::{backoff_without_limits, count, ns, positive_ns};
use crate::error::{Amount, ConfigError, Problem};
use crate::table::keyed::MAX_KEYS;

const SCOPE: &str = "recovery_budget";

/// Where its backoff stands in a policy file.
pub(super) const BACKOFF: &str = "recovery_budget.backoff";
const LIMITED: &str = "the budget is the limit; leave this one out";

/// The largest budget.
const MAX_BUDGET: u32 = 0xffff;

/// The most grants that all keys together may remember: 32 GiB of them.
const MAX_GRANTS: u64 = 1 << 32;

/// A checked, immutable policy of a recovery budget; made by [`RecoveryBudgetPolicy::builder`].
///
/// ```
/// use core::time::Duration;
/// use evenkeel_core::backoff::BackoffPolicy;
/// use evenkeel_core::table::RecoveryBudgetPolicy;
///
/// let backoff = BackoffPolicy::builder(Duration::from_millis(250));
/// let policy = RecoveryBudgetPolicy::builder(backoff, 3, Duration::from_secs(60), 1_000).build()?;
/// assert_eq!((policy.budget(), policy.window()), (3, Duration::from_secs(60)));
///
/// let wrong = RecoveryBudgetPolicy::builder(backoff, 0, Duration::from_secs(60), 1_000).build();
/// assert_eq!(wrong.unwrap_err().to_string(), "recovery_budget.budget is 0: it must be at least 1");
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RecoveryBudgetPolicy {
    backoff: BackoffPolicy,
    budget: u32,
    window_ns: u64,
    max_keys: u32,
    forget_after_ns: u64,
}

impl RecoveryBudgetPolicy {
    /// Grants each key at most `budget` recoveries (1 to 65 535) in any `window` (1 ns to 2^62 ns), each after the
    /// next wait of `backoff`, and tracks at most `max_keys` keys (1 to 2^31).
    ///
    /// These have no default. `backoff` has no limits (the budget is the limit). Every grant in the window is
    /// remembered, 9 to 13 bytes each: `budget` times `max_keys` is at most 2^32.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, table::RecoveryBudgetPolicy};
    /// # let backoff = BackoffPolicy::builder(Duration::from_millis(250));
    /// // one recovery a minute, as process brokers do it
    /// let policy = RecoveryBudgetPolicy::builder(backoff, 1, Duration::from_secs(60), 1_000).build()?;
    /// assert_eq!(policy.max_keys(), 1_000);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub fn builder(
        backoff: impl Into<BackoffBuilder>,
        budget: u32,
        window: Duration,
        max_keys: u32,
    ) -> RecoveryBudgetBuilder {
        RecoveryBudgetBuilder {
            backoff: backoff.into(),
            budget,
            window,
            max_keys,
            forget_after: None,
        }
    }

    /// The waits before the recoveries.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, table::RecoveryBudgetPolicy};
    /// # let backoff = BackoffPolicy::builder(Duration::from_millis(250));
    /// let policy = RecoveryBudgetPolicy::builder(backoff, 1, Duration::from_secs(60), 1_000).build()?;
    /// assert_eq!(policy.backoff().base(), Duration::from_millis(250));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn backoff(&self) -> &BackoffPolicy {
        &self.backoff
    }

    /// How many recoveries a key has in any window.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, table::RecoveryBudgetPolicy};
    /// # let backoff = BackoffPolicy::builder(Duration::from_millis(250));
    /// let policy = RecoveryBudgetPolicy::builder(backoff, 3, Duration::from_secs(60), 1_000).build()?;
    /// assert_eq!(policy.budget(), 3);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn budget(&self) -> u32 {
        self.budget
    }

    /// In which span that many: a grant at t is out of it at t + window.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, table::RecoveryBudgetPolicy};
    /// # let backoff = BackoffPolicy::builder(Duration::from_millis(250));
    /// let policy = RecoveryBudgetPolicy::builder(backoff, 1, Duration::from_secs(60), 1_000).build()?;
    /// assert_eq!(policy.window(), Duration::from_secs(60));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn window(&self) -> Duration {
        Duration::from_nanos(self.window_ns)
    }

    /// How many keys are tracked at most.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, table::RecoveryBudgetPolicy};
    /// # let backoff = BackoffPolicy::builder(Duration::from_millis(250));
    /// let policy = RecoveryBudgetPolicy::builder(backoff, 1, Duration::from_secs(60), 1_000).build()?;
    /// assert_eq!(policy.max_keys(), 1_000);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn max_keys(&self) -> u32 {
        self.max_keys
    }

    /// How long after its last grant a key is forgotten.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, table::RecoveryBudgetPolicy};
    /// # let backoff = BackoffPolicy::builder(Duration::from_millis(250));
    /// let policy = RecoveryBudgetPolicy::builder(backoff, 1, Duration::from_secs(60), 1_000).build()?;
    /// assert_eq!(policy.forget_after(), Duration::from_secs(60)); // the window
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn forget_after(&self) -> Duration {
        Duration::from_nanos(self.forget_after_ns)
    }

    /// When a grant of `at_ns` is out of the window.
    pub(super) const fn leaves_at_ns(&self, at_ns: u64) -> Option<u64> {
        at_ns.checked_add(self.window_ns)
    }

    /// When a key whose last grant was at `at_ns` is forgotten.
    pub(super) const fn forgotten_at_ns(&self, at_ns: u64) -> Option<u64> {
        at_ns.checked_add(self.forget_after_ns)
    }
}

/// Sets up a [`RecoveryBudgetPolicy`].
///
/// ```
/// use core::time::Duration;
/// use evenkeel_core::backoff::BackoffPolicy;
/// use evenkeel_core::table::RecoveryBudgetPolicy;
///
/// let backoff = BackoffPolicy::builder(Duration::from_millis(250)).cap(Duration::from_secs(10));
/// let policy = RecoveryBudgetPolicy::builder(backoff, 3, Duration::from_secs(60), 1_000)
///     .forget_after(Duration::from_secs(600))
///     .build()?;
/// assert_eq!(policy.forget_after(), Duration::from_secs(600));
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[must_use = "a builder does nothing until `build()`"]
#[derive(Clone, Copy, Debug)]
pub struct RecoveryBudgetBuilder {
    backoff: BackoffBuilder,
    budget: u32,
    window: Duration,
    max_keys: u32,
    forget_after: Option<Duration>,
}

impl RecoveryBudgetBuilder {
    /// How long after its last grant a key is forgotten, and the attempts count from 1 again: the window or longer, up
    /// to 2^62 ns. Default: the window. Longer than the longest wait, or who crashes for ever begins anew after it.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, table::RecoveryBudgetPolicy};
    /// # let backoff = BackoffPolicy::builder(Duration::from_millis(250));
    /// let builder = RecoveryBudgetPolicy::builder(backoff, 1, Duration::from_secs(60), 1_000);
    /// let policy = builder.forget_after(Duration::from_secs(90)).build()?;
    /// assert_eq!(policy.forget_after(), Duration::from_secs(90));
    /// assert_eq!(
    ///     builder.forget_after(Duration::from_secs(30)).build().unwrap_err().to_string(),
    ///     "recovery_budget.forget_after is 30s: it must be at least 1m"
    /// );
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn forget_after(mut self, span: Duration) -> Self {
        self.forget_after = Some(span);
        self
    }

    /// The policy, checked as a whole.
    ///
    /// # Errors
    /// When a span is zero or above 2^62 ns, `budget` or `max_keys` is zero or too large, both together take more than
    /// 2^32 grants, `forget_after` is below the window, or the backoff is none or has limits.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, table::RecoveryBudgetPolicy};
    /// # let backoff = BackoffPolicy::builder(Duration::from_millis(250));
    /// let wrong = RecoveryBudgetPolicy::builder(backoff, 1_000, Duration::from_secs(60), 1 << 30).build();
    /// assert_eq!(wrong.unwrap_err().to_string(), "recovery_budget.budget is 1000: it must be at most 4");
    /// ```
    pub fn build(self) -> Result<RecoveryBudgetPolicy, ConfigError> {
        let backoff = backoff_without_limits(self.backoff, BACKOFF, LIMITED)?;
        let window_ns = positive_ns(SCOPE, "window", self.window)?;
        let max_keys = count(SCOPE, "max_keys", self.max_keys, MAX_KEYS)?;
        let most = MAX_GRANTS.checked_div(max_keys.into()).unwrap_or(1);
        let most = u32::try_from(most).unwrap_or(u32::MAX).min(MAX_BUDGET);
        let forget_after = self.forget_after.unwrap_or(self.window);
        let forget_after_ns = ns(SCOPE, "forget_after", forget_after)?;
        if forget_after_ns < window_ns {
            let problem = Problem::BelowMin {
                given: Amount::Span(forget_after),
                min: Amount::Span(self.window),
            };
            return Err(ConfigError::new(SCOPE, "forget_after", problem));
        }
        Ok(RecoveryBudgetPolicy {
            backoff,
            budget: count(SCOPE, "budget", self.budget, most)?,
            window_ns,
            max_keys,
            forget_after_ns,
        })
    }
}
