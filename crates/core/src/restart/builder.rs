//! Sets up a restart policy: setters with defaults, and one check of the whole.

use core::time::Duration;

use super::answer::RestartOn;
use super::history::INLINE_WORDS;
use super::policy::{Intensity, Limit, RestartPolicy};
use crate::backoff::{BackoffBuilder, BackoffPolicy};
use crate::config::{backoff_without_limits, checked, memory, optional_positive_ns, positive_ns};
use crate::error::{Amount, ConfigError, Problem};

const SCOPE: &str = "restart";
pub(super) const BACKOFF: &str = "restart.backoff";
const LIMITED: &str = "restarts are limited by intensity; leave this limit out";
const MAX_RESTARTS: u32 = 4_096;

/// Sets up a [`RestartPolicy`]; only the backoff has no default.
///
/// ```
/// # use core::time::Duration;
/// # use evenkeel_core::{backoff::BackoffPolicy, restart::{RestartBuilder, RestartPolicy}};
/// # let backoff = BackoffPolicy::builder(Duration::from_millis(100));
/// let builder: RestartBuilder = RestartPolicy::builder(backoff);
/// let policy = builder.cooldown(Duration::from_secs(60)).build()?;
/// assert_eq!(policy.cooldown(), Some(Duration::from_secs(60)));
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[must_use = "a builder does nothing until `build()`"]
#[derive(Clone, Copy, Debug)]
pub struct RestartBuilder {
    backoff: BackoffBuilder,
    restart_on: RestartOn,
    intensity: Option<Intensity>,
    cooldown: Option<Duration>,
}

impl RestartBuilder {
    pub(super) const fn new(backoff: BackoffBuilder) -> Self {
        Self {
            backoff,
            restart_on: RestartOn::Always,
            intensity: None,
            cooldown: None,
        }
    }

    /// Which exits are followed by another run. Default: [`RestartOn::Always`], because what is supervised is mostly
    /// meant to run for ever; a task that may be done says [`RestartOn::Failure`].
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, restart::{RestartOn, RestartPolicy}};
    /// # let backoff = BackoffPolicy::builder(Duration::from_millis(100));
    /// let policy = RestartPolicy::builder(backoff).restart_on(RestartOn::Failure).build()?;
    /// assert_eq!(policy.restart_on(), RestartOn::Failure);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn restart_on(mut self, restart_on: RestartOn) -> Self {
        self.restart_on = restart_on;
        self
    }

    /// Escalate as soon as more than `max_restarts` (0 to 4 096; 32 without `alloc`) failures lie within `window`
    /// (1 ns to 2^62 ns), both edges included. Default: no limit: the backoff's cap alone decides how often a broken
    /// task is tried, and it stays at the cap.
    ///
    /// Of three failures with a limit of 2 the first two are restarted and the third escalates. Give `window` room
    /// for the waits: `max_restarts` of the longest waits in it, or a task may be too slow to ever escalate.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, restart::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let backoff = BackoffPolicy::builder(Duration::from_nanos(100));
    /// let policy = RestartPolicy::builder(backoff).intensity(2, Duration::from_secs(60)).build()?;
    /// let mut restart = Restart::new(policy);
    /// for at_ns in [1_000, 2_000, 3_000] {
    ///     let RestartAction::Start { run } = restart.poll(at_ns) else { panic!("due") };
    ///     let _ = restart.on_exit(at_ns, run, Exit::Failure, &mut rng);
    /// }
    /// assert_eq!(restart.poll(9_000), RestartAction::Escalated { failures: 3, max_restarts: 2 });
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn intensity(mut self, max_restarts: u32, window: Duration) -> Self {
        self.intensity = Some(Intensity {
            max_restarts,
            window,
        });
        self
    }

    /// A run that was up for at least this long (1 ns to 2^62 ns) counts as well: the waits begin anew at its exit, and
    /// earlier failures are forgotten. Default: none, the waits grow to the cap and stay there until
    /// [`rearm`](super::Restart::rearm), and the [intensity](Self::intensity) forgets by its window alone.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, restart::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let backoff = BackoffPolicy::builder(Duration::from_nanos(100)).jitter(Jitter::None);
    /// let policy = RestartPolicy::builder(backoff).cooldown(Duration::from_nanos(5_000)).build()?;
    /// let mut restart = Restart::new(policy);
    /// let mut now_ns = 0;
    /// let mut waits = Vec::new();
    /// for uptime_ns in [10, 10, 4_999, 5_000] {
    ///     let RestartAction::Start { run } = restart.poll(now_ns) else { panic!("due") };
    ///     let exit_ns = now_ns + uptime_ns;
    ///     let _ = restart.on_exit(exit_ns, run, Exit::Failure, &mut rng);
    ///     now_ns = restart.next_deadline_ns().expect("it waits");
    ///     waits.push(now_ns - exit_ns);
    /// }
    /// assert_eq!(waits, [100, 200, 400, 100]);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn cooldown(mut self, cooldown: Duration) -> Self {
        self.cooldown = Some(cooldown);
        self
    }

    /// Checks the whole and makes the policy.
    ///
    /// # Errors
    /// - a backoff that is none, or that has `max_retries` or `max_total_wait`;
    /// - more than 4 096 restarts (32 without `alloc`);
    /// - a window or a cooldown of 0, or above [`MAX_SPAN`](crate::time::MAX_SPAN);
    /// - an intensity that the backoff makes unreachable: even the shortest waits of so many restarts last longer than
    ///   the window.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, restart::RestartPolicy};
    /// let backoff = BackoffPolicy::builder(Duration::from_secs(1)).jitter(Jitter::None);
    /// let builder = RestartPolicy::builder(backoff);
    /// // Four failures are at least 1 + 2 + 4 seconds apart.
    /// assert!(builder.intensity(3, Duration::from_secs(7)).build().is_ok());
    /// let error = builder.intensity(3, Duration::from_secs(6)).build().unwrap_err();
    /// assert!(error.to_string().starts_with("restart.intensity conflicts with backoff: "));
    /// ```
    pub const fn build(self) -> Result<RestartPolicy, ConfigError> {
        let backoff = checked!(backoff_without_limits(self.backoff, BACKOFF, LIMITED));
        let intensity = match self.intensity {
            None => None,
            Some(intensity) => Some(checked!(check_intensity(intensity, &backoff))),
        };
        let cooldown_ns = checked!(optional_positive_ns(SCOPE, "cooldown", self.cooldown));
        Ok(RestartPolicy {
            backoff,
            restart_on: self.restart_on,
            intensity,
            cooldown_ns,
        })
    }
}

/// The builder that makes this policy again, to change it.
impl From<RestartPolicy> for RestartBuilder {
    fn from(policy: RestartPolicy) -> Self {
        Self {
            backoff: policy.backoff.into(),
            restart_on: policy.restart_on,
            intensity: policy.intensity(),
            cooldown: policy.cooldown(),
        }
    }
}

const fn check_intensity(given: Intensity, backoff: &BackoffPolicy) -> Result<Limit, ConfigError> {
    const FIELD: &str = "intensity.max_restarts";
    if given.max_restarts > MAX_RESTARTS {
        let problem = Problem::AboveMax {
            given: Amount::Count(given.max_restarts as u64),
            max: Amount::Count(MAX_RESTARTS as u64),
        };
        return Err(ConfigError::new(SCOPE, FIELD, problem));
    }
    let words = (given.max_restarts as usize).saturating_add(1);
    checked!(memory(SCOPE, FIELD, words, INLINE_WORDS));
    let window_ns = checked!(positive_ns(SCOPE, "intensity.window", given.window));
    if least_total_ns(backoff, given.max_restarts) > window_ns {
        let problem = Problem::Conflict {
            with: "backoff",
            fix: "even the shortest waits of so many restarts last longer than the window, so it never escalates; \
                  widen the window, allow fewer restarts or shorten the waits",
        };
        return Err(ConfigError::new(SCOPE, "intensity", problem));
    }
    Ok(Limit {
        max_restarts: given.max_restarts,
        window_ns,
    })
}

/// What the first `waits` waits last together at least.
const fn least_total_ns(backoff: &BackoffPolicy, waits: u32) -> u64 {
    let mut ceiling_ns = backoff.ceiling_ns(1);
    let mut total_ns = 0_u64;
    let mut left = waits;
    while left > 0 {
        total_ns = total_ns.saturating_add(backoff.drawn_ns(ceiling_ns, 0, 0));
        ceiling_ns = backoff.grown_ns(ceiling_ns);
        left = left.wrapping_sub(1);
    }
    total_ns
}
