//! Sets up a backoff policy: setters with defaults, and one check of the whole.

use core::time::Duration;

use super::policy::{BackoffPolicy, Growth, Jitter};
use crate::config::{checked, ns, optional_ns, share};
use crate::error::ConfigError;
use crate::ratio::Ratio;
use crate::time::MAX_SPAN_NS;

pub(super) const SCOPE: &str = "backoff";

/// Sets up a [`BackoffPolicy`]; every setter has a default, only the base has none.
///
/// All of it is `const`, so that a policy in a `const` item is checked when the program is compiled.
///
/// ```
/// use core::time::Duration;
/// use evenkeel_core::backoff::BackoffPolicy;
///
/// const POLICY: BackoffPolicy = match BackoffPolicy::builder(Duration::from_millis(100)).max_retries(3).build() {
///     Ok(policy) => policy,
///     Err(_) => panic!("not a policy"), // the program would not compile
/// };
/// assert_eq!(POLICY.max_retries(), Some(3));
/// ```
#[must_use = "a builder does nothing until `build()`"]
#[derive(Clone, Copy, Debug)]
pub struct BackoffBuilder {
    base: Duration,
    cap: Option<Duration>,
    growth: Growth,
    jitter: Option<Jitter>,
    max_retries: Option<u32>,
    max_total_wait: Option<Duration>,
}

impl BackoffBuilder {
    pub(super) const fn new(base: Duration) -> Self {
        Self {
            base,
            cap: None,
            growth: Growth::Exponential { factor: Ratio::TWO },
            jitter: None,
            max_retries: None,
            max_total_wait: None,
        }
    }

    /// No ceiling, and so no wait, is above this. Default: none, and the ceilings grow to
    /// [`MAX_SPAN`](crate::time::MAX_SPAN); give one to anything that retries for long.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::backoff::BackoffPolicy;
    /// let policy = BackoffPolicy::builder(Duration::from_millis(100)).cap(Duration::from_millis(250)).build()?;
    /// assert_eq!(policy.ceiling(2), Duration::from_millis(200));
    /// assert_eq!(policy.ceiling(3), Duration::from_millis(250)); // else 400
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn cap(mut self, cap: Duration) -> Self {
        self.cap = Some(cap);
        self
    }

    /// Default: exponential with factor 2: four doublings are a factor of 16, which most outages outlast.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::backoff::{BackoffPolicy, Growth};
    /// let step = Duration::from_millis(50);
    /// let policy = BackoffPolicy::builder(Duration::from_millis(100)).growth(Growth::Linear { step }).build()?;
    /// assert_eq!(policy.ceiling(3), Duration::from_millis(200)); // doubled it would be 400
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn growth(mut self, growth: Growth) -> Self {
        self.growth = growth;
        self
    }

    /// Default: [`Jitter::Full`], because clients that wait in step retry in step.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::backoff::{BackoffPolicy, Jitter};
    /// let base = Duration::from_millis(100);
    /// let policy = BackoffPolicy::builder(base).jitter(Jitter::Equal).build()?;
    /// assert_eq!(policy.range(1), (base / 2, base));
    /// assert_eq!(BackoffPolicy::builder(base).build()?.range(1), (Duration::ZERO, base));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn jitter(mut self, jitter: Jitter) -> Self {
        self.jitter = Some(jitter);
        self
    }

    /// `jitter`, unless one was chosen.
    pub(crate) const fn or_jitter(mut self, jitter: Jitter) -> Self {
        if self.jitter.is_none() {
            self.jitter = Some(jitter);
        }
        self
    }

    /// At most this many waits; the next is refused. Default: no limit. 0 refuses the first.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::backoff::{Backoff, BackoffPolicy, Exhausted};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// let policy = BackoffPolicy::builder(Duration::from_millis(100)).max_retries(1).build()?;
    /// let mut backoff = Backoff::new(policy);
    /// assert!(backoff.next_wait(0, &mut rng).is_ok());
    /// assert_eq!(backoff.next_wait(0, &mut rng), Err(Exhausted::Retries));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn max_retries(mut self, retries: u32) -> Self {
        self.max_retries = Some(retries);
        self
    }

    /// The waits together are at most this; a wait is drawn, and refused if the sum would pass it.
    /// Default: no limit.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::backoff::{Backoff, BackoffPolicy, Exhausted, Jitter};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// let policy = BackoffPolicy::builder(Duration::from_millis(100))
    ///     .jitter(Jitter::None)
    ///     .max_total_wait(Duration::from_millis(250))
    ///     .build()?;
    /// let mut backoff = Backoff::new(policy);
    /// assert!(backoff.next_wait(0, &mut rng).is_ok());
    /// assert_eq!(backoff.next_wait(0, &mut rng), Err(Exhausted::TotalWait)); // 100 + 200
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn max_total_wait(mut self, total: Duration) -> Self {
        self.max_total_wait = Some(total);
        self
    }

    /// Checks the whole and makes the policy.
    ///
    /// # Errors
    /// - a span above [`MAX_SPAN`](crate::time::MAX_SPAN);
    /// - a factor below 1, or one that rounding keeps from growing (1 ns x 3/2), or one that takes more than
    ///   4 096 steps to the cap (work for each call stays bounded);
    /// - a spread above 1;
    /// - a `max_total_wait` that not even the shortest first wait fits into.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{Ratio, backoff::{BackoffPolicy, Growth}};
    /// let builder = BackoffPolicy::builder(Duration::from_millis(100));
    /// assert_eq!(builder.build()?.ceiling(2), Duration::from_millis(200));
    ///
    /// let shrinking = builder.growth(Growth::Exponential { factor: Ratio::percent(50) });
    /// let error = shrinking.build().unwrap_err();
    /// assert_eq!(error.to_string(), "backoff.factor is 1/2: it must be at least 1");
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn build(self) -> Result<BackoffPolicy, ConfigError> {
        let base_ns = checked!(ns(SCOPE, "base", self.base));
        let cap_ns = checked!(optional_ns(SCOPE, "cap", self.cap));
        let max_total_wait_ns = checked!(optional_ns(SCOPE, "max_total_wait", self.max_total_wait));
        if let Growth::Linear { step } = self.growth {
            checked!(ns(SCOPE, "step", step));
        }
        let jitter = match self.jitter {
            Some(jitter) => jitter,
            None => Jitter::Full,
        };
        if let Jitter::Spread(spread) = jitter {
            checked!(share(SCOPE, "jitter.spread", spread));
        }
        let policy = BackoffPolicy {
            base_ns,
            limit_ns: match cap_ns {
                Some(cap_ns) => cap_ns,
                None => MAX_SPAN_NS,
            },
            has_cap: cap_ns.is_some(),
            growth: self.growth,
            jitter,
            max_retries: self.max_retries,
            max_total_wait_ns,
        };
        checked!(policy.check_factor());
        checked!(policy.check_total());
        Ok(policy)
    }
}

/// The builder that makes this policy again, to change it or to put it into another.
impl From<BackoffPolicy> for BackoffBuilder {
    fn from(policy: BackoffPolicy) -> Self {
        Self {
            base: policy.base(),
            cap: policy.cap(),
            growth: policy.growth,
            jitter: Some(policy.jitter),
            max_retries: policy.max_retries,
            max_total_wait: policy.max_total_wait(),
        }
    }
}
