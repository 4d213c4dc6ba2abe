//! The policy of a health probe: when probes are sent, how long they have, how many results make a verdict.

use core::time::Duration;

use super::builder::HealthProbeBuilder;
use crate::backoff::{BackoffPolicy, Jitter};
use crate::random::scaled;

/// A checked, immutable policy of a health probe; made by [`HealthProbePolicy::builder`].
///
/// ```
/// use core::time::Duration;
/// use evenkeel_core::backoff::BackoffPolicy;
/// use evenkeel_core::health::HealthProbePolicy;
///
/// let down = BackoffPolicy::builder(Duration::from_secs(1)).cap(Duration::from_secs(60));
/// let policy = HealthProbePolicy::builder(Duration::from_secs(10), Duration::from_secs(1))
///     .fall(2)
///     .down(down)
///     .build()?;
/// assert_eq!((policy.rise(), policy.fall()), (2, 2));
///
/// let wrong = HealthProbePolicy::builder(Duration::from_secs(10), Duration::ZERO).build();
/// assert_eq!(wrong.unwrap_err().to_string(), "health_probe.timeout is 0: it must be above 0");
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HealthProbePolicy {
    /// The interval, as a schedule of waits that does not grow.
    pub(super) steady: BackoffPolicy,
    pub(super) timeout_ns: u64,
    pub(super) rise: u32,
    pub(super) fall: u32,
    pub(super) down: Option<BackoffPolicy>,
}

impl HealthProbePolicy {
    /// A probe that is sent `interval` (1 ns to 2^62 ns) after the one before it ended, and counts as failed when it
    /// has not reported after `timeout` (the same range).
    ///
    /// The interval counts from the end of a probe, so there is never more than one in flight, and `timeout` may be
    /// longer than `interval`. A dependency that hangs is found down after about `fall` times both.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::health::HealthProbePolicy;
    /// let policy = HealthProbePolicy::builder(Duration::from_secs(10), Duration::from_secs(1)).build()?;
    /// assert_eq!((policy.interval().as_secs(), policy.timeout().as_secs()), (10, 1));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn builder(interval: Duration, timeout: Duration) -> HealthProbeBuilder {
        HealthProbeBuilder::new(interval, timeout)
    }

    /// From the end of a probe to the next, before jitter.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::health::HealthProbePolicy;
    /// # let builder = HealthProbePolicy::builder(Duration::from_secs(10), Duration::from_secs(1));
    /// assert_eq!(builder.build()?.interval(), Duration::from_secs(10));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn interval(&self) -> Duration {
        self.steady.base()
    }

    /// How long a probe has to report.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::health::HealthProbePolicy;
    /// # let builder = HealthProbePolicy::builder(Duration::from_secs(10), Duration::from_secs(1));
    /// assert_eq!(builder.build()?.timeout(), Duration::from_secs(1));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn timeout(&self) -> Duration {
        Duration::from_nanos(self.timeout_ns)
    }

    /// How the interval is spread.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{Ratio, backoff::Jitter, health::HealthProbePolicy};
    /// # let builder = HealthProbePolicy::builder(Duration::from_secs(10), Duration::from_secs(1));
    /// assert_eq!(builder.build()?.jitter(), Jitter::Spread(Ratio::percent(10)));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn jitter(&self) -> Jitter {
        self.steady.jitter()
    }

    /// How many passed in a row mean up.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::health::HealthProbePolicy;
    /// # let builder = HealthProbePolicy::builder(Duration::from_secs(10), Duration::from_secs(1));
    /// assert_eq!(builder.build()?.rise(), 2);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn rise(&self) -> u32 {
        self.rise
    }

    /// How many failed in a row mean down.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::health::HealthProbePolicy;
    /// # let builder = HealthProbePolicy::builder(Duration::from_secs(10), Duration::from_secs(1));
    /// assert_eq!(builder.build()?.fall(), 3);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn fall(&self) -> u32 {
        self.fall
    }

    /// The waits between probes while down; the interval if there are none.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, health::HealthProbePolicy};
    /// # let builder = HealthProbePolicy::builder(Duration::from_secs(10), Duration::from_secs(1));
    /// assert_eq!(builder.build()?.down(), None);
    /// let down = BackoffPolicy::builder(Duration::from_secs(1)).build()?;
    /// assert_eq!(builder.down(down).build()?.down(), Some(&down));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn down(&self) -> Option<&BackoffPolicy> {
        self.down.as_ref()
    }

    /// Whether the wait after a probe may take a random word.
    pub(super) const fn draws(&self) -> bool {
        self.steady.draws()
            || match &self.down {
                Some(down) => down.draws(),
                None => false,
            }
    }

    /// The wait after a probe that found it not down, or while down without waits of its own.
    pub(super) const fn steady_wait_ns(&self, first: bool, word: u64) -> u64 {
        let interval_ns = self.steady.first_ns();
        if first && self.steady.draws() {
            scaled(word, interval_ns.saturating_add(1))
        } else {
            self.steady.drawn_ns(interval_ns, 0, word)
        }
    }

    /// No wait between two probes is longer, in nanoseconds.
    pub(super) fn longest_wait_ns(&self) -> u64 {
        let most = self.steady.range(u32::MAX).1;
        let most = most.max(self.down.map_or(most, |down| down.range(u32::MAX).1));
        u64::try_from(most.as_nanos()).unwrap_or(u64::MAX)
    }
}
