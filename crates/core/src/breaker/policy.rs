//! The policy of a breaker: triggers, window, open wait, probation, ramp; checked as a whole by `build()`.

use core::time::Duration;

use super::leases;
use super::transition::Cause;
use super::trigger::{Alarm, MAX_TRIGGERS, Rule, Trigger};
use super::window::{Counts, Layout, Planes, Window};
use crate::backoff::{BackoffBuilder, BackoffPolicy, Jitter};
use crate::bits::RingShape;
use crate::error::{Amount, ConfigError, Problem};
use crate::slices::SliceGrid;
use crate::store::fits;
use crate::time::{MAX_SPAN, MAX_SPAN_NS, span_ns};

/// Words that a breaker holds without touching the heap: 512 bits of window. Without `alloc` there is nothing else,
/// so there it is 2 048 bits: the last 512 results with four triggers.
pub(super) const INLINE_WORDS: usize = if cfg!(feature = "alloc") { 8 } else { 32 };

const MAX_CALLS: u32 = 65_536;
const MAX_SLICES: u32 = 1_024;
const MAX_TRIALS: u32 = 65_536;
const MAX_IN_FLIGHT: u32 = 1_024;

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
    triggers: [Option<Trigger>; MAX_TRIGGERS],
    rules: [Rule; MAX_TRIGGERS],
    rule_count: u8,
    alarm: Alarm,
    pub(super) planes: Planes,
    pub(super) layout: Layout,
    window: Option<Window>,
    open: BackoffPolicy,
    pub(super) calm_after_ns: Option<u64>,
    pub(super) advisory_cap_ns: u64,
    until_healthy: bool,
    max_in_flight: u32,
    trials: u32,
    successes: u32,
    pub(super) probe_timeout_ns: u64,
    pub(super) ramp_ns: Option<u64>,
    /// Above this a probe counts as failed; `u64::MAX` without a slow trigger.
    pub(super) slow_limit_ns: u64,
}

/// Sets up a [`BreakerPolicy`]. What has no sensible default is an argument of [`BreakerPolicy::builder`].
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
    /// Adds a trigger, at most four. At least one is needed. Their order decides the cause when several fire at
    /// once.
    pub fn trigger(mut self, trigger: Trigger) -> Self {
        if let Some(free) = self.triggers.get_mut(self.trigger_count) {
            *free = Some(trigger);
        }
        self.trigger_count = self.trigger_count.saturating_add(1);
        self
    }

    /// Which results the triggers look at. No default: whoever sets a rate must say of what. Not needed by
    /// [`Trigger::Consecutive`].
    pub const fn window(mut self, window: Window) -> Self {
        self.window = Some(window);
        self
    }

    /// Remember earlier opens: at a trip, one open is forgiven for each of these spans since the last close. Default:
    /// closing forgives all.
    pub const fn calm_after(mut self, span: Duration) -> Self {
        self.calm_after = Some(span);
        self
    }

    /// How far [`Outcome::Overloaded`](super::Outcome::Overloaded) may push the end of the open wait. Default: the
    /// cap of the open wait; where that has none, nothing bounds a server's advice.
    pub const fn advisory_cap(mut self, span: Duration) -> Self {
        self.advisory_cap = Some(span);
        self
    }

    /// After the wait, stay open until a [`HealthProbe`](super::Breaker::on_health) has said up. Default: false.
    pub const fn until_healthy(mut self, wait: bool) -> Self {
        self.until_healthy = wait;
        self
    }

    /// At most this many probes at a time, 1 to 1 024 (16 without the feature `alloc`). Default: 1, the least load on something that may be down.
    pub const fn max_in_flight(mut self, probes: u32) -> Self {
        self.max_in_flight = probes;
        self
    }

    /// Over how many probes the verdict is, 1 to 65 536. Default: 1.
    pub const fn trials(mut self, probes: u32) -> Self {
        self.trials = probes;
        self
    }

    /// How many of the trials must pass, 1 to `trials`. Default: all; the first failure re-opens.
    pub const fn successes(mut self, probes: u32) -> Self {
        self.successes = Some(probes);
        self
    }

    /// After closing from half-open, let traffic return over this span, a growing share of it. Default: none, all of
    /// it at once.
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
    /// [`MAX_SPAN`]; an open wait with limits; and without the feature `alloc` what does not fit in the inline words.
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
            calm_after_ns: optional("open.calm_after", self.calm_after)?,
            advisory_cap_ns: optional("open.advisory_cap", self.advisory_cap)?
                .unwrap_or_else(|| open.limit_ns()),
            until_healthy: self.until_healthy,
            max_in_flight: self.max_in_flight,
            trials: self.trials,
            successes,
            probe_timeout_ns: positive("half_open.probe_timeout", self.probe_timeout)?,
            ramp_ns: optional("ramp", self.ramp)?,
            slow_limit_ns: self.slow_limit().and_then(span_ns).unwrap_or(u64::MAX),
        };
        policy.check_memory()?;
        Ok(policy)
    }

    /// Checks the triggers against the window; how the window lies, for one plane.
    fn check_triggers(&self) -> Result<Layout, ConfigError> {
        if self.trigger_count == 0 {
            return Err(config(
                "triggers",
                Problem::Missing {
                    fix: "give at least one, or the breaker never opens",
                },
            ));
        }
        between("triggers", self.trigger_count as u64, MAX_TRIGGERS as u64)?;
        let max_calls = match self.window {
            Some(Window::Count { calls }) => {
                between("window.count", calls.into(), MAX_CALLS.into())?;
                Some(calls)
            }
            _ => None,
        };
        for (at, trigger) in self.triggers.iter().flatten().enumerate() {
            trigger.check(max_calls).map_err(|error| error.at(at))?;
        }
        let windowed = self.triggers.iter().flatten().any(Trigger::needs_window);
        match self.window {
            None if windowed => Err(config(
                "window",
                Problem::Missing {
                    fix: "a trigger looks at it; give a count of calls, or a span and slices",
                },
            )),
            Some(Window::Time { span, slices }) => {
                let grid =
                    SliceGrid::new(span, slices, MAX_SLICES).map_err(|(field, problem)| {
                        ConfigError::new("breaker.window", field, problem)
                    })?;
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
        let open = self
            .open
            .or_jitter(Jitter::Equal)
            .build()
            .map_err(|error| error.within("breaker.open"))?;
        positive("open.base", open.base())?;
        open.cap().map_or(Ok(0), |cap| positive("open.cap", cap))?;
        let limited = |field| {
            config(
                field,
                Problem::Misplaced {
                    fix: "a breaker opens as often as it must; leave this limit out",
                },
            )
        };
        if open.max_retries().is_some() {
            return Err(limited("open.max_retries"));
        }
        if open.max_total_wait().is_some() {
            return Err(limited("open.max_total_wait"));
        }
        Ok(open)
    }

    /// Checks the probation; how many probes must pass.
    fn check_half_open(&self) -> Result<u32, ConfigError> {
        let field = "half_open.max_in_flight";
        between(field, self.max_in_flight.into(), MAX_IN_FLIGHT.into())?;
        between("half_open.trials", self.trials.into(), MAX_TRIALS.into())?;
        let successes = self.successes.unwrap_or(self.trials);
        between("half_open.successes", successes.into(), self.trials.into())?;
        Ok(successes)
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

impl BreakerPolicy {
    /// A breaker that stays open for the waits of `open`, the n-th wait for the n-th open in a row, and gives each
    /// probe `probe_timeout` (1 ns to 2^62 ns) to report.
    ///
    /// `open` is a [`BackoffBuilder`], or a finished [`BackoffPolicy`]. It has no limits, and where no jitter was chosen
    /// it is [`Jitter::Equal`]: an open wait that may be next to nothing protects nobody.
    ///
    /// A probe that does not report in time counts as failed, so `probe_timeout` must be longer than the call's own
    /// timeout. It has no "never": a lost probe must not wedge the breaker.
    pub fn builder(open: impl Into<BackoffBuilder>, probe_timeout: Duration) -> BreakerBuilder {
        BreakerBuilder {
            triggers: [None; MAX_TRIGGERS],
            trigger_count: 0,
            window: None,
            open: open.into(),
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

    /// The triggers, in order.
    pub fn triggers(&self) -> impl Iterator<Item = Trigger> + '_ {
        self.triggers.iter().flatten().copied()
    }

    /// The cause of the first trigger that fires.
    #[inline]
    pub(super) fn judge(&self, consecutive: u32, counts: &Counts) -> Option<Cause> {
        if self.alarm.is_silent(consecutive, counts) {
            return None;
        }
        self.first_to_fire(consecutive, counts)
    }

    fn first_to_fire(&self, consecutive: u32, counts: &Counts) -> Option<Cause> {
        let rules = self.rules.get(..usize::from(self.rule_count))?;
        let fired = rules
            .iter()
            .position(|rule| rule.fires(consecutive, counts))?;
        self.triggers.get(fired)?.as_ref().map(Trigger::cause)
    }

    /// Which results the windowed triggers look at.
    #[must_use]
    pub const fn window(&self) -> Option<Window> {
        self.window
    }

    /// Above this a call is slow: the slow-rate trigger's limit, else the latency trigger's. In half-open a slow
    /// success counts as failed.
    #[must_use]
    pub const fn slow_limit(&self) -> Option<Duration> {
        if self.slow_limit_ns == u64::MAX {
            None
        } else {
            Some(Duration::from_nanos(self.slow_limit_ns))
        }
    }

    /// The open waits.
    #[must_use]
    pub const fn open(&self) -> &BackoffPolicy {
        &self.open
    }

    /// For how long after a close one earlier open is remembered.
    #[must_use]
    pub const fn calm_after(&self) -> Option<Duration> {
        match self.calm_after_ns {
            Some(ns) => Some(Duration::from_nanos(ns)),
            None => None,
        }
    }

    /// How far a server's advice may push the end of the open wait.
    #[must_use]
    pub const fn advisory_cap(&self) -> Duration {
        Duration::from_nanos(self.advisory_cap_ns)
    }

    /// Whether the breaker stays open until the dependency is reported up.
    #[must_use]
    pub const fn until_healthy(&self) -> bool {
        self.until_healthy
    }

    /// How many probes there are at a time.
    #[must_use]
    pub const fn max_in_flight(&self) -> u32 {
        self.max_in_flight
    }

    /// Over how many probes the verdict is.
    #[must_use]
    pub const fn trials(&self) -> u32 {
        self.trials
    }

    /// How many of the trials must pass.
    #[must_use]
    pub const fn successes(&self) -> u32 {
        self.successes
    }

    /// How long a probe has to report.
    #[must_use]
    pub const fn probe_timeout(&self) -> Duration {
        Duration::from_nanos(self.probe_timeout_ns)
    }

    /// Over which span traffic returns after closing.
    #[must_use]
    pub const fn ramp(&self) -> Option<Duration> {
        match self.ramp_ns {
            Some(ns) => Some(Duration::from_nanos(ns)),
            None => None,
        }
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

    fn check_memory(&self) -> Result<(), ConfigError> {
        let needs = |words: usize| Problem::NeedsAlloc {
            given: words as u64,
            max: INLINE_WORDS as u64,
        };
        let window_words = self.layout.words(&self.planes);
        if !fits(window_words, INLINE_WORDS) {
            return Err(config("window", needs(window_words)));
        }
        if !fits(self.words(), INLINE_WORDS) {
            return Err(config("half_open.max_in_flight", needs(self.words())));
        }
        Ok(())
    }
}

const fn config(field: &'static str, problem: Problem) -> ConfigError {
    ConfigError::new("breaker", field, problem)
}

fn between(field: &'static str, given: u64, max: u64) -> Result<(), ConfigError> {
    let given_count = Amount::Count(given);
    if given == 0 {
        let min = Amount::Count(1);
        let given = given_count;
        return Err(config(field, Problem::BelowMin { given, min }));
    }
    if given > max {
        let max = Amount::Count(max);
        let given = given_count;
        return Err(config(field, Problem::AboveMax { given, max }));
    }
    Ok(())
}

fn positive(field: &'static str, span: Duration) -> Result<u64, ConfigError> {
    let given = Amount::Span(span);
    match span_ns(span) {
        Some(0) => Err(config(
            field,
            Problem::BelowMin {
                given,
                min: Amount::Span(Duration::from_nanos(1)),
            },
        )),
        Some(ns) => Ok(ns),
        None => Err(config(
            field,
            Problem::AboveMax {
                given,
                max: Amount::Span(MAX_SPAN),
            },
        )),
    }
}

fn optional(field: &'static str, span: Option<Duration>) -> Result<Option<u64>, ConfigError> {
    span.map(|span| positive(field, span)).transpose()
}

const _: () = assert!(MAX_SPAN_NS < u64::MAX, "u64::MAX stands for no slow limit");
