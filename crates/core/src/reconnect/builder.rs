//! Sets up a reconnect policy: setters with defaults, and one check of the whole.

use core::time::Duration;

use super::policy::ReconnectPolicy;
use crate::advice::{AdvisoryFields, AdvisoryRule};
use crate::backoff::{BackoffBuilder, BackoffPolicy};
use crate::config::{ns, optional_positive_ns, positive_ns, with_pauses};
use crate::error::ConfigError;
use crate::ratio::Ratio;

const SCOPE: &str = "reconnect";
pub(super) const BACKOFF: &str = "reconnect.backoff";

/// Without a cap, or with a higher one, this is long enough for a link to prove itself.
const STABLE_AFTER: Duration = Duration::from_secs(60);

/// Sets up a [`ReconnectPolicy`]; only the backoff and the connect timeout have no default.
///
/// ```
/// use core::time::Duration;
/// use evenkeel_core::backoff::BackoffPolicy;
/// use evenkeel_core::reconnect::{ReconnectBuilder, ReconnectPolicy};
///
/// let backoff = BackoffPolicy::builder(Duration::from_millis(500)).cap(Duration::from_secs(30));
/// let builder: ReconnectBuilder = ReconnectPolicy::builder(backoff, Duration::from_secs(10));
/// let policy = builder.silence_limit(Duration::from_secs(45)).build()?;
/// assert_eq!(policy.connect_timeout(), Duration::from_secs(10));
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[must_use = "a builder does nothing until `build()`"]
#[derive(Clone, Copy, Debug)]
pub struct ReconnectBuilder {
    backoff: BackoffBuilder,
    connect_timeout: Duration,
    stable_after: Option<Duration>,
    silence_limit: Option<Duration>,
    kick_within: Option<Duration>,
    advisory: AdvisoryFields,
}

impl ReconnectBuilder {
    pub(super) const fn new(backoff: BackoffBuilder, connect_timeout: Duration) -> Self {
        Self {
            backoff,
            connect_timeout,
            stable_after: None,
            silence_limit: None,
            kick_within: None,
            advisory: AdvisoryFields::new(),
        }
    }

    /// A link that is confirmed by a frame and is lost this long after it was connected, or later, has proven itself:
    /// the next wait is the first of a fresh backoff. One lost earlier continues the backoff.
    ///
    /// 0 to 2^62 ns; 0 leaves it to the frame alone. Default: the backoff's cap, and at most 60 s. A server that drops
    /// each link as soon as it counts as stable then gets no more tries than one that refuses all of them.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, reconnect::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let [base, timeout, stable] = [100, 50, 1_000].map(Duration::from_nanos);
    /// # let backoff = BackoffPolicy::builder(base).jitter(Jitter::None);
    /// # let builder = ReconnectPolicy::builder(backoff, timeout);
    /// let mut reconnect = Reconnect::new(builder.stable_after(stable).build()?);
    /// let mut attempts = Vec::new();
    /// let mut now_ns = 0;
    /// for life_ns in [10, 999, 1_000] {
    ///     let LinkAction::Connect { link, .. } = reconnect.poll(now_ns, &mut rng) else { panic!() };
    ///     let _ = reconnect.on_event(now_ns, link, LinkEvent::Connected, &mut rng);
    ///     let _ = reconnect.on_frame(now_ns, link);
    ///     now_ns += life_ns;
    ///     let _ = reconnect.on_event(now_ns, link, LinkEvent::Lost, &mut rng);
    ///     attempts.push(reconnect.attempts(now_ns));
    ///     now_ns = reconnect.next_deadline_ns().expect("a wait");
    /// }
    /// assert_eq!(attempts, [1, 2, 1]);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn stable_after(mut self, life: Duration) -> Self {
        self.stable_after = Some(life);
        self
    }

    /// A link that brings no frame for this long is lost. 1 ns to 2^62 ns. Default: none, because only the caller knows
    /// how often the other side speaks; then a link that goes silent without closing is never noticed. With pings every
    /// `n` seconds, two to three times `n` is usual.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, reconnect::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let [base, timeout, silence] = [100, 50, 30].map(Duration::from_nanos);
    /// # let backoff = BackoffPolicy::builder(base).jitter(Jitter::None);
    /// # let builder = ReconnectPolicy::builder(backoff, timeout);
    /// let mut reconnect = Reconnect::new(builder.silence_limit(silence).build()?);
    /// # let LinkAction::Connect { link, .. } = reconnect.poll(0, &mut rng) else { panic!() };
    /// let _ = reconnect.on_event(10, link, LinkEvent::Connected, &mut rng);
    /// assert_eq!(reconnect.next_deadline_ns(), Some(40)); // 30 ns later
    /// let _ = reconnect.on_frame(35, link);
    /// assert_eq!(reconnect.next_deadline_ns(), Some(65));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn silence_limit(mut self, limit: Duration) -> Self {
        self.silence_limit = Some(limit);
        self
    }

    /// [`kick`](super::Reconnect::kick) tries at an instant drawn from the next this much. 0 to 2^62 ns; 0 tries at
    /// once, which is for a client that is alone. Default: the backoff's first ceiling, the spread that is right for a
    /// first try is right here.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, reconnect::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let [base, timeout] = [100, 50].map(Duration::from_nanos);
    /// # let backoff = BackoffPolicy::builder(base).jitter(Jitter::None);
    /// # let builder = ReconnectPolicy::builder(backoff, timeout);
    /// let mut reconnect = Reconnect::new(builder.kick_within(Duration::ZERO).build()?);
    /// # let LinkAction::Connect { link, .. } = reconnect.poll(0, &mut rng) else { panic!() };
    /// let _ = reconnect.on_event(10, link, LinkEvent::Failed, &mut rng);
    /// assert_eq!(reconnect.kick(20, &mut rng), Some(20)); // it would have waited until 110
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn kick_within(mut self, range: Duration) -> Self {
        self.kick_within = Some(range);
        self
    }

    /// How a server's advice ([`LinkEvent::Refused`](super::LinkEvent::Refused)) and the backoff make the wait.
    /// Default: [`AdvisoryRule::AtLeast`]: a server can lengthen a wait, never shorten it.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{advice::{Advice, AdvisoryRule}, backoff::{BackoffPolicy, Jitter}, reconnect::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let [base, timeout] = [100, 50].map(Duration::from_nanos);
    /// # let backoff = BackoffPolicy::builder(base).jitter(Jitter::None);
    /// # let builder = ReconnectPolicy::builder(backoff, timeout);
    /// for (rule, at_ns) in [(AdvisoryRule::AtLeast, 100), (AdvisoryRule::Exact, 30)] {
    ///     let mut reconnect = Reconnect::new(builder.advisory_rule(rule).build()?);
    ///     let LinkAction::Connect { link, .. } = reconnect.poll(0, &mut rng) else { panic!() };
    ///     let soon = LinkEvent::Refused(Advice::RetryAt { at_ns: 30 });
    ///     let _ = reconnect.on_event(0, link, soon, &mut rng);
    ///     assert_eq!(reconnect.next_deadline_ns(), Some(at_ns));
    /// }
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn advisory_rule(mut self, rule: AdvisoryRule) -> Self {
        self.advisory.rule = rule;
        self
    }

    /// No more than this is taken of a server's advice. 0 to 2^62 ns. Default: the backoff's cap; without one, no
    /// limit.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{advice::Advice, backoff::{BackoffPolicy, Jitter}, reconnect::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let [base, timeout, cap] = [100, 50, 5_000].map(Duration::from_nanos);
    /// # let backoff = BackoffPolicy::builder(base).jitter(Jitter::None);
    /// # let builder = ReconnectPolicy::builder(backoff, timeout);
    /// let mut reconnect = Reconnect::new(builder.advisory_cap(cap).build()?);
    /// # let LinkAction::Connect { link, .. } = reconnect.poll(0, &mut rng) else { panic!() };
    /// let in_a_year = Advice::RetryAt { at_ns: 31_536_000_000_000_000 };
    /// let _ = reconnect.on_event(0, link, LinkEvent::Refused(in_a_year), &mut rng);
    /// assert_eq!(reconnect.next_deadline_ns(), Some(5_000));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn advisory_cap(mut self, cap: Duration) -> Self {
        self.advisory.cap = Some(cap);
        self
    }

    /// An advised wait is lengthened by a draw from `0..=` this part of it; one word. 0 to 1. Default: 0, none. Give
    /// one where a server tells all of its clients the same.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{Ratio, advice::Advice, backoff::{BackoffPolicy, Jitter}, reconnect::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let [base, timeout] = [100, 50].map(Duration::from_nanos);
    /// # let backoff = BackoffPolicy::builder(base).jitter(Jitter::None);
    /// # let builder = ReconnectPolicy::builder(backoff, timeout);
    /// let mut reconnect = Reconnect::new(builder.advisory_spread(Ratio::percent(50)).build()?);
    /// # let LinkAction::Connect { link, .. } = reconnect.poll(0, &mut rng) else { panic!() };
    /// let advice = Advice::RetryAt { at_ns: 1_000 };
    /// let _ = reconnect.on_event(0, link, LinkEvent::Refused(advice), &mut rng);
    /// let at_ns = reconnect.next_deadline_ns().expect("a wait");
    /// assert!((1_000..=1_500).contains(&at_ns) && at_ns != 1_000);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn advisory_spread(mut self, spread: Ratio) -> Self {
        self.advisory.spread = spread;
        self
    }

    /// Checks the whole and makes the policy.
    ///
    /// # Errors
    /// - a backoff that [`BackoffBuilder::build`] refuses, or whose base or cap is 0: links that fail at once would be
    ///   tried in a hot loop;
    /// - a `connect_timeout` or `silence_limit` of 0, or any span above [`MAX_SPAN`](crate::time::MAX_SPAN);
    /// - an `advisory_spread` above 1.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, reconnect::ReconnectPolicy};
    /// let second = Duration::from_secs(1);
    /// assert!(ReconnectPolicy::builder(BackoffPolicy::builder(second), second).build().is_ok());
    ///
    /// let hot = ReconnectPolicy::builder(BackoffPolicy::builder(Duration::ZERO), second).build();
    /// assert_eq!(hot.unwrap_err().to_string(), "reconnect.backoff.base is 0: it must be above 0");
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub fn build(self) -> Result<ReconnectPolicy, ConfigError> {
        let backoff = self.backoff.build();
        let backoff = with_pauses(backoff.map_err(|error| error.within(BACKOFF))?, BACKOFF)?;
        let stable_after = self
            .stable_after
            .unwrap_or_else(|| default_stable_after(&backoff));
        let kick_within = self.kick_within.unwrap_or_else(|| backoff.ceiling(1));
        let silence_limit_ns = optional_positive_ns(SCOPE, "silence_limit", self.silence_limit)?;
        Ok(ReconnectPolicy {
            backoff,
            connect_timeout_ns: positive_ns(SCOPE, "connect_timeout", self.connect_timeout)?,
            stable_after_ns: ns(SCOPE, "stable_after", stable_after)?,
            silence_limit_ns,
            kick_within_ns: ns(SCOPE, "kick_within", kick_within)?,
            advisory: self.advisory.build(SCOPE, &backoff)?,
        })
    }
}

/// The builder that makes this policy again, to change it.
impl From<ReconnectPolicy> for ReconnectBuilder {
    fn from(policy: ReconnectPolicy) -> Self {
        Self {
            backoff: policy.backoff.into(),
            connect_timeout: policy.connect_timeout(),
            stable_after: Some(policy.stable_after()),
            silence_limit: policy.silence_limit(),
            kick_within: Some(policy.kick_within()),
            advisory: policy.advisory.into(),
        }
    }
}

fn default_stable_after(backoff: &BackoffPolicy) -> Duration {
    backoff
        .cap()
        .map_or(STABLE_AFTER, |cap| cap.min(STABLE_AFTER))
}
