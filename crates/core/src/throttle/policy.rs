//! The policy of an adaptive throttle and its builder.

use core::time::Duration;

use super::answer::RejectProbability;
use crate::config::{checked, factor, positive_share};
use crate::error::ConfigError;
use crate::ratio::Ratio;
use crate::slices::SliceGrid;
use crate::tally::{self, Sums};

const SCOPE: &str = "adaptive_throttle";

/// A checked, immutable throttle policy; made by [`AdaptiveThrottlePolicy::builder`]. 40 bytes.
///
/// ```
/// use core::time::Duration;
/// use evenkeel_core::Ratio;
/// use evenkeel_core::throttle::AdaptiveThrottlePolicy;
///
/// let policy = AdaptiveThrottlePolicy::builder().k(Ratio::percent(110)).build()?;
/// assert_eq!(policy.history(), Duration::from_secs(120));
/// // 100 requests of which 10 were accepted: (100 - 1.1 * 10) / 101
/// assert_eq!(policy.probability(100, 10).to_string(), "890/1010");
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AdaptiveThrottlePolicy {
    pub(super) grid: SliceGrid,
    k: Ratio,
    min_requests: u32,
    max_rejection: Ratio,
}

impl AdaptiveThrottlePolicy {
    /// Everything has a default: the book's, and a floor of ten requests.
    ///
    /// ```
    /// # use evenkeel_core::{Ratio, throttle::AdaptiveThrottlePolicy};
    /// let policy = AdaptiveThrottlePolicy::builder().build()?;
    /// assert_eq!((policy.k(), policy.min_requests()), (Ratio::TWO, 10));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn builder() -> AdaptiveThrottleBuilder {
        AdaptiveThrottleBuilder {
            history: Duration::from_secs(120),
            slices: 10,
            k: Ratio::TWO,
            min_requests: 10,
            max_rejection: Ratio::ONE,
        }
    }

    /// How far back requests and accepts are looked at.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::throttle::AdaptiveThrottlePolicy;
    /// let policy = AdaptiveThrottlePolicy::builder().history(Duration::from_secs(30)).build()?;
    /// assert_eq!(policy.history(), Duration::from_secs(30));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn history(&self) -> Duration {
        Duration::from_nanos(self.grid.span_ns())
    }

    /// How many slices the history is cut into.
    ///
    /// ```
    /// # use evenkeel_core::throttle::AdaptiveThrottlePolicy;
    /// assert_eq!(AdaptiveThrottlePolicy::builder().slices(12).build()?.slices(), 12);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn slices(&self) -> u32 {
        self.grid.slices()
    }

    /// How many requests may go out for each that is accepted.
    ///
    /// ```
    /// # use evenkeel_core::{Ratio, throttle::AdaptiveThrottlePolicy};
    /// let k = Ratio::percent(110);
    /// assert_eq!(AdaptiveThrottlePolicy::builder().k(k).build()?.k(), k);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn k(&self) -> Ratio {
        self.k
    }

    /// With fewer requests than this in the history none is rejected.
    ///
    /// ```
    /// # use evenkeel_core::throttle::AdaptiveThrottlePolicy;
    /// let policy = AdaptiveThrottlePolicy::builder().min_requests(0).build()?;
    /// assert_eq!(policy.min_requests(), 0);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn min_requests(&self) -> u32 {
        self.min_requests
    }

    /// The probability is never above this.
    ///
    /// ```
    /// # use evenkeel_core::{Ratio, throttle::AdaptiveThrottlePolicy};
    /// let most = Ratio::percent(90);
    /// assert_eq!(AdaptiveThrottlePolicy::builder().max_rejection(most).build()?.max_rejection(), most);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn max_rejection(&self) -> Ratio {
        self.max_rejection
    }

    /// With which probability a request is rejected after `requests` and `accepts` in the history:
    /// `max(0, requests - k * accepts) / (requests + 1)`, at most [`max_rejection`](Self::max_rejection), and 0 below
    /// [`min_requests`](Self::min_requests). Exact, and below 1 for any counts.
    ///
    /// ```
    /// # use evenkeel_core::throttle::AdaptiveThrottlePolicy;
    /// let policy = AdaptiveThrottlePolicy::builder().build()?;
    /// assert_eq!(policy.probability(100, 50).to_string(), "0/101");
    /// assert_eq!(policy.probability(100, 40).to_string(), "20/101");
    /// assert_eq!(policy.probability(9, 0).is_zero(), true);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn probability(&self, requests: u32, accepts: u32) -> RejectProbability {
        // Each product of two 32-bit numbers fits 64 bits, and so does den * (2^32 - 1 + 1).
        let den = self.k.denominator() as u64;
        let sent = den.wrapping_mul(requests as u64);
        let allowed = (self.k.numerator() as u64).wrapping_mul(accepts as u64);
        let whole = sent.wrapping_add(den);
        let excess = if requests < self.min_requests {
            0
        } else {
            sent.saturating_sub(allowed)
        };
        let (max_num, max_den) = (
            self.max_rejection.numerator() as u64,
            self.max_rejection.denominator() as u64,
        );
        let over = (excess as u128).wrapping_mul(max_den as u128)
            > (whole as u128).wrapping_mul(max_num as u128);
        if over {
            RejectProbability::new(max_num, max_den)
        } else {
            RejectProbability::new(excess, whole)
        }
    }

    pub(super) const fn probability_of(&self, sums: Sums) -> RejectProbability {
        self.probability(sums.requests, sums.others)
    }
}

/// Sets up an [`AdaptiveThrottlePolicy`]; every setter has a default.
///
/// ```
/// use evenkeel_core::throttle::AdaptiveThrottlePolicy;
///
/// const POLICY: AdaptiveThrottlePolicy = match AdaptiveThrottlePolicy::builder().min_requests(50).build() {
///     Ok(policy) => policy,
///     Err(_) => panic!("not a policy"), // the program would not compile
/// };
/// assert_eq!(POLICY.min_requests(), 50);
/// ```
#[must_use = "a builder does nothing until `build()`"]
#[derive(Clone, Copy, Debug)]
pub struct AdaptiveThrottleBuilder {
    history: Duration,
    slices: u32,
    k: Ratio,
    min_requests: u32,
    max_rejection: Ratio,
}

impl AdaptiveThrottleBuilder {
    /// How far back requests and accepts count, a whole multiple of the slices. Default: 2 minutes, the book's: long
    /// enough for an answer to come while its request is still in the history, which it must.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::throttle::AdaptiveThrottlePolicy;
    /// let builder = AdaptiveThrottlePolicy::builder();
    /// assert_eq!(builder.history(Duration::from_secs(10)).build()?.history().as_secs(), 10);
    /// let error = builder.history(Duration::from_nanos(99)).build().unwrap_err();
    /// assert_eq!(error.path().to_string(), "adaptive_throttle.history");
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn history(mut self, history: Duration) -> Self {
        self.history = history;
        self
    }

    /// How many slices the history is cut into, 1 to 1 024 (16 without the feature `alloc`). What leaves, leaves by
    /// slices. Default: 10, so that the history is between nine tenths of its span and all of it.
    ///
    /// ```
    /// # use evenkeel_core::throttle::AdaptiveThrottlePolicy;
    /// assert_eq!(AdaptiveThrottlePolicy::builder().slices(15).build()?.slices(), 15);
    /// assert!(AdaptiveThrottlePolicy::builder().slices(0).build().is_err());
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn slices(mut self, slices: u32) -> Self {
        self.slices = slices;
        self
    }

    /// How many requests may go out for each that is accepted, at least 1. Default: 2, the book's: the backend sees up
    /// to twice what it accepts, so that it is soon noticed when it accepts more. 1.1 spares one whose refusals cost it
    /// as much as its answers.
    ///
    /// ```
    /// # use evenkeel_core::{Ratio, throttle::AdaptiveThrottlePolicy};
    /// let careful = AdaptiveThrottlePolicy::builder().k(Ratio::percent(110)).build()?;
    /// let usual = AdaptiveThrottlePolicy::builder().build()?;
    /// // Six of ten accepted: twice six is more than ten, 1.1 times six is not.
    /// assert!(usual.probability(10, 6).is_zero());
    /// assert!(!careful.probability(10, 6).is_zero());
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn k(mut self, k: Ratio) -> Self {
        self.k = k;
        self
    }

    /// With fewer requests than this in the history none is rejected. Default: 10. The book has no floor; then the
    /// second call of a fresh client is rejected with probability 1/2 while its first is still on its way. 0 gives the
    /// book's.
    ///
    /// ```
    /// # use evenkeel_core::throttle::AdaptiveThrottlePolicy;
    /// let book = AdaptiveThrottlePolicy::builder().min_requests(0).build()?;
    /// assert_eq!(book.probability(1, 0).to_string(), "1/2");
    /// assert!(AdaptiveThrottlePolicy::builder().build()?.probability(1, 0).is_zero());
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn min_requests(mut self, min_requests: u32) -> Self {
        self.min_requests = min_requests;
        self
    }

    /// The probability is never above this: above 0, at most 1. Default: 1, the book's: with no accepts of 100 requests
    /// it is 100/101. Less keeps more probes coming through a long outage.
    ///
    /// ```
    /// # use evenkeel_core::{Ratio, throttle::AdaptiveThrottlePolicy};
    /// let policy = AdaptiveThrottlePolicy::builder().max_rejection(Ratio::percent(90)).build()?;
    /// assert_eq!(policy.probability(100, 0).to_string(), "9/10");
    /// assert!(AdaptiveThrottlePolicy::builder().max_rejection(Ratio::ZERO).build().is_err());
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn max_rejection(mut self, max_rejection: Ratio) -> Self {
        self.max_rejection = max_rejection;
        self
    }

    /// Checks it all.
    ///
    /// # Errors
    /// When the slices do not divide the history, are none, more than 1 024, or more than 16 without the feature
    /// `alloc`; when `k` is below 1, or `max_rejection` is 0 or above 1.
    ///
    /// ```
    /// # use evenkeel_core::{Ratio, throttle::AdaptiveThrottlePolicy};
    /// let error = AdaptiveThrottlePolicy::builder().k(Ratio::percent(50)).build().unwrap_err();
    /// assert_eq!(error.to_string(), "adaptive_throttle.k is 1/2: it must be at least 1");
    /// ```
    pub const fn build(self) -> Result<AdaptiveThrottlePolicy, ConfigError> {
        let grid = checked!(tally::grid(SCOPE, "history", self.history, self.slices));
        let k = checked!(factor(SCOPE, "k", self.k));
        let max_rejection = checked!(positive_share(SCOPE, "max_rejection", self.max_rejection));
        Ok(AdaptiveThrottlePolicy {
            grid,
            k,
            min_requests: self.min_requests,
            max_rejection,
        })
    }
}

/// The builder that makes this policy again, to change it.
impl From<AdaptiveThrottlePolicy> for AdaptiveThrottleBuilder {
    fn from(policy: AdaptiveThrottlePolicy) -> Self {
        Self {
            history: policy.history(),
            slices: policy.slices(),
            k: policy.k,
            min_requests: policy.min_requests,
            max_rejection: policy.max_rejection,
        }
    }
}
