//! Sets up a backoff policy: setters with defaults, and one check of the whole.

use core::time::Duration;

use super::policy::{BackoffPolicy, Growth, Jitter, config, fraction};
use crate::error::{Amount, ConfigError, Problem};
use crate::ratio::Ratio;
use crate::time::{MAX_SPAN, span_ns};

/// Sets up a [`BackoffPolicy`]; every setter has a default, only the base has none.
///
/// All of it is `const`, so that a policy in a `const` item is checked when the program is compiled.
#[must_use = "a builder does nothing until `build()`"]
#[derive(Clone, Copy, Debug)]
pub struct BackoffBuilder {
    base: Duration,
    cap: Option<Duration>,
    growth: Growth,
    jitter: Option<Jitter>,
    max_retries: Option<u32>,
    max_total_wait: Option<Duration>,
}

impl BackoffBuilder {
    pub(super) const fn new(base: Duration) -> Self {
        Self {
            base,
            cap: None,
            growth: Growth::Exponential { factor: Ratio::TWO },
            jitter: None,
            max_retries: None,
            max_total_wait: None,
        }
    }

    /// No ceiling, and so no wait, is above this. Default: none, and the ceilings grow to
    /// [`MAX_SPAN`]; give one to anything that retries for long.
    pub const fn cap(mut self, cap: Duration) -> Self {
        self.cap = Some(cap);
        self
    }

    /// Default: exponential with factor 2: four doublings are a factor of 16, which most outages outlast.
    pub const fn growth(mut self, growth: Growth) -> Self {
        self.growth = growth;
        self
    }

    /// Default: [`Jitter::Full`], because clients that wait in step retry in step.
    pub const fn jitter(mut self, jitter: Jitter) -> Self {
        self.jitter = Some(jitter);
        self
    }

    /// `jitter`, unless one was chosen.
    pub(crate) const fn or_jitter(mut self, jitter: Jitter) -> Self {
        if self.jitter.is_none() {
            self.jitter = Some(jitter);
        }
        self
    }

    /// At most this many waits; the next is refused. Default: no limit. 0 refuses the first.
    pub const fn max_retries(mut self, retries: u32) -> Self {
        self.max_retries = Some(retries);
        self
    }

    /// The waits together are at most this; a wait is drawn, and refused if the sum would pass it.
    /// Default: no limit.
    pub const fn max_total_wait(mut self, total: Duration) -> Self {
        self.max_total_wait = Some(total);
        self
    }

    /// Checks the whole and makes the policy.
    ///
    /// # Errors
    /// - a span above [`MAX_SPAN`];
    /// - a factor below 1, or one that rounding keeps from growing (1 ns x 3/2), or one that takes more than
    ///   4 096 steps to the cap (work for each call stays bounded);
    /// - a spread above 1;
    /// - a `max_total_wait` that not even the shortest first wait fits into.
    pub const fn build(self) -> Result<BackoffPolicy, ConfigError> {
        let base_ns = match bounded("base", self.base) {
            Ok(ns) => ns,
            Err(error) => return Err(error),
        };
        let cap_ns = match optional("cap", self.cap) {
            Ok(ns) => ns,
            Err(error) => return Err(error),
        };
        let max_total_wait_ns = match optional("max_total_wait", self.max_total_wait) {
            Ok(ns) => ns,
            Err(error) => return Err(error),
        };
        if let Growth::Linear { step } = self.growth {
            if let Err(error) = bounded("step", step) {
                return Err(error);
            }
        }
        let jitter = match self.jitter {
            Some(jitter) => jitter,
            None => Jitter::Full,
        };
        if let Jitter::Spread(spread) = jitter {
            if spread.is_above(Ratio::ONE) {
                return Err(config(
                    "jitter.spread",
                    Problem::AboveMax {
                        given: fraction(spread),
                        max: Amount::Count(1),
                    },
                ));
            }
        }
        let policy = BackoffPolicy {
            base_ns,
            cap_ns,
            growth: self.growth,
            jitter,
            max_retries: self.max_retries,
            max_total_wait_ns,
        };
        if let Err(error) = policy.check_factor() {
            return Err(error);
        }
        match policy.check_total() {
            Ok(()) => Ok(policy),
            Err(error) => Err(error),
        }
    }
}

/// The builder that makes this policy again, to change it or to put it into another.
impl From<BackoffPolicy> for BackoffBuilder {
    fn from(policy: BackoffPolicy) -> Self {
        Self {
            base: policy.base(),
            cap: policy.cap(),
            growth: policy.growth,
            jitter: Some(policy.jitter),
            max_retries: policy.max_retries,
            max_total_wait: policy.max_total_wait(),
        }
    }
}

const fn bounded(field: &'static str, span: Duration) -> Result<u64, ConfigError> {
    match span_ns(span) {
        Some(ns) => Ok(ns),
        None => Err(config(
            field,
            Problem::AboveMax {
                given: Amount::Span(span),
                max: Amount::Span(MAX_SPAN),
            },
        )),
    }
}

const fn optional(field: &'static str, span: Option<Duration>) -> Result<Option<u64>, ConfigError> {
    match span {
        None => Ok(None),
        Some(span) => match bounded(field, span) {
            Ok(ns) => Ok(Some(ns)),
            Err(error) => Err(error),
        },
    }
}
