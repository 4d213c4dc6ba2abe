//! What a breaker has counted: since it was made, and in its window.

/// Counters since the breaker was made; they outlive transitions and resets. The number of transitions is the
/// breaker's [generation](super::Breaker::generation).
///
/// ```
#[doc = include_str!("examples/opened.txt")]
/// // A failure at 0 opened it.
/// let _ = breaker.reset(10);
/// let stats = breaker.stats(10);
/// assert_eq!((stats.admitted, stats.failures, stats.opened, stats.refused), (1, 1, 1, 0));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct BreakerStats {
    /// Calls let through.
    pub admitted: u64,
    /// Calls refused.
    pub refused: u64,
    /// Calls let through by [`Mode::Observe`](super::Mode::Observe) that would have been refused; part of `admitted`.
    pub would_refuse: u64,
    /// Counted successes; in half-open a slow one among them fails its trial.
    pub successes: u64,
    /// Counted failures, overload reports among them.
    pub failures: u64,
    /// Outcomes that freed their place and counted for nothing.
    pub released: u64,
    /// Reports that came too late, twice or to the wrong breaker.
    pub stale: u64,
    /// Probes that did not report in time.
    pub lost: u64,
    /// How often it opened, also by [`Mode::ForcedOpen`](super::Mode::ForcedOpen).
    pub opened: u64,
}

/// What the window holds at an instant; from [`Breaker::window`](super::Breaker::window).
///
/// ```
/// # use core::time::Duration;
/// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, breaker::*};
/// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
/// # let mut rng = SplitMix64::seed_from_u64(1);
/// # let [wait, lease] = [100, 50].map(Duration::from_nanos);
/// # let open = BackoffPolicy::builder(wait).jitter(Jitter::None);
/// # let builder = BreakerPolicy::builder(open, lease).trigger(Trigger::Consecutive { failures: 1 });
/// # use evenkeel_core::Ratio;
/// let (slower_than, at_least) = (Duration::from_nanos(50), Ratio::percent(50));
/// let trigger = Trigger::SlowRate { slower_than, at_least, min_calls: 4 };
/// let mut breaker = Breaker::new(builder.window(Window::Count { calls: 4 }).trigger(trigger).build()?);
/// for latency_ns in [30, 50, 80] {
///     let call = breaker.try_acquire(0, &mut rng)?;
///     let _ = breaker.on_outcome(latency_ns, call.permit, Outcome::Success, latency_ns, &mut rng);
/// }
/// let counts: WindowCounts = breaker.window(80);
/// assert_eq!((counts.calls, counts.failures, counts.slow), (3, None, Some(1)));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct WindowCounts {
    /// Results in the window.
    pub calls: u32,
    /// How many of them failed; `None` when no trigger looks at the failures of the window.
    pub failures: Option<u32>,
    /// How many of them were slow, whether they failed or not: above [`BreakerPolicy::slow_limit`]; `None` when no
    /// trigger looks at latencies.
    ///
    /// [`BreakerPolicy::slow_limit`]: super::BreakerPolicy::slow_limit
    pub slow: Option<u32>,
}
