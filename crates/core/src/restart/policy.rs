//! The policy of a restart machine: the waits, which exits are restarted, how many failures are too many.

use core::time::Duration;

use super::answer::RestartOn;
use super::builder::RestartBuilder;
use crate::backoff::{BackoffBuilder, BackoffPolicy};
use crate::time::optional_span;

/// How many failures in which time are too many; made by [`RestartBuilder::intensity`].
///
/// ```
/// # use core::time::Duration;
/// # use evenkeel_core::{backoff::BackoffPolicy, restart::{Intensity, RestartPolicy}};
/// # let backoff = BackoffPolicy::builder(Duration::from_millis(100));
/// let window = Duration::from_secs(600);
/// let policy = RestartPolicy::builder(backoff).intensity(10, window).build()?;
/// assert_eq!(policy.intensity(), Some(Intensity { max_restarts: 10, window }));
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Intensity {
    /// So many failures within the window are restarted; one more escalates.
    pub max_restarts: u32,
    /// How far back a failure counts, both edges included.
    pub window: Duration,
}

/// A checked, immutable restart policy; made by [`RestartPolicy::builder`].
///
/// ```
/// use core::time::Duration;
/// use evenkeel_core::backoff::BackoffPolicy;
/// use evenkeel_core::restart::{RestartOn, RestartPolicy};
///
/// let backoff = BackoffPolicy::builder(Duration::from_millis(100)).cap(Duration::from_secs(60));
/// let policy = RestartPolicy::builder(backoff)
///     .restart_on(RestartOn::Failure)
///     .intensity(10, Duration::from_secs(600))
///     .cooldown(Duration::from_secs(300))
///     .build()?;
/// assert_eq!(policy.restart_on(), RestartOn::Failure);
///
/// let wrong = RestartPolicy::builder(backoff).cooldown(Duration::ZERO).build();
/// assert_eq!(wrong.unwrap_err().to_string(), "restart.cooldown is 0: it must be above 0");
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RestartPolicy {
    pub(super) backoff: BackoffPolicy,
    pub(super) restart_on: RestartOn,
    pub(super) intensity: Option<Limit>,
    pub(super) cooldown_ns: Option<u64>,
}

/// An [`Intensity`] in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Limit {
    pub(super) max_restarts: u32,
    pub(super) window_ns: u64,
}

impl RestartPolicy {
    /// A task that is restarted after the waits of `backoff`: the n-th wait after the n-th exit in a row.
    ///
    /// `backoff` is a [`BackoffBuilder`], or a finished [`BackoffPolicy`], without limits: the
    /// [intensity](RestartBuilder::intensity) is the limit here. Give it a cap, and a base above 0: with a base of 0 a
    /// task that fails at once is restarted at once, for ever.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, restart::RestartPolicy};
    /// let backoff = BackoffPolicy::builder(Duration::from_millis(100)).cap(Duration::from_secs(60));
    /// assert!(RestartPolicy::builder(backoff).build().is_ok());
    ///
    /// let error = RestartPolicy::builder(backoff.max_retries(3)).build().unwrap_err();
    /// assert_eq!(error.path().to_string(), "restart.backoff.max_retries");
    /// ```
    pub fn builder(backoff: impl Into<BackoffBuilder>) -> RestartBuilder {
        RestartBuilder::new(backoff.into())
    }

    /// The waits before a restart.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, restart::RestartPolicy};
    /// # let backoff = BackoffPolicy::builder(Duration::from_millis(100));
    /// let policy = RestartPolicy::builder(backoff).build()?;
    /// assert_eq!(policy.backoff().ceiling(3), Duration::from_millis(400));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn backoff(&self) -> &BackoffPolicy {
        &self.backoff
    }

    /// Which exits are followed by another run.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, restart::{RestartOn, RestartPolicy}};
    /// # let backoff = BackoffPolicy::builder(Duration::from_millis(100));
    /// assert_eq!(RestartPolicy::builder(backoff).build()?.restart_on(), RestartOn::Always);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn restart_on(&self) -> RestartOn {
        self.restart_on
    }

    /// How many failures are too many, if any number is.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, restart::RestartPolicy};
    /// # let backoff = BackoffPolicy::builder(Duration::from_millis(100));
    /// # let builder = RestartPolicy::builder(backoff);
    /// assert_eq!(builder.build()?.intensity(), None);
    /// let limited = builder.intensity(5, Duration::from_secs(60)).build()?;
    /// assert_eq!(limited.intensity().map(|intensity| intensity.max_restarts), Some(5));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn intensity(&self) -> Option<Intensity> {
        match self.intensity {
            Some(limit) => Some(Intensity {
                max_restarts: limit.max_restarts,
                window: Duration::from_nanos(limit.window_ns),
            }),
            None => None,
        }
    }

    /// After an uptime of at least this all earlier exits are forgotten.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, restart::RestartPolicy};
    /// # let backoff = BackoffPolicy::builder(Duration::from_millis(100));
    /// # let builder = RestartPolicy::builder(backoff);
    /// let calm = Duration::from_secs(300);
    /// assert_eq!(builder.cooldown(calm).build()?.cooldown(), Some(calm));
    /// assert_eq!(builder.build()?.cooldown(), None);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn cooldown(&self) -> Option<Duration> {
        optional_span(self.cooldown_ns)
    }

    /// The failures that are restarted; 0 without an intensity.
    pub(super) const fn max_restarts(&self) -> u32 {
        match self.intensity {
            Some(limit) => limit.max_restarts,
            None => 0,
        }
    }

    /// The words of history: the failures that are restarted, and the one that is not.
    pub(super) const fn words(&self) -> usize {
        match self.intensity {
            Some(limit) => (limit.max_restarts as usize).saturating_add(1),
            None => 0,
        }
    }

    /// The longest wait that the n-th exit in a row can be followed by, in nanoseconds.
    pub(super) const fn longest_wait_ns(&self, attempt: u32) -> u64 {
        match self.backoff.range(attempt).1 {
            _ if attempt == 0 => 0,
            // No wait is above twice the longest span, which is 2^63 ns.
            #[expect(
                clippy::cast_possible_truncation,
                reason = "made from a u64 of nanoseconds"
            )]
            most => most.as_nanos() as u64,
        }
    }
}
