//! The policy of a retry: how often, how long, and what a refusal means; checked as a whole by `build()`.

use core::time::Duration;

use super::builder::RetryBuilder;
use crate::advice::{Advisory, AdvisoryRule};
use crate::backoff::{BackoffBuilder, BackoffPolicy};
use crate::ratio::Ratio;
use crate::time::optional_span;

/// What a breaker's refusal means for the operation.
///
/// ```
/// use evenkeel_core::retry::WhenRefused;
///
/// assert_eq!(WhenRefused::default(), WhenRefused::End);
/// assert_eq!(WhenRefused::Wait.name(), "wait");
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum WhenRefused {
    /// The operation ends with [`End::BreakerOpen`](super::End::BreakerOpen): whoever waits for it learns at once. The
    /// default.
    #[default]
    End,
    /// The operation waits until the instant that the breaker names, and asks again; it ends where there is none, or
    /// none before the deadline. For work that nobody waits for. All that wait for one breaker come back at one
    /// instant; the breaker lets its probes through and names the next. That one is late: while all probes are out, the
    /// only instant that is sure is that at which the last has not reported and the open wait after it is over. So an
    /// operation may sleep on although the probes pass; a short `probe_timeout` bounds by how much.
    Wait,
}

impl WhenRefused {
    /// `"end"` or `"wait"`.
    ///
    /// ```
    /// # use evenkeel_core::retry::WhenRefused;
    /// assert_eq!([WhenRefused::End, WhenRefused::Wait].map(WhenRefused::name), ["end", "wait"]);
    /// ```
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::End => "end",
            Self::Wait => "wait",
        }
    }
}

crate::named::display_by_name!(WhenRefused);

/// A checked, immutable retry policy; made by [`RetryPolicy::builder`].
///
/// ```
/// use core::time::Duration;
/// use evenkeel_core::backoff::BackoffPolicy;
/// use evenkeel_core::retry::RetryPolicy;
///
/// let backoff = BackoffPolicy::builder(Duration::from_millis(100)).cap(Duration::from_secs(5));
/// let policy = RetryPolicy::builder(backoff)
///     .max_attempts(4)
///     .attempt_timeout(Duration::from_secs(2))
///     .deadline(Duration::from_secs(10))
///     .build()?;
/// assert_eq!(policy.max_attempts(), Some(4));
///
/// let wrong = RetryPolicy::builder(backoff).attempt_timeout(Duration::from_secs(20));
/// let error = wrong.deadline(Duration::from_secs(10)).build().unwrap_err();
/// assert_eq!(error.path().to_string(), "retry.attempt_timeout");
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RetryPolicy {
    pub(super) backoff: BackoffPolicy,
    /// `None`: no limit of its own.
    pub(super) max_attempts: Option<u32>,
    pub(super) attempt_timeout_ns: Option<u64>,
    pub(super) deadline_ns: Option<u64>,
    pub(super) when_refused: WhenRefused,
    pub(super) advisory: Advisory,
}

impl RetryPolicy {
    /// A policy that waits the waits of `backoff` between attempts: a [`BackoffBuilder`], or a finished
    /// [`BackoffPolicy`]. Its limits, `max_retries` and `max_total_wait`, end the operation as
    /// [`End::Exhausted`](super::End::Exhausted).
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, retry::RetryPolicy};
    /// let backoff = BackoffPolicy::builder(Duration::from_millis(100));
    /// let policy = RetryPolicy::builder(backoff).build()?;
    /// assert_eq!(*policy.backoff(), backoff.build()?);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub fn builder(backoff: impl Into<BackoffBuilder>) -> RetryBuilder {
        RetryBuilder::new(backoff.into())
    }

    /// The waits between attempts.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, retry::RetryPolicy};
    /// # let builder = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_millis(100)));
    /// assert_eq!(builder.build()?.backoff().base(), Duration::from_millis(100));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn backoff(&self) -> &BackoffPolicy {
        &self.backoff
    }

    /// How many attempts there are at most, the first included; `None` where the deadline or the backoff's
    /// `max_retries` is the limit.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, retry::RetryPolicy};
    /// # let builder = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_millis(100)));
    /// assert_eq!(builder.max_attempts(5).build()?.max_attempts(), Some(5));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn max_attempts(&self) -> Option<u32> {
        self.max_attempts
    }

    /// How long one attempt may take.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, retry::RetryPolicy};
    /// # let builder = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_millis(100)));
    /// let policy = builder.attempt_timeout(Duration::from_secs(2)).build()?;
    /// assert_eq!(policy.attempt_timeout(), Some(Duration::from_secs(2)));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn attempt_timeout(&self) -> Option<Duration> {
        optional_span(self.attempt_timeout_ns)
    }

    /// How long the whole operation may take.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, retry::RetryPolicy};
    /// # let builder = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_millis(100)));
    /// let policy = builder.deadline(Duration::from_secs(10)).build()?;
    /// assert_eq!(policy.deadline(), Some(Duration::from_secs(10)));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn deadline(&self) -> Option<Duration> {
        optional_span(self.deadline_ns)
    }

    /// What a breaker's refusal means.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, retry::{RetryPolicy, WhenRefused}};
    /// # let builder = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_millis(100)));
    /// assert_eq!(builder.build()?.when_refused(), WhenRefused::End);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn when_refused(&self) -> WhenRefused {
        self.when_refused
    }

    /// How a server's advice and our own wait make the wait.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{advice::AdvisoryRule, backoff::BackoffPolicy, retry::RetryPolicy};
    /// # let builder = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_millis(100)));
    /// assert_eq!(builder.build()?.advisory_rule(), AdvisoryRule::AtLeast);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn advisory_rule(&self) -> AdvisoryRule {
        self.advisory.rule
    }

    /// How far a server's advice is followed.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, retry::RetryPolicy};
    /// let backoff = BackoffPolicy::builder(Duration::from_millis(100)).cap(Duration::from_secs(5));
    /// assert_eq!(RetryPolicy::builder(backoff).build()?.advisory_cap(), Duration::from_secs(5));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn advisory_cap(&self) -> Duration {
        Duration::from_nanos(self.advisory.cap_ns)
    }

    /// By how much an advised wait is lengthened at most, to spread those that were advised together.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{Ratio, backoff::BackoffPolicy, retry::RetryPolicy};
    /// # let builder = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_millis(100)));
    /// assert_eq!(builder.build()?.advisory_spread(), Ratio::ZERO);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn advisory_spread(&self) -> Ratio {
        self.advisory.spread
    }

    /// The longest wait that the schedule and advice can give together.
    pub(super) fn longest_wait_ns(&self) -> u64 {
        self.advisory.longest_ns(&self.backoff)
    }

    /// Whether `attempts` are as many as there may be.
    pub(super) fn attempts_are_used_up(&self, attempts: u64) -> bool {
        self.max_attempts.is_some_and(|max| attempts >= max.into())
    }
}
