//! What a throttle answers: the probability, and the refusal's reason that carries it.

use core::fmt;

/// With which probability a request is rejected, as an exact fraction that is below 1. Not in lowest terms: the
/// numerator is what was sent too much and the denominator all that was sent and one, both times the denominator of
/// `k`; or it is the `max_rejection` of the policy.
///
/// ```
/// # use evenkeel_core::throttle::{AdaptiveThrottlePolicy, RejectProbability};
/// let policy = AdaptiveThrottlePolicy::builder().build()?;
/// let p: RejectProbability = policy.probability(100, 40);
/// assert_eq!((p.numerator(), p.denominator()), (20, 101));
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct RejectProbability {
    numerator: u64,
    denominator: u64,
}

impl RejectProbability {
    pub(super) const fn new(numerator: u64, denominator: u64) -> Self {
        Self {
            numerator,
            denominator,
        }
    }

    /// The numerator; below the denominator.
    ///
    /// ```
    /// # use evenkeel_core::throttle::AdaptiveThrottlePolicy;
    /// let policy = AdaptiveThrottlePolicy::builder().build()?;
    /// assert_eq!(policy.probability(100, 0).numerator(), 100);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn numerator(&self) -> u64 {
        self.numerator
    }

    /// The denominator; never 0.
    ///
    /// ```
    /// # use evenkeel_core::throttle::AdaptiveThrottlePolicy;
    /// let policy = AdaptiveThrottlePolicy::builder().build()?;
    /// assert_eq!(policy.probability(100, 0).denominator(), 101);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn denominator(&self) -> u64 {
        self.denominator
    }

    /// Whether nothing is rejected; no word is then drawn.
    ///
    /// ```
    /// # use evenkeel_core::throttle::AdaptiveThrottlePolicy;
    /// let policy = AdaptiveThrottlePolicy::builder().build()?;
    /// assert!(policy.probability(100, 100).is_zero());
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn is_zero(&self) -> bool {
        self.numerator == 0
    }
}

/// As `20/101`.
impl fmt::Display for RejectProbability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.numerator, self.denominator)
    }
}

/// Why a throttle refuses: the draw fell below this probability.
///
/// ```
/// # use evenkeel_core::throttle::*;
/// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
/// # let mut rng = SplitMix64::seed_from_u64(1);
/// let mut throttle = AdaptiveThrottle::new(AdaptiveThrottlePolicy::builder().build()?);
/// // Nothing is ever accepted, so it soon refuses.
/// let refused = (0..100).find_map(|now_ns| throttle.try_request(now_ns, &mut rng).err()).expect("a refusal");
/// assert_eq!(refused.reason.name(), "throttled");
/// assert!(refused.to_string().starts_with("refused: throttled with probability "));
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Throttled {
    /// The probability against which the word was drawn.
    pub probability: RejectProbability,
}

impl Throttled {
    /// The reason's name in reports and journals.
    ///
    /// ```
    /// # use evenkeel_core::throttle::{AdaptiveThrottlePolicy, Throttled};
    /// let probability = AdaptiveThrottlePolicy::builder().build()?.probability(100, 0);
    /// assert_eq!(Throttled { probability }.name(), "throttled");
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn name(&self) -> &'static str {
        "throttled"
    }
}

/// As `throttled with probability 20/101`.
impl fmt::Display for Throttled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "throttled with probability {}", self.probability)
    }
}
