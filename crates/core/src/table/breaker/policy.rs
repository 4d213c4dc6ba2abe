//! The policy of a breaker table: the breaker of each key, how many keys, how long they are remembered.

use core::time::Duration;

use crate::breaker::BreakerPolicy;
use crate::config::{count, ns};
use crate::error::{Amount, ConfigError, Problem};
use crate::table::keyed::MAX_KEYS;

const SCOPE: &str = "breaker_table";

/// A checked, immutable policy of a breaker table; made by [`BreakerTablePolicy::builder`].
///
/// ```
/// use core::time::Duration;
/// use evenkeel_core::backoff::BackoffPolicy;
/// use evenkeel_core::breaker::{BreakerPolicy, Trigger};
/// use evenkeel_core::table::BreakerTablePolicy;
///
/// let open = BackoffPolicy::builder(Duration::from_secs(1)).cap(Duration::from_secs(60));
/// let breaker = BreakerPolicy::builder(open, Duration::from_secs(5))
///     .trigger(Trigger::Consecutive { failures: 5 })
///     .build()?;
/// let policy = BreakerTablePolicy::builder(breaker, 1_000, Duration::from_secs(600)).build()?;
/// assert_eq!(policy.max_keys(), 1_000);
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BreakerTablePolicy {
    breaker: BreakerPolicy,
    max_keys: u32,
    forget_after_ns: u64,
}

impl BreakerTablePolicy {
    /// Gives each key a breaker with this policy; tracks at most `max_keys` keys (1 to 2^31), and forgets a key that
    /// is not held back and was not asked for, nor reported, `forget_after` long (the probe timeout to 2^62 ns).
    ///
    /// These have no default. `max_keys` times what a key takes (itself and, with a small window, some 260 bytes)
    /// is the memory. `forget_after` must be longer than any call: a result that comes later is stale.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, Trigger}, table::BreakerTablePolicy};
    /// # let open = BackoffPolicy::builder(Duration::from_secs(1));
    /// # let breaker = BreakerPolicy::builder(open, Duration::from_secs(5))
    /// #     .trigger(Trigger::Consecutive { failures: 5 })
    /// #     .build()?;
    /// let policy = BreakerTablePolicy::builder(breaker, 1_000, Duration::from_secs(600)).build()?;
    /// assert_eq!(policy.forget_after(), Duration::from_secs(600));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn builder(
        breaker: BreakerPolicy,
        max_keys: u32,
        forget_after: Duration,
    ) -> BreakerTableBuilder {
        BreakerTableBuilder {
            breaker,
            max_keys,
            forget_after,
        }
    }

    /// The policy of each key's breaker.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, Trigger}, table::BreakerTablePolicy};
    /// # let open = BackoffPolicy::builder(Duration::from_secs(1));
    /// # let breaker = BreakerPolicy::builder(open, Duration::from_secs(5))
    /// #     .trigger(Trigger::Consecutive { failures: 5 })
    /// #     .build()?;
    /// let policy = BreakerTablePolicy::builder(breaker, 1_000, Duration::from_secs(600)).build()?;
    /// assert_eq!(policy.breaker(), &breaker);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn breaker(&self) -> &BreakerPolicy {
        &self.breaker
    }

    /// How many keys are tracked at most.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, Trigger}, table::BreakerTablePolicy};
    /// # let open = BackoffPolicy::builder(Duration::from_secs(1));
    /// # let breaker = BreakerPolicy::builder(open, Duration::from_secs(5))
    /// #     .trigger(Trigger::Consecutive { failures: 5 })
    /// #     .build()?;
    /// let policy = BreakerTablePolicy::builder(breaker, 1_000, Duration::from_secs(600)).build()?;
    /// assert_eq!(policy.max_keys(), 1_000);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn max_keys(&self) -> u32 {
        self.max_keys
    }

    /// How long a key that is not held back is remembered after its last call.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, Trigger}, table::BreakerTablePolicy};
    /// # let open = BackoffPolicy::builder(Duration::from_secs(1));
    /// # let breaker = BreakerPolicy::builder(open, Duration::from_secs(5))
    /// #     .trigger(Trigger::Consecutive { failures: 5 })
    /// #     .build()?;
    /// let policy = BreakerTablePolicy::builder(breaker, 1_000, Duration::from_secs(600)).build()?;
    /// assert_eq!(policy.forget_after(), Duration::from_secs(600));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn forget_after(&self) -> Duration {
        Duration::from_nanos(self.forget_after_ns)
    }

    pub(super) const fn forget_after_ns(&self) -> u64 {
        self.forget_after_ns
    }
}

/// Sets up a [`BreakerTablePolicy`].
///
/// ```
/// # use core::time::Duration;
/// # use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, Trigger}, table::*};
/// # let open = BackoffPolicy::builder(Duration::from_secs(1));
/// # let breaker = BreakerPolicy::builder(open, Duration::from_secs(5))
/// #     .trigger(Trigger::Consecutive { failures: 5 })
/// #     .build()?;
/// let builder: BreakerTableBuilder = BreakerTablePolicy::builder(breaker, 1_000, Duration::from_secs(600));
/// assert!(builder.build().is_ok());
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[must_use = "a builder does nothing until `build()`"]
#[derive(Clone, Copy, Debug)]
pub struct BreakerTableBuilder {
    breaker: BreakerPolicy,
    max_keys: u32,
    forget_after: Duration,
}

impl BreakerTableBuilder {
    /// The policy, checked as a whole.
    ///
    /// # Errors
    /// When `max_keys` is 0 or above 2^31, or `forget_after` is above 2^62 ns or below the probe timeout: a probe in
    /// flight must not be forgotten.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, Trigger}, table::BreakerTablePolicy};
    /// # let open = BackoffPolicy::builder(Duration::from_secs(1));
    /// # let breaker = BreakerPolicy::builder(open, Duration::from_secs(5))
    /// #     .trigger(Trigger::Consecutive { failures: 5 })
    /// #     .build()?;
    /// let wrong = BreakerTablePolicy::builder(breaker, 1_000, Duration::from_secs(4)).build();
    /// assert_eq!(wrong.unwrap_err().to_string(), "breaker_table.forget_after is 4s: it must be at least 5s");
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub fn build(self) -> Result<BreakerTablePolicy, ConfigError> {
        let forget_after_ns = ns(SCOPE, "forget_after", self.forget_after)?;
        let least = self.breaker.probe_timeout();
        if self.forget_after < least {
            let problem = Problem::BelowMin {
                given: Amount::Span(self.forget_after),
                min: Amount::Span(least),
            };
            return Err(ConfigError::new(SCOPE, "forget_after", problem));
        }
        Ok(BreakerTablePolicy {
            breaker: self.breaker,
            max_keys: count(SCOPE, "max_keys", self.max_keys, MAX_KEYS)?,
            forget_after_ns,
        })
    }
}
