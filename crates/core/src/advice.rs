//! A server's advice on when to come back (Retry-After, pushback), and the rule that weighs it against our own wait.

use core::time::Duration;

use crate::backoff::BackoffPolicy;
use crate::config::{checked, ns, share};
use crate::error::ConfigError;
use crate::random::{Rng, scaled};
use crate::ratio::Ratio;
#[cfg(feature = "serde")]
use crate::text::Span;
use crate::time::{self, MAX_SPAN_NS, span_ns};

/// What a server said about coming back.
///
/// ```
/// use evenkeel_core::advice::Advice;
///
/// // a date that the server named, as an instant of our clock
/// let advice = Advice::RetryAt { at_ns: 125_000_000_000 };
/// assert_ne!(advice, Advice::Stop);
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum Advice {
    /// Not before this instant: the `now_ns` of its arrival plus the span that was named. An instant that is past says
    /// "now".
    RetryAt {
        /// The instant.
        at_ns: u64,
    },
    /// Do not come back (gRPC's pushback that is not a number).
    Stop,
}

impl Advice {
    /// The advice to come back after `span`, received at `now_ns`: `Retry-After: 120`. A span that no instant ends says
    /// the last instant.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::advice::Advice;
    /// let advice = Advice::after(5_000, Duration::from_nanos(120));
    /// assert_eq!(advice, Advice::RetryAt { at_ns: 5_120 });
    /// ```
    #[must_use]
    pub const fn after(now_ns: u64, span: Duration) -> Self {
        let at_ns = match time::after(now_ns, span) {
            Some(at_ns) => at_ns,
            None => u64::MAX,
        };
        Self::RetryAt { at_ns }
    }
}

/// How a server's advice and our own wait make the wait.
///
/// With `a` the advice, at most `advisory_cap`, and `own` the wait that the backoff gives.
///
/// ```
/// use core::time::Duration;
/// use evenkeel_core::advice::AdvisoryRule;
///
/// assert_eq!(AdvisoryRule::default(), AdvisoryRule::AtLeast);
/// assert_ne!(AdvisoryRule::Within(Duration::from_secs(5)), AdvisoryRule::Exact); // AWS: own wait + 5 s at most
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum AdvisoryRule {
    /// `max(own, a)`: a server can lengthen the wait, never shorten it. The default: a hint from outside must not turn
    /// our backoff off.
    #[default]
    AtLeast,
    /// `a`, whatever our own wait is.
    Exact,
    /// `a`, but not below `own` and not above `own` plus this.
    Within(#[cfg_attr(feature = "serde", serde(with = "crate::text::span_text"))] Duration),
}

/// The rule, the cap and the spread of a policy: what was set of `advisory_rule`, `advisory_cap`, `advisory_spread`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct AdvisoryFields {
    pub(crate) rule: AdvisoryRule,
    pub(crate) cap: Option<Duration>,
    pub(crate) spread: Ratio,
}

impl AdvisoryFields {
    pub(crate) const fn new() -> Self {
        Self {
            rule: AdvisoryRule::AtLeast,
            cap: None,
            spread: Ratio::ZERO,
        }
    }

    /// Checks the three; a cap that was not set is [`default_cap_ns`].
    pub(crate) const fn build(
        self,
        scope: &'static str,
        backoff: &BackoffPolicy,
    ) -> Result<Advisory, ConfigError> {
        if let AdvisoryRule::Within(extra) = self.rule {
            checked!(ns(scope, "advisory_rule.within", extra));
        }
        let spread = checked!(share(scope, "advisory_spread", self.spread));
        let cap_ns = match self.cap {
            Some(cap) => checked!(ns(scope, "advisory_cap", cap)),
            None => default_cap_ns(backoff),
        };
        Ok(Advisory {
            rule: self.rule,
            cap_ns,
            spread,
        })
    }
}

/// The builder's fields that make this rule again.
impl From<Advisory> for AdvisoryFields {
    fn from(advisory: Advisory) -> Self {
        Self {
            rule: advisory.rule,
            cap: Some(Duration::from_nanos(advisory.cap_ns)),
            spread: advisory.spread,
        }
    }
}

/// The cap of a server's advice where none was set: that of our own waits, or, where they have none, the longest span.
pub(crate) const fn default_cap_ns(backoff: &BackoffPolicy) -> u64 {
    backoff.limit_ns()
}

/// The cap of a server's advice as a policy file has it: left out where it is the default.
#[cfg(feature = "serde")]
pub(crate) fn cap_text(cap: Duration, backoff: &BackoffPolicy) -> Option<Span> {
    let is_default = cap == Duration::from_nanos(default_cap_ns(backoff));
    (!is_default).then(|| Span::new(cap))
}

/// A checked rule with its cap and spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Advisory {
    pub(crate) rule: AdvisoryRule,
    pub(crate) cap_ns: u64,
    pub(crate) spread: Ratio,
}

impl Advisory {
    /// The wait that comes of the advice `at_ns` and our own wait. Draws a word if there is a spread, which only
    /// lengthens.
    pub(crate) fn wait_ns<R: Rng + ?Sized>(
        &self,
        now_ns: u64,
        at_ns: u64,
        own_ns: u64,
        rng: &mut R,
    ) -> u64 {
        let advised_ns = at_ns.saturating_sub(now_ns).min(self.cap_ns);
        let wait_ns = match self.rule {
            AdvisoryRule::AtLeast => own_ns.max(advised_ns),
            AdvisoryRule::Exact => advised_ns,
            AdvisoryRule::Within(extra) => {
                let extra_ns = span_ns(extra).unwrap_or(MAX_SPAN_NS);
                advised_ns.clamp(own_ns, own_ns.saturating_add(extra_ns))
            }
        };
        if self.spread == Ratio::ZERO {
            return wait_ns;
        }
        let room_ns = self.spread.of(wait_ns);
        wait_ns.saturating_add(scaled(rng.next_u64(), room_ns.saturating_add(1)))
    }

    /// Whether our own wait plays a part.
    pub(crate) const fn asks_own(&self) -> bool {
        !matches!(self.rule, AdvisoryRule::Exact)
    }

    /// The longest wait that there can be, whether a server gave advice or not.
    pub(crate) fn longest_ns(&self, backoff: &BackoffPolicy) -> u64 {
        let own_ns = backoff.longest_ns();
        let wait_ns = match self.rule {
            AdvisoryRule::AtLeast => own_ns.max(self.cap_ns),
            AdvisoryRule::Exact => self.cap_ns,
            AdvisoryRule::Within(extra) => {
                let extra_ns = span_ns(extra).unwrap_or(MAX_SPAN_NS);
                self.cap_ns.clamp(own_ns, own_ns.saturating_add(extra_ns))
            }
        };
        let advised_ns = wait_ns.saturating_add(self.spread.of(wait_ns));
        own_ns.max(advised_ns)
    }
}
