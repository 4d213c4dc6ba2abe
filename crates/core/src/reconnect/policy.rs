//! The policy of a reconnecting link: backoff, timeouts, and when a link has proven itself.

use core::time::Duration;

use super::builder::ReconnectBuilder;
use crate::advice::{Advisory, AdvisoryRule};
use crate::backoff::{BackoffBuilder, BackoffPolicy};
use crate::ratio::Ratio;
use crate::time::optional_span;

/// A checked, immutable policy; made by [`ReconnectPolicy::builder`].
///
/// ```
/// use core::time::Duration;
/// use evenkeel_core::backoff::BackoffPolicy;
/// use evenkeel_core::reconnect::ReconnectPolicy;
///
/// let backoff = BackoffPolicy::builder(Duration::from_millis(500)).cap(Duration::from_secs(30));
/// let policy = ReconnectPolicy::builder(backoff, Duration::from_secs(10))
///     .silence_limit(Duration::from_secs(45))
///     .build()?;
/// assert_eq!(policy.stable_after(), Duration::from_secs(30));
///
/// let wrong = ReconnectPolicy::builder(backoff, Duration::ZERO).build();
/// assert_eq!(wrong.unwrap_err().to_string(), "reconnect.connect_timeout is 0: it must be above 0");
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ReconnectPolicy {
    pub(super) backoff: BackoffPolicy,
    pub(super) connect_timeout_ns: u64,
    pub(super) stable_after_ns: u64,
    pub(super) silence_limit_ns: Option<u64>,
    pub(super) kick_within_ns: u64,
    pub(super) advisory: Advisory,
}

impl ReconnectPolicy {
    /// A link that is tried again after the waits of `backoff`, and has `connect_timeout` (1 ns to 2^62 ns) to come
    /// about.
    ///
    /// `backoff` is a [`BackoffBuilder`] or a finished [`BackoffPolicy`]. Its base and its cap are above 0; without
    /// limits it is tried for ever, with limits the machine [gives up](super::LinkAction::GaveUp).
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, reconnect::ReconnectPolicy};
    /// let backoff = BackoffPolicy::builder(Duration::from_millis(500)).build()?;
    /// let policy = ReconnectPolicy::builder(backoff, Duration::from_secs(10)).build()?;
    /// assert_eq!(policy.backoff(), &backoff);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub fn builder(
        backoff: impl Into<BackoffBuilder>,
        connect_timeout: Duration,
    ) -> ReconnectBuilder {
        ReconnectBuilder::new(backoff.into(), connect_timeout)
    }

    /// The waits between one link and the next.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, reconnect::ReconnectPolicy};
    /// # let backoff = BackoffPolicy::builder(Duration::from_millis(500)).cap(Duration::from_secs(30));
    /// # let builder = ReconnectPolicy::builder(backoff, Duration::from_secs(10));
    /// assert_eq!(builder.build()?.backoff().ceiling(3), Duration::from_secs(2));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn backoff(&self) -> &BackoffPolicy {
        &self.backoff
    }

    /// How long connecting may take.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, reconnect::ReconnectPolicy};
    /// # let backoff = BackoffPolicy::builder(Duration::from_millis(500)).cap(Duration::from_secs(30));
    /// # let builder = ReconnectPolicy::builder(backoff, Duration::from_secs(10));
    /// assert_eq!(builder.build()?.connect_timeout(), Duration::from_secs(10));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn connect_timeout(&self) -> Duration {
        Duration::from_nanos(self.connect_timeout_ns)
    }

    /// How long a confirmed link must have stood to reset the backoff.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, reconnect::ReconnectPolicy};
    /// # let backoff = BackoffPolicy::builder(Duration::from_millis(500)).cap(Duration::from_secs(30));
    /// # let builder = ReconnectPolicy::builder(backoff, Duration::from_secs(10));
    /// let policy = builder.stable_after(Duration::from_secs(5)).build()?;
    /// assert_eq!(policy.stable_after(), Duration::from_secs(5));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn stable_after(&self) -> Duration {
        Duration::from_nanos(self.stable_after_ns)
    }

    /// How long a link may bring no frame, if there is a limit.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, reconnect::ReconnectPolicy};
    /// # let backoff = BackoffPolicy::builder(Duration::from_millis(500)).cap(Duration::from_secs(30));
    /// # let builder = ReconnectPolicy::builder(backoff, Duration::from_secs(10));
    /// assert_eq!(builder.build()?.silence_limit(), None);
    /// let policy = builder.silence_limit(Duration::from_secs(45)).build()?;
    /// assert_eq!(policy.silence_limit(), Some(Duration::from_secs(45)));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn silence_limit(&self) -> Option<Duration> {
        optional_span(self.silence_limit_ns)
    }

    /// How soon a kick tries: within this.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, reconnect::ReconnectPolicy};
    /// # let backoff = BackoffPolicy::builder(Duration::from_millis(500)).cap(Duration::from_secs(30));
    /// # let builder = ReconnectPolicy::builder(backoff, Duration::from_secs(10));
    /// assert_eq!(builder.build()?.kick_within(), Duration::from_millis(500)); // the backoff's first ceiling
    /// let policy = builder.kick_within(Duration::from_secs(2)).build()?;
    /// assert_eq!(policy.kick_within(), Duration::from_secs(2));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn kick_within(&self) -> Duration {
        Duration::from_nanos(self.kick_within_ns)
    }

    /// How a server's advice and the backoff make the wait.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{advice::AdvisoryRule, backoff::BackoffPolicy, reconnect::ReconnectPolicy};
    /// # let backoff = BackoffPolicy::builder(Duration::from_millis(500)).cap(Duration::from_secs(30));
    /// # let builder = ReconnectPolicy::builder(backoff, Duration::from_secs(10));
    /// assert_eq!(builder.build()?.advisory_rule(), AdvisoryRule::AtLeast);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn advisory_rule(&self) -> AdvisoryRule {
        self.advisory.rule
    }

    /// The most that is taken of a server's advice.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, reconnect::ReconnectPolicy};
    /// # let backoff = BackoffPolicy::builder(Duration::from_millis(500)).cap(Duration::from_secs(30));
    /// # let builder = ReconnectPolicy::builder(backoff, Duration::from_secs(10));
    /// assert_eq!(builder.build()?.advisory_cap(), Duration::from_secs(30)); // the backoff's cap
    /// let policy = builder.advisory_cap(Duration::from_secs(300)).build()?;
    /// assert_eq!(policy.advisory_cap(), Duration::from_secs(300));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn advisory_cap(&self) -> Duration {
        Duration::from_nanos(self.advisory.cap_ns)
    }

    /// The part of an advised wait that is added at random.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{Ratio, backoff::BackoffPolicy, reconnect::ReconnectPolicy};
    /// # let backoff = BackoffPolicy::builder(Duration::from_millis(500)).cap(Duration::from_secs(30));
    /// # let builder = ReconnectPolicy::builder(backoff, Duration::from_secs(10));
    /// let policy = builder.advisory_spread(Ratio::percent(10)).build()?;
    /// assert_eq!(policy.advisory_spread(), Ratio::percent(10));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn advisory_spread(&self) -> Ratio {
        self.advisory.spread
    }

    /// The longest wait that there can be.
    pub(super) fn longest_wait_ns(&self) -> u64 {
        self.advisory.longest_ns(&self.backoff)
    }

    /// Whether each try takes a random word for the wait after it.
    #[inline]
    pub(super) const fn draws(&self) -> bool {
        self.backoff.draws()
    }
}
