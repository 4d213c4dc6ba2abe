//! Sets up a health probe's policy: setters with defaults, and one check of the whole.

use core::time::Duration;

use super::policy::HealthProbePolicy;
use crate::backoff::{BackoffBuilder, BackoffPolicy, Growth, Jitter};
use crate::config::{backoff_without_limits, checked, count, positive_ns, with_pauses};
use crate::error::{ConfigError, Problem};
use crate::ratio::Ratio;

const SCOPE: &str = "health_probe";
pub(super) const DOWN: &str = "health_probe.down";
const LIMITED: &str = "what is down is probed until it is up; leave this limit out";

/// Sets up a [`HealthProbePolicy`]; only interval and timeout have no default.
///
/// ```
/// # use core::time::Duration;
/// # use evenkeel_core::health::{HealthProbeBuilder, HealthProbePolicy};
/// let [interval, timeout] = [10, 1].map(Duration::from_secs);
/// let builder: HealthProbeBuilder = HealthProbePolicy::builder(interval, timeout);
/// assert_eq!(builder.fall(5).build()?.fall(), 5);
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[must_use = "a builder does nothing until `build()`"]
#[derive(Clone, Copy, Debug)]
pub struct HealthProbeBuilder {
    interval: Duration,
    timeout: Duration,
    jitter: Jitter,
    rise: u32,
    fall: u32,
    down: Option<BackoffBuilder>,
}

impl HealthProbeBuilder {
    pub(super) const fn new(interval: Duration, timeout: Duration) -> Self {
        Self {
            interval,
            timeout,
            jitter: Jitter::Spread(Ratio::percent(10)),
            rise: 2,
            fall: 3,
            down: None,
        }
    }

    /// How the interval is spread: any jitter but decorrelated, which would make it grow. Default: a spread of 10 %,
    /// so that a fleet does not probe in step. With any jitter the first wait is drawn from all of `0..=interval`,
    /// because a spread of 10 % takes dozens of intervals to part what started together.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::Jitter, health::HealthProbePolicy};
    /// # let builder = HealthProbePolicy::builder(Duration::from_secs(10), Duration::from_secs(1));
    /// assert_eq!(builder.jitter(Jitter::Equal).build()?.jitter(), Jitter::Equal);
    /// let error = builder.jitter(Jitter::Decorrelated).build().unwrap_err();
    /// assert_eq!(error.path().to_string(), "health_probe.jitter");
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn jitter(mut self, jitter: Jitter) -> Self {
        self.jitter = jitter;
        self
    }

    /// So many passed in a row (1 or more), of probes and traffic together, mean up. Default: 2, because one lucky
    /// answer of a dependency that comes and goes is no recovery; HAProxy has the same.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{breaker::Health, health::*};
    /// # let builder = HealthProbePolicy::builder(Duration::from_secs(10), Duration::from_secs(1));
    /// let mut probe = HealthProbe::new(builder.rise(3).build()?);
    /// let health = [1, 2, 3].map(|now_ns| {
    ///     let _ = probe.on_traffic(now_ns, Probed::Passed);
    ///     probe.health(now_ns)
    /// });
    /// assert_eq!(health, [None, None, Some(Health::Up)]);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn rise(mut self, passed: u32) -> Self {
        self.rise = passed;
        self
    }

    /// So many failed in a row (1 or more), of probes and traffic together, mean down. Default: 3, because a single
    /// lost packet is no outage, and three in a row are rarely chance; Kubernetes and HAProxy have the same.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{breaker::Health, health::*};
    /// # let builder = HealthProbePolicy::builder(Duration::from_secs(10), Duration::from_secs(1));
    /// let mut probe = HealthProbe::new(builder.fall(2).build()?);
    /// for found in [Probed::Failed, Probed::Passed, Probed::Failed] {
    ///     let _ = probe.on_traffic(1, found);
    /// }
    /// assert_eq!(probe.health(1), None); // not two in a row
    /// let _ = probe.on_traffic(2, Probed::Failed);
    /// assert_eq!(probe.health(2), Some(Health::Down));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn fall(mut self, failed: u32) -> Self {
        self.fall = failed;
        self
    }

    /// The waits between probes while down: the n-th after the n-th failed probe in a row while down; a probe that
    /// passes takes them back to the first. Default: none, the interval, down or not. Say a backoff below the interval
    /// at first to find a short outage's end soon, and above it later to leave alone what stays down. It has no limits,
    /// and no base or cap of 0.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, health::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let [interval, timeout] = [1_000, 100].map(Duration::from_nanos);
    /// # let builder = HealthProbePolicy::builder(interval, timeout).jitter(Jitter::None);
    /// let down = BackoffPolicy::builder(Duration::from_nanos(300)).jitter(Jitter::None);
    /// let mut machine = HealthProbe::new(builder.fall(2).down(down).build()?);
    /// let mut now_ns = 0;
    /// let waits = [(); 5].map(|()| {
    ///     let ProbeAction::Send { probe, .. } = machine.poll(now_ns, &mut rng) else { panic!("due") };
    ///     let _ = machine.on_report(now_ns, probe, Probed::Failed);
    ///     let sent_ns = now_ns;
    ///     now_ns = machine.next_deadline_ns().expect("there is a next one");
    ///     now_ns - sent_ns
    /// });
    /// assert_eq!(waits, [1_000, 300, 600, 1_200, 2_400]); // down since the second
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub fn down(mut self, waits: impl Into<BackoffBuilder>) -> Self {
        self.down = Some(waits.into());
        self
    }

    /// Checks the whole and makes the policy.
    ///
    /// # Errors
    /// - an interval or a timeout of 0, or above [`MAX_SPAN`](crate::time::MAX_SPAN);
    /// - a jitter that is decorrelated, or a spread above 1;
    /// - a rise or a fall of 0;
    /// - `down` waits that are none, that have `max_retries` or `max_total_wait`, or a base or a cap of 0.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::health::HealthProbePolicy;
    /// let builder = HealthProbePolicy::builder(Duration::from_secs(10), Duration::from_secs(1));
    /// assert!(builder.build().is_ok());
    /// let error = builder.rise(0).build().unwrap_err();
    /// assert_eq!(error.to_string(), "health_probe.rise is 0: it must be at least 1");
    /// ```
    pub const fn build(self) -> Result<HealthProbePolicy, ConfigError> {
        let steady = checked!(self.check_interval());
        let timeout_ns = checked!(positive_ns(SCOPE, "timeout", self.timeout));
        let rise = checked!(count(SCOPE, "rise", self.rise, u32::MAX));
        let fall = checked!(count(SCOPE, "fall", self.fall, u32::MAX));
        let down = match self.down {
            None => None,
            Some(down) => Some(checked!(check_down(down))),
        };
        Ok(HealthProbePolicy {
            steady,
            timeout_ns,
            rise,
            fall,
            down,
        })
    }

    const fn check_interval(&self) -> Result<BackoffPolicy, ConfigError> {
        checked!(positive_ns(SCOPE, "interval", self.interval));
        if matches!(self.jitter, Jitter::Decorrelated) {
            let fix = "an interval does not grow; choose full, equal, none or a spread";
            return Err(misplaced("jitter", fix));
        }
        let steady = BackoffPolicy::builder(self.interval)
            .growth(Growth::Constant)
            .jitter(self.jitter);
        match steady.build() {
            Ok(steady) => Ok(steady),
            Err(error) => Err(error.within(SCOPE)),
        }
    }
}

/// The builder that makes this policy again, to change it.
impl From<HealthProbePolicy> for HealthProbeBuilder {
    fn from(policy: HealthProbePolicy) -> Self {
        Self {
            interval: policy.interval(),
            timeout: policy.timeout(),
            jitter: policy.jitter(),
            rise: policy.rise,
            fall: policy.fall,
            down: policy.down.map(BackoffBuilder::from),
        }
    }
}

/// The waits while down: a backoff without limits that does wait.
const fn check_down(down: BackoffBuilder) -> Result<BackoffPolicy, ConfigError> {
    let down = checked!(backoff_without_limits(down, DOWN, LIMITED));
    with_pauses(down, DOWN)
}

const fn misplaced(field: &'static str, fix: &'static str) -> ConfigError {
    ConfigError::new(SCOPE, field, Problem::Misplaced { fix })
}
