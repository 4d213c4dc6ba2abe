//! Sets up a breaker policy: setters with defaults, and one check of the whole.

use core::time::Duration;

use super::policy::BreakerPolicy;
use super::trigger::{Alarm, MAX_TRIGGERS, Rule, Trigger};
use super::window::{Layout, Planes, Window};
use crate::advice::default_cap_ns;
use crate::backoff::{BackoffBuilder, BackoffPolicy, Jitter};
use crate::bits::RingShape;
use crate::config::{
    backoff_without_limits, count, optional_positive_ns, positive_ns, with_pauses,
};
use crate::error::{Amount, ConfigError, Problem};
use crate::slices::SliceGrid;
use crate::time::span_ns;

pub(super) const SCOPE: &str = "breaker";
pub(super) const OPEN: &str = "breaker.open";
const LIMITED: &str = "a breaker opens as often as it must; leave this limit out";
const MAX_CALLS: u32 = 65_536;
const MAX_TRIALS: u32 = 65_536;
const MAX_IN_FLIGHT: u32 = 1_024;

/// Sets up a [`BreakerPolicy`]. What has no sensible default is an argument of [`BreakerPolicy::builder`].
///
/// ```
/// # use core::time::Duration;
/// # use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, Trigger, Window}};
/// # let open = BackoffPolicy::builder(Duration::from_secs(1)).cap(Duration::from_secs(60));
/// # let builder = BreakerPolicy::builder(open, Duration::from_secs(5))
/// #     .trigger(Trigger::Consecutive { failures: 5 });
/// let policy = builder.trials(3).build()?;
/// assert_eq!(policy.trials(), 3);
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[must_use = "a builder does nothing until `build()`"]
#[derive(Clone, Copy, Debug)]
pub struct BreakerBuilder {
    triggers: [Option<Trigger>; MAX_TRIGGERS],
    trigger_count: usize,
    window: Option<Window>,
    open: BackoffBuilder,
    calm_after: Option<Duration>,
    advisory_cap: Option<Duration>,
    until_healthy: bool,
    max_in_flight: u32,
    trials: u32,
    successes: Option<u32>,
    probe_timeout: Duration,
    ramp: Option<Duration>,
}

impl BreakerBuilder {
    pub(super) const fn new(open: BackoffBuilder, probe_timeout: Duration) -> Self {
        Self {
            triggers: [None; MAX_TRIGGERS],
            trigger_count: 0,
            window: None,
            open,
            calm_after: None,
            advisory_cap: None,
            until_healthy: false,
            max_in_flight: 1,
            trials: 1,
            successes: None,
            probe_timeout,
            ramp: None,
        }
    }

    /// Adds a trigger, at most four. At least one is needed. Their order decides the cause when several fire at
    /// once.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, Trigger, Window}};
    /// # let open = BackoffPolicy::builder(Duration::from_secs(1)).cap(Duration::from_secs(60));
    /// # let builder = BreakerPolicy::builder(open, Duration::from_secs(5))
    /// #     .trigger(Trigger::Consecutive { failures: 5 });
    /// let policy = builder.trigger(Trigger::Consecutive { failures: 9 }).build()?;
    /// assert_eq!(policy.triggers().count(), 2); // it had one
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub fn trigger(mut self, trigger: Trigger) -> Self {
        if let Some(free) = self.triggers.get_mut(self.trigger_count) {
            *free = Some(trigger);
        }
        self.trigger_count = self.trigger_count.saturating_add(1);
        self
    }

    /// Which results the triggers look at. No default: whoever sets a rate must say of what. Not needed by
    /// [`Trigger::Consecutive`].
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, Trigger, Window}};
    /// # let open = BackoffPolicy::builder(Duration::from_secs(1)).cap(Duration::from_secs(60));
    /// # let builder = BreakerPolicy::builder(open, Duration::from_secs(5))
    /// #     .trigger(Trigger::Consecutive { failures: 5 });
    /// let window = Window::Count { calls: 100 };
    /// assert_eq!(builder.window(window).build()?.window(), Some(window));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn window(mut self, window: Window) -> Self {
        self.window = Some(window);
        self
    }

    /// Remember earlier opens: at a trip, one open is forgiven for each of these spans since the last close. Default:
    /// closing forgives all.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, Trigger, Window}};
    /// # let open = BackoffPolicy::builder(Duration::from_secs(1)).cap(Duration::from_secs(60));
    /// # let builder = BreakerPolicy::builder(open, Duration::from_secs(5))
    /// #     .trigger(Trigger::Consecutive { failures: 5 });
    /// let policy = builder.calm_after(Duration::from_secs(300)).build()?;
    /// assert_eq!(policy.calm_after(), Some(Duration::from_secs(300)));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn calm_after(mut self, span: Duration) -> Self {
        self.calm_after = Some(span);
        self
    }

    /// How far [`Outcome::Overloaded`](super::Outcome::Overloaded) may push the end of the open wait. Default: the
    /// cap of the open wait; where that has none, nothing bounds a server's advice.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, Trigger, Window}};
    /// # let open = BackoffPolicy::builder(Duration::from_secs(1)).cap(Duration::from_secs(60));
    /// # let builder = BreakerPolicy::builder(open, Duration::from_secs(5))
    /// #     .trigger(Trigger::Consecutive { failures: 5 });
    /// assert_eq!(builder.build()?.advisory_cap(), Duration::from_secs(60)); // the cap of `open`
    /// let policy = builder.advisory_cap(Duration::from_secs(90)).build()?;
    /// assert_eq!(policy.advisory_cap(), Duration::from_secs(90));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn advisory_cap(mut self, span: Duration) -> Self {
        self.advisory_cap = Some(span);
        self
    }

    /// After the wait, stay open until a health probe has said up: see [`on_health`](super::Breaker::on_health).
    /// Default: false.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, Trigger, Window}};
    /// # let open = BackoffPolicy::builder(Duration::from_secs(1)).cap(Duration::from_secs(60));
    /// # let builder = BreakerPolicy::builder(open, Duration::from_secs(5))
    /// #     .trigger(Trigger::Consecutive { failures: 5 });
    /// assert!(builder.until_healthy(true).build()?.until_healthy());
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn until_healthy(mut self, wait: bool) -> Self {
        self.until_healthy = wait;
        self
    }

    /// At most this many probes at a time, 1 to 1 024 (16 without the feature `alloc`). Default: 1, the least load on
    /// something that may be down.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, Trigger, Window}};
    /// # let open = BackoffPolicy::builder(Duration::from_secs(1)).cap(Duration::from_secs(60));
    /// # let builder = BreakerPolicy::builder(open, Duration::from_secs(5))
    /// #     .trigger(Trigger::Consecutive { failures: 5 });
    /// assert_eq!(builder.max_in_flight(3).build()?.max_in_flight(), 3);
    /// assert!(builder.max_in_flight(0).build().is_err());
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn max_in_flight(mut self, probes: u32) -> Self {
        self.max_in_flight = probes;
        self
    }

    /// Over how many probes the verdict is, 1 to 65 536. Default: 1.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, Trigger, Window}};
    /// # let open = BackoffPolicy::builder(Duration::from_secs(1)).cap(Duration::from_secs(60));
    /// # let builder = BreakerPolicy::builder(open, Duration::from_secs(5))
    /// #     .trigger(Trigger::Consecutive { failures: 5 });
    /// let policy = builder.trials(5).build()?;
    /// assert_eq!((policy.trials(), policy.successes()), (5, 5));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn trials(mut self, probes: u32) -> Self {
        self.trials = probes;
        self
    }

    /// How many of the trials must pass, 1 to `trials`. Default: all; the first failure re-opens.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, Trigger, Window}};
    /// # let open = BackoffPolicy::builder(Duration::from_secs(1)).cap(Duration::from_secs(60));
    /// # let builder = BreakerPolicy::builder(open, Duration::from_secs(5))
    /// #     .trigger(Trigger::Consecutive { failures: 5 });
    /// assert_eq!(builder.trials(5).successes(4).build()?.successes(), 4);
    /// assert!(builder.trials(5).successes(6).build().is_err());
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn successes(mut self, probes: u32) -> Self {
        self.successes = Some(probes);
        self
    }

    /// After closing from half-open, let traffic return over this span, a growing share of it. Default: none, all of
    /// it at once.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, Trigger, Window}};
    /// # let open = BackoffPolicy::builder(Duration::from_secs(1)).cap(Duration::from_secs(60));
    /// # let builder = BreakerPolicy::builder(open, Duration::from_secs(5))
    /// #     .trigger(Trigger::Consecutive { failures: 5 });
    /// let policy = builder.ramp(Duration::from_secs(30)).build()?;
    /// assert_eq!(policy.ramp(), Some(Duration::from_secs(30)));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn ramp(mut self, span: Duration) -> Self {
        self.ramp = Some(span);
        self
    }

    /// Checks the whole and makes the policy.
    ///
    /// # Errors
    /// Names the field, the value and the bound: no trigger or more than four; a windowed trigger without a window;
    /// a `min_calls` or `failures` above a count window; a rate of 0 or above 1; a window out of range, a span that
    /// is no multiple of its slices; more `successes` than `trials`; a span of 0 or above
    /// [`MAX_SPAN`](crate::time::MAX_SPAN); an open wait with limits; and without the feature `alloc` what does not fit in the inline words.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, Trigger, Window}};
    /// # let open = BackoffPolicy::builder(Duration::from_secs(1)).cap(Duration::from_secs(60));
    /// # let builder = BreakerPolicy::builder(open, Duration::from_secs(5))
    /// #     .trigger(Trigger::Consecutive { failures: 5 });
    /// assert!(builder.build().is_ok());
    /// let error = BreakerPolicy::builder(open, Duration::from_secs(5)).build().unwrap_err();
    /// assert!(error.to_string().starts_with("breaker.triggers"));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub fn build(self) -> Result<BreakerPolicy, ConfigError> {
        let layout_of = self.check_triggers()?;
        let mut planes = Planes::NONE;
        let mut rules = [Rule::NEVER; MAX_TRIGGERS];
        let mut rule_count = 0_u8;
        let mut alarm = Alarm::new(match layout_of {
            Layout::None => 0,
            Layout::Ring(shape) => shape.capacity(),
            Layout::Slices(_) => u32::MAX,
        });
        for (trigger, rule) in self.triggers.iter().flatten().zip(&mut rules) {
            *rule = trigger.rule(planes.plane_of(trigger));
            alarm.add(rule);
            rule_count = rule_count.saturating_add(1);
        }
        let open = self.check_open()?;
        let successes = self.check_half_open()?;
        let policy = BreakerPolicy {
            triggers: self.triggers,
            rules,
            rule_count,
            alarm,
            planes,
            layout: match layout_of {
                Layout::Ring(shape) => Layout::Ring(RingShape::new(shape.capacity(), planes.len())),
                other => other,
            },
            window: self.window,
            open,
            calm_after_ns: optional_positive_ns(SCOPE, "open.calm_after", self.calm_after)?,
            advisory_cap_ns: optional_positive_ns(SCOPE, "open.advisory_cap", self.advisory_cap)?
                .unwrap_or_else(|| default_cap_ns(&open)),
            until_healthy: self.until_healthy,
            max_in_flight: self.max_in_flight,
            trials: self.trials,
            successes,
            probe_timeout_ns: positive_ns(SCOPE, "half_open.probe_timeout", self.probe_timeout)?,
            ramp_ns: optional_positive_ns(SCOPE, "ramp", self.ramp)?,
            slow_limit_ns: self.slow_limit().and_then(span_ns).unwrap_or(u64::MAX),
        };
        policy.check_memory()?;
        Ok(policy)
    }

    /// Checks the triggers against the window; how the window lies, for one plane.
    fn check_triggers(&self) -> Result<Layout, ConfigError> {
        if self.trigger_count == 0 {
            return Err(ConfigError::new(
                SCOPE,
                "triggers",
                Problem::Missing {
                    fix: "give at least one, or the breaker never opens",
                },
            ));
        }
        if self.trigger_count > MAX_TRIGGERS {
            let problem = Problem::AboveMax {
                given: Amount::Count(self.trigger_count as u64),
                max: Amount::Count(MAX_TRIGGERS as u64),
            };
            return Err(ConfigError::new(SCOPE, "triggers", problem));
        }
        let max_calls = match self.window {
            Some(Window::Count { calls }) => Some(count(SCOPE, "window.count", calls, MAX_CALLS)?),
            _ => None,
        };
        for (at, trigger) in self.triggers.iter().flatten().enumerate() {
            trigger.check(max_calls).map_err(|error| error.at(at))?;
        }
        let windowed = self.triggers.iter().flatten().any(Trigger::needs_window);
        match self.window {
            None if windowed => Err(ConfigError::new(
                SCOPE,
                "window",
                Problem::Missing {
                    fix: "a trigger looks at it; give a count of calls, or a span and slices",
                },
            )),
            Some(Window::Time { span, slices }) => {
                let grid = SliceGrid::new("breaker.window", "span", span, slices)?;
                Ok(if windowed {
                    Layout::Slices(grid)
                } else {
                    Layout::None
                })
            }
            Some(Window::Count { calls }) if windowed => Ok(Layout::Ring(RingShape::new(calls, 1))),
            _ => Ok(Layout::None),
        }
    }

    /// The open waits: a backoff without limits, with equal jitter unless another was chosen.
    fn check_open(&self) -> Result<BackoffPolicy, ConfigError> {
        let open = self.open.or_jitter(Jitter::Equal);
        with_pauses(backoff_without_limits(open, OPEN, LIMITED)?, OPEN)
    }

    /// Checks the probation; how many probes must pass.
    fn check_half_open(&self) -> Result<u32, ConfigError> {
        let (most, trials) = (self.max_in_flight, self.trials);
        count(SCOPE, "half_open.max_in_flight", most, MAX_IN_FLIGHT)?;
        count(SCOPE, "half_open.trials", trials, MAX_TRIALS)?;
        let successes = self.successes.unwrap_or(trials);
        count(SCOPE, "half_open.successes", successes, trials)
    }

    /// The first slow-rate limit, else the first latency trigger's.
    fn slow_limit(&self) -> Option<Duration> {
        let triggers = || self.triggers.iter().flatten();
        triggers()
            .find(|trigger| matches!(trigger, Trigger::SlowRate { .. }))
            .or_else(|| triggers().find(|trigger| matches!(trigger, Trigger::Latency { .. })))
            .and_then(Trigger::limit)
    }
}

/// The builder that makes this policy again, to change it.
impl From<BreakerPolicy> for BreakerBuilder {
    fn from(policy: BreakerPolicy) -> Self {
        Self {
            triggers: policy.triggers,
            trigger_count: policy.triggers.iter().flatten().count(),
            window: policy.window,
            open: policy.open.into(),
            calm_after: policy.calm_after_ns.map(Duration::from_nanos),
            advisory_cap: Some(Duration::from_nanos(policy.advisory_cap_ns)),
            until_healthy: policy.until_healthy,
            max_in_flight: policy.max_in_flight,
            trials: policy.trials,
            // All of them stays all of them, of however many.
            successes: Some(policy.successes).filter(|&successes| successes != policy.trials),
            probe_timeout: Duration::from_nanos(policy.probe_timeout_ns),
            ramp: policy.ramp_ns.map(Duration::from_nanos),
        }
    }
}
