//! The policy of a breaker: triggers, window, open wait, probation, ramp; checked as a whole by `build()`.

use core::time::Duration;

use super::builder::{BreakerBuilder, SCOPE};
use super::leases;
use super::transition::Cause;
use super::trigger::{Alarm, MAX_TRIGGERS, Rule, Trigger};
use super::window::{Counts, Layout, Planes, Window};
use crate::backoff::{BackoffBuilder, BackoffPolicy};
use crate::config::memory;
use crate::error::ConfigError;
use crate::time::{MAX_SPAN_NS, optional_span};

/// Words that a breaker holds without touching the heap: 256 bits of window, or two probes. More would make each of a
/// million breakers larger for what few of them need. Without `alloc` there is nothing else, so there it is 2 048 bits:
/// the last 512 results with four triggers.
pub(super) const INLINE_WORDS: usize = if cfg!(feature = "alloc") { 4 } else { 32 };

/// A checked, immutable breaker policy; made by [`BreakerPolicy::builder`].
///
/// ```
/// use core::time::Duration;
/// use evenkeel_core::Ratio;
/// use evenkeel_core::backoff::BackoffPolicy;
/// use evenkeel_core::breaker::{BreakerPolicy, Trigger, Window};
///
/// let open = BackoffPolicy::builder(Duration::from_secs(1)).cap(Duration::from_secs(60));
/// let policy = BreakerPolicy::builder(open, Duration::from_secs(5))
///     .window(Window::Count { calls: 100 })
///     .trigger(Trigger::Consecutive { failures: 5 })
///     .trigger(Trigger::FailureRate { at_least: Ratio::percent(50), min_calls: 20 })
///     .trials(5)
///     .successes(4)
///     .build()?;
/// assert_eq!(policy.max_in_flight(), 1);
///
/// let wrong = BreakerPolicy::builder(open, Duration::from_secs(5))
///     .window(Window::Count { calls: 100 })
///     .trigger(Trigger::FailureRate { at_least: Ratio::percent(50), min_calls: 200 })
///     .build();
/// assert_eq!(
///     wrong.unwrap_err().to_string(),
///     "breaker.triggers[0].min_calls is 200: it must be at most 100"
/// );
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BreakerPolicy {
    pub(super) triggers: [Option<Trigger>; MAX_TRIGGERS],
    pub(super) rules: [Rule; MAX_TRIGGERS],
    pub(super) rule_count: u8,
    pub(super) alarm: Alarm,
    pub(super) planes: Planes,
    pub(super) layout: Layout,
    pub(super) window: Option<Window>,
    pub(super) open: BackoffPolicy,
    pub(super) calm_after_ns: Option<u64>,
    pub(super) advisory_cap_ns: u64,
    pub(super) until_healthy: bool,
    pub(super) max_in_flight: u32,
    pub(super) trials: u32,
    pub(super) successes: u32,
    pub(super) probe_timeout_ns: u64,
    pub(super) ramp_ns: Option<u64>,
    /// Above this a probe counts as failed; `u64::MAX` without a slow trigger.
    pub(super) slow_limit_ns: u64,
}

impl BreakerPolicy {
    /// A breaker that stays open for the waits of `open`, the n-th wait for the n-th open in a row, and gives each
    /// probe `probe_timeout` (1 ns to 2^62 ns) to report.
    ///
    /// `open` is a [`BackoffBuilder`], or a finished [`BackoffPolicy`]. It has no limits, and where no jitter was chosen
    /// it is [`Jitter::Equal`](crate::backoff::Jitter::Equal): an open wait that may be next to nothing protects nobody.
    ///
    /// A probe that does not report in time counts as failed, so `probe_timeout` must be longer than the call's own
    /// timeout. It has no "never": a lost probe must not wedge the breaker.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, Trigger, Window}};
    /// # let open = BackoffPolicy::builder(Duration::from_secs(1)).cap(Duration::from_secs(60));
    /// # let builder = BreakerPolicy::builder(open, Duration::from_secs(5))
    /// #     .trigger(Trigger::Consecutive { failures: 5 });
    /// let policy = builder.build()?;
    /// assert_eq!(policy.probe_timeout(), Duration::from_secs(5));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub fn builder(open: impl Into<BackoffBuilder>, probe_timeout: Duration) -> BreakerBuilder {
        BreakerBuilder::new(open.into(), probe_timeout)
    }

    /// The triggers, in order.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, Trigger, Window}};
    /// # let open = BackoffPolicy::builder(Duration::from_secs(1)).cap(Duration::from_secs(60));
    /// # let builder = BreakerPolicy::builder(open, Duration::from_secs(5))
    /// #     .trigger(Trigger::Consecutive { failures: 5 });
    /// let policy = builder.build()?;
    /// assert_eq!(policy.triggers().next(), Some(Trigger::Consecutive { failures: 5 }));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub fn triggers(&self) -> impl Iterator<Item = Trigger> + '_ {
        self.triggers.iter().flatten().copied()
    }

    /// Up to how many calls in the window the same triggers judge as do with `calls`.
    pub(super) fn judges_alike_until(&self, calls: u32) -> u32 {
        let rules = self.rules.iter().take(self.rule_count.into());
        let joining = rules.map(Rule::min_calls).filter(|&least| least > calls);
        joining.min().unwrap_or(u32::MAX).saturating_sub(1)
    }

    /// The cause of the first trigger that fires.
    #[inline]
    pub(super) fn judge(&self, consecutive: u32, counts: &Counts) -> Option<Cause> {
        if self.alarm.is_silent(consecutive, counts) {
            return None;
        }
        self.first_to_fire(consecutive, counts)
    }

    #[inline(never)]
    fn first_to_fire(&self, consecutive: u32, counts: &Counts) -> Option<Cause> {
        let rules = self.rules.get(..usize::from(self.rule_count))?;
        let fired = rules
            .iter()
            .position(|rule| rule.fires(consecutive, counts))?;
        self.triggers.get(fired)?.as_ref().map(Trigger::cause)
    }

    /// Which results the windowed triggers look at.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, Trigger, Window}};
    /// # let open = BackoffPolicy::builder(Duration::from_secs(1)).cap(Duration::from_secs(60));
    /// # let builder = BreakerPolicy::builder(open, Duration::from_secs(5))
    /// #     .trigger(Trigger::Consecutive { failures: 5 });
    /// assert_eq!(builder.build()?.window(), None);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn window(&self) -> Option<Window> {
        self.window
    }

    /// Above this a call is slow: the slow-rate trigger's limit, else the latency trigger's. In half-open a slow
    /// success counts as failed.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, Trigger, Window}};
    /// # let open = BackoffPolicy::builder(Duration::from_secs(1)).cap(Duration::from_secs(60));
    /// # let builder = BreakerPolicy::builder(open, Duration::from_secs(5))
    /// #     .trigger(Trigger::Consecutive { failures: 5 });
    /// assert_eq!(builder.build()?.slow_limit(), None); // no trigger looks at latencies
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn slow_limit(&self) -> Option<Duration> {
        if self.slow_limit_ns == u64::MAX {
            None
        } else {
            Some(Duration::from_nanos(self.slow_limit_ns))
        }
    }

    /// The open waits.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, Trigger, Window}};
    /// # let open = BackoffPolicy::builder(Duration::from_secs(1)).cap(Duration::from_secs(60));
    /// # let builder = BreakerPolicy::builder(open, Duration::from_secs(5))
    /// #     .trigger(Trigger::Consecutive { failures: 5 });
    /// assert_eq!(builder.build()?.open().base(), Duration::from_secs(1));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn open(&self) -> &BackoffPolicy {
        &self.open
    }

    /// For how long after a close one earlier open is remembered.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, Trigger, Window}};
    /// # let open = BackoffPolicy::builder(Duration::from_secs(1)).cap(Duration::from_secs(60));
    /// # let builder = BreakerPolicy::builder(open, Duration::from_secs(5))
    /// #     .trigger(Trigger::Consecutive { failures: 5 });
    /// assert_eq!(builder.build()?.calm_after(), None);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn calm_after(&self) -> Option<Duration> {
        optional_span(self.calm_after_ns)
    }

    /// How far a server's advice may push the end of the open wait.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, Trigger, Window}};
    /// # let open = BackoffPolicy::builder(Duration::from_secs(1)).cap(Duration::from_secs(60));
    /// # let builder = BreakerPolicy::builder(open, Duration::from_secs(5))
    /// #     .trigger(Trigger::Consecutive { failures: 5 });
    /// assert_eq!(builder.build()?.advisory_cap(), Duration::from_secs(60)); // the cap of `open`
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn advisory_cap(&self) -> Duration {
        Duration::from_nanos(self.advisory_cap_ns)
    }

    /// Whether the breaker stays open until the dependency is reported up.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, Trigger, Window}};
    /// # let open = BackoffPolicy::builder(Duration::from_secs(1)).cap(Duration::from_secs(60));
    /// # let builder = BreakerPolicy::builder(open, Duration::from_secs(5))
    /// #     .trigger(Trigger::Consecutive { failures: 5 });
    /// assert!(!builder.build()?.until_healthy());
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn until_healthy(&self) -> bool {
        self.until_healthy
    }

    /// How many probes there are at a time.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, Trigger, Window}};
    /// # let open = BackoffPolicy::builder(Duration::from_secs(1)).cap(Duration::from_secs(60));
    /// # let builder = BreakerPolicy::builder(open, Duration::from_secs(5))
    /// #     .trigger(Trigger::Consecutive { failures: 5 });
    /// assert_eq!(builder.build()?.max_in_flight(), 1);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn max_in_flight(&self) -> u32 {
        self.max_in_flight
    }

    /// Over how many probes the verdict is.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, Trigger, Window}};
    /// # let open = BackoffPolicy::builder(Duration::from_secs(1)).cap(Duration::from_secs(60));
    /// # let builder = BreakerPolicy::builder(open, Duration::from_secs(5))
    /// #     .trigger(Trigger::Consecutive { failures: 5 });
    /// assert_eq!(builder.trials(5).build()?.trials(), 5);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn trials(&self) -> u32 {
        self.trials
    }

    /// How many of the trials must pass.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, Trigger, Window}};
    /// # let open = BackoffPolicy::builder(Duration::from_secs(1)).cap(Duration::from_secs(60));
    /// # let builder = BreakerPolicy::builder(open, Duration::from_secs(5))
    /// #     .trigger(Trigger::Consecutive { failures: 5 });
    /// assert_eq!(builder.trials(5).successes(4).build()?.successes(), 4);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn successes(&self) -> u32 {
        self.successes
    }

    /// How long a probe has to report.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, Trigger, Window}};
    /// # let open = BackoffPolicy::builder(Duration::from_secs(1)).cap(Duration::from_secs(60));
    /// # let builder = BreakerPolicy::builder(open, Duration::from_secs(5))
    /// #     .trigger(Trigger::Consecutive { failures: 5 });
    /// assert_eq!(builder.build()?.probe_timeout(), Duration::from_secs(5));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn probe_timeout(&self) -> Duration {
        Duration::from_nanos(self.probe_timeout_ns)
    }

    /// Over which span traffic returns after closing.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, Trigger, Window}};
    /// # let open = BackoffPolicy::builder(Duration::from_secs(1)).cap(Duration::from_secs(60));
    /// # let builder = BreakerPolicy::builder(open, Duration::from_secs(5))
    /// #     .trigger(Trigger::Consecutive { failures: 5 });
    /// assert_eq!(builder.build()?.ramp(), None);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn ramp(&self) -> Option<Duration> {
        optional_span(self.ramp_ns)
    }

    /// How many probes may fail before the verdict is settled.
    pub(super) const fn failures_allowed(&self) -> u32 {
        self.trials.saturating_sub(self.successes)
    }

    /// The words for the window or the probes in flight, whichever takes more: they are never there together.
    pub(super) fn words(&self) -> usize {
        let probes = self.max_in_flight.min(self.trials);
        self.layout
            .words(&self.planes)
            .max(leases::words_for(probes))
    }

    pub(super) fn check_memory(&self) -> Result<(), ConfigError> {
        let window_words = self.layout.words(&self.planes);
        memory(SCOPE, "window", window_words, INLINE_WORDS)?;
        memory(SCOPE, "half_open.max_in_flight", self.words(), INLINE_WORDS)
    }
}

const _: () = assert!(MAX_SPAN_NS < u64::MAX, "u64::MAX stands for no slow limit");
