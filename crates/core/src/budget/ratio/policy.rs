//! The policy of a retry ratio and its builder.

use core::time::Duration;

use crate::config::checked;
use crate::error::{Amount, ConfigError, Problem};
use crate::ratio::Ratio;
use crate::slices::SliceGrid;
use crate::tally::{self, Sums};

const SCOPE: &str = "retry_ratio";
const SECOND_NS: u64 = 1_000_000_000;
const MILLISECOND_NS: u64 = SECOND_NS / 1_000;
/// Above this a ratio is a percentage without its sign.
const MAX_RATIO: Ratio = Ratio::percent(1_000);

/// A checked, immutable retry ratio; made by [`RetryRatioPolicy::builder`]. 40 bytes.
///
/// ```
/// use core::time::Duration;
/// use evenkeel_core::Ratio;
/// use evenkeel_core::budget::RetryRatioPolicy;
///
/// let policy = RetryRatioPolicy::builder(Ratio::percent(20)).build()?;
/// assert_eq!(policy.ttl(), Duration::from_secs(10));
/// // A fifth of 1 000 requests and ten a second for ten seconds.
/// assert_eq!(policy.allowance(1_000), 300);
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RetryRatioPolicy {
    ratio: Ratio,
    floor_per_second: u32,
    /// What `floor_parts` is short of the floor, in thousandths of its unit.
    floor_rest_milli: u16,
    /// `floor_per_second * ttl`, in retries times the ratio's denominator and rounded down: all that
    /// [`allows`](Self::allows) needs of it. `u64::MAX` where it is more than any retries cost.
    floor_parts: u64,
    pub(super) grid: SliceGrid,
}

impl RetryRatioPolicy {
    /// Retries up to `ratio` of the requests (0 to 10; 20 % is usual), and a floor.
    ///
    /// ```
    /// # use evenkeel_core::{Ratio, budget::RetryRatioPolicy};
    /// let policy = RetryRatioPolicy::builder(Ratio::percent(51)).floor_per_second(0).build()?;
    /// assert_eq!([1, 2, 100].map(|requests| policy.allowance(requests)), [0, 1, 51]);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn builder(ratio: Ratio) -> RetryRatioBuilder {
        RetryRatioBuilder {
            ratio,
            ttl: Duration::from_secs(10),
            floor_per_second: 10,
            slices: 10,
        }
    }

    /// Finagle's default budget: 20 % of the requests of the last 10 s, and ten retries a second. (finagle.github.io,
    /// "Retry Budgets", 2016. Its own filter deposits for a success only; report requests as you like it better.)
    ///
    /// ```
    /// # use evenkeel_core::budget::RetryRatioPolicy;
    /// let policy = RetryRatioPolicy::finagle().build()?;
    /// assert_eq!((policy.allowance(0), policy.allowance(1_000)), (100, 300));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn finagle() -> RetryRatioBuilder {
        Self::builder(Ratio::percent(20))
    }

    /// The numbers of Envoy's retry budget: 20 %, and at least 3 retries. Envoy counts what is active at one time,
    /// retries that wait among it; here both are counted over a second. The share is the same. Envoy's floor of 3 at a
    /// time is 3 a second where a call takes a second, and more where calls are shorter: raise `floor_per_second` for
    /// those.
    ///
    /// ```
    /// # use evenkeel_core::budget::RetryRatioPolicy;
    /// let policy = RetryRatioPolicy::envoy().build()?;
    /// assert_eq!((policy.allowance(0), policy.allowance(100)), (3, 23));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn envoy() -> RetryRatioBuilder {
        Self::builder(Ratio::percent(20))
            .ttl(Duration::from_secs(1))
            .floor_per_second(3)
    }

    /// Retries for each request.
    ///
    /// ```
    /// # use evenkeel_core::{Ratio, budget::RetryRatioPolicy};
    /// assert_eq!(RetryRatioPolicy::finagle().build()?.ratio(), Ratio::percent(20));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn ratio(&self) -> Ratio {
        self.ratio
    }

    /// How long a request and a retry count.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::budget::RetryRatioPolicy;
    /// assert_eq!(RetryRatioPolicy::finagle().build()?.ttl(), Duration::from_secs(10));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn ttl(&self) -> Duration {
        Duration::from_nanos(self.grid.span_ns())
    }

    /// How many retries a second are allowed without a request.
    ///
    /// ```
    /// # use evenkeel_core::budget::RetryRatioPolicy;
    /// assert_eq!(RetryRatioPolicy::finagle().build()?.floor_per_second(), 10);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn floor_per_second(&self) -> u32 {
        self.floor_per_second
    }

    /// How many slices the ttl is cut into.
    ///
    /// ```
    /// # use evenkeel_core::budget::RetryRatioPolicy;
    /// assert_eq!(RetryRatioPolicy::finagle().build()?.slices(), 10);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn slices(&self) -> u32 {
        self.grid.slices()
    }

    /// How many retries `requests` requests within the ttl allow, with the floor: `floor(ratio * requests +
    /// floor_per_second * ttl)`, at most `u64::MAX`.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{Ratio, budget::RetryRatioPolicy};
    /// let half_second = Duration::from_millis(500);
    /// let policy = RetryRatioPolicy::builder(Ratio::percent(50)).floor_per_second(1).ttl(half_second).build()?;
    /// // A half, and a half.
    /// assert_eq!([0, 1, 2].map(|requests| policy.allowance(requests)), [0, 1, 1]);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn allowance(&self, requests: u32) -> u64 {
        self.left(requests, 0, Self::WHOLE)
    }

    /// Retries in [`left`](Self::left), and thousandths of one.
    pub(super) const WHOLE: u64 = SECOND_NS;
    pub(super) const MILLI: u64 = MILLISECOND_NS;

    /// `floor(allowance - retries)` in a part of a retry, of the allowance before it is rounded; 0 below 0.
    pub(super) const fn left(&self, requests: u32, retries: u32, part: u64) -> u64 {
        // In units of which a retry has as many as a second of its denominators: below 2^127.
        let by_ratio = (self.by_ratio(requests) as u128).wrapping_mul(SECOND_NS as u128);
        let cost = (self.cost(retries) as u128).wrapping_mul(SECOND_NS as u128);
        let left = by_ratio.wrapping_add(self.by_floor()).saturating_sub(cost);
        let part = (self.ratio.denominator() as u64).wrapping_mul(part);
        // It mostly fits: a division of 128 bits less.
        let few = saturated(left);
        let parts = if few < u64::MAX {
            few.checked_div(part)
        } else {
            match left.checked_div(part as u128) {
                Some(parts) => Some(saturated(parts)),
                None => None,
            }
        };
        match parts {
            Some(parts) => parts,
            None => 0,
        }
    }

    /// Whether one more retry is within the ratio.
    #[inline]
    pub(super) const fn allows(&self, sums: Sums) -> bool {
        self.short(sums).is_none()
    }

    /// What one more retry is short of; `None` where it is within the ratio.
    #[inline]
    pub(super) const fn short(&self, sums: Sums) -> Option<Short> {
        let allowed = self
            .by_ratio(sums.requests)
            .saturating_add(self.floor_parts);
        let Some(retries) = sums.others.checked_add(1) else {
            return Some(Short::OfRoom);
        };
        let cost = self.cost(retries);
        if cost <= allowed {
            return None;
        }
        Some(Short::Of(cost.wrapping_sub(allowed)))
    }

    /// What is there of one retry that lacks `missing`, in thousandths: as [`left`](Self::left) finds it, at less work.
    #[inline]
    pub(super) const fn there_milli(&self, missing: u64) -> u64 {
        let retry = self.cost(1);
        let Some(there) = retry.checked_sub(missing) else {
            return 0;
        };
        // Below 2^32 before it becomes thousandths.
        let milli = there.wrapping_mul(1_000);
        let milli = milli.wrapping_add(self.floor_rest_milli as u64);
        if milli < retry {
            // Often nothing is left, and a division takes its time.
            return 0;
        }
        match milli.checked_div(retry) {
            Some(there_milli) => there_milli,
            None => 0,
        }
    }

    /// What slices free when they leave, in the same units: what their retries cost, less what their requests allow.
    #[inline]
    pub(super) const fn freed(&self, sums: Sums) -> u64 {
        self.cost(sums.others)
            .saturating_sub(self.by_ratio(sums.requests))
    }

    /// What `requests` allow without the floor, in retries times the ratio's denominator.
    #[inline]
    const fn by_ratio(&self, requests: u32) -> u64 {
        (self.ratio.numerator() as u64).wrapping_mul(requests as u64)
    }

    /// What `retries` cost in the same units, fewer than `u64::MAX`.
    #[inline]
    const fn cost(&self, retries: u32) -> u64 {
        (self.ratio.denominator() as u64).wrapping_mul(retries as u64)
    }

    /// Works out what [`short`](Self::short) and [`there_milli`](Self::there_milli) need of the floor.
    const fn set_floor(&mut self) {
        let milli = match self.by_floor().checked_div(MILLISECOND_NS as u128) {
            Some(milli) => milli,
            None => 0,
        };
        if let (Some(parts), Some(rest)) = (milli.checked_div(1_000), milli.checked_rem(1_000)) {
            self.floor_parts = saturated(parts);
            #[expect(clippy::cast_possible_truncation, reason = "below 1 000")]
            {
                self.floor_rest_milli = rest as u16;
            }
        }
    }

    /// What the floor allows, in these units times a second: below 2^126.
    const fn by_floor(&self) -> u128 {
        let floor = (self.ratio.denominator() as u64).wrapping_mul(self.floor_per_second as u64);
        (floor as u128).wrapping_mul(self.grid.span_ns() as u128)
    }
}

/// Why a retry is not within the ratio.
#[derive(Clone, Copy, Debug)]
pub(super) enum Short {
    /// It costs so much more than what is allowed, in retries times the ratio's denominator: at least 1.
    Of(u64),
    /// The window is full of retries, and takes no more whatever is allowed.
    OfRoom,
}

/// Sets up a [`RetryRatioPolicy`]; only the ratio has no default.
///
/// ```
/// use evenkeel_core::Ratio;
/// use evenkeel_core::budget::RetryRatioPolicy;
///
/// const POLICY: RetryRatioPolicy = match RetryRatioPolicy::builder(Ratio::percent(10)).build() {
///     Ok(policy) => policy,
///     Err(_) => panic!("not a policy"), // the program would not compile
/// };
/// assert_eq!(POLICY.allowance(50), 105);
/// ```
#[must_use = "a builder does nothing until `build()`"]
#[derive(Clone, Copy, Debug)]
pub struct RetryRatioBuilder {
    ratio: Ratio,
    ttl: Duration,
    floor_per_second: u32,
    slices: u32,
}

impl RetryRatioBuilder {
    /// How long a request and a retry count, a whole multiple of the slices, at most
    /// [`MAX_SPAN`](crate::time::MAX_SPAN). Default: 10 s, long enough to smooth bursts and short enough to forget an
    /// outage.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{Ratio, budget::RetryRatioPolicy};
    /// let builder = RetryRatioPolicy::builder(Ratio::percent(20));
    /// assert_eq!(builder.ttl(Duration::from_secs(60)).build()?.ttl().as_secs(), 60);
    /// let error = builder.ttl(Duration::ZERO).build().unwrap_err();
    /// assert_eq!(error.path().to_string(), "retry_ratio.ttl");
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = ttl;
        self
    }

    /// How many retries a second are allowed on top, so that a client of few requests may retry at all. Default: 10.
    /// They count over the ttl: ten a second for 10 s is a hundred at once.
    ///
    /// ```
    /// # use evenkeel_core::{Ratio, budget::RetryRatioPolicy};
    /// let policy = RetryRatioPolicy::builder(Ratio::percent(20)).floor_per_second(1).build()?;
    /// assert_eq!(policy.allowance(0), 10);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn floor_per_second(mut self, floor_per_second: u32) -> Self {
        self.floor_per_second = floor_per_second;
        self
    }

    /// How many slices the ttl is cut into, 1 to 1 024 (16 without the feature `alloc`). What expires, expires by
    /// slices. Default: 10, so that a request counts for nine tenths of the ttl to all of it.
    ///
    /// ```
    /// # use evenkeel_core::{Ratio, budget::RetryRatioPolicy};
    /// let builder = RetryRatioPolicy::builder(Ratio::percent(20));
    /// assert_eq!(builder.slices(16).build()?.slices(), 16);
    /// assert!(builder.slices(1_025).build().is_err());
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn slices(mut self, slices: u32) -> Self {
        self.slices = slices;
        self
    }

    /// Checks it all.
    ///
    /// # Errors
    /// When the ratio is above 10; when the slices do not divide the ttl, are none, more than 1 024, or more than 16
    /// without the feature `alloc`; when the ratio is 0 and the floor less than one retry in a ttl, so that none is
    /// ever allowed.
    ///
    /// ```
    /// # use evenkeel_core::{Ratio, budget::RetryRatioPolicy};
    /// let error = RetryRatioPolicy::builder(Ratio::new(20, 1)?).build().unwrap_err();
    /// assert_eq!(error.to_string(), "retry_ratio.ratio is 20: it must be at most 10");
    ///
    /// let error = RetryRatioPolicy::builder(Ratio::ZERO).floor_per_second(0).build().unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "retry_ratio.ratio conflicts with floor_per_second: \
    ///      a ratio of 0 and a floor below one retry in a ttl never allow one"
    /// );
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn build(self) -> Result<RetryRatioPolicy, ConfigError> {
        if self.ratio.is_above(MAX_RATIO) {
            let problem = Problem::AboveMax {
                given: Amount::of(self.ratio),
                max: Amount::of(MAX_RATIO),
            };
            return Err(ConfigError::new(SCOPE, "ratio", problem));
        }
        let grid = checked!(tally::grid(SCOPE, "ttl", self.ttl, self.slices));
        let mut policy = RetryRatioPolicy {
            ratio: self.ratio,
            floor_per_second: self.floor_per_second,
            floor_rest_milli: 0,
            floor_parts: 0,
            grid,
        };
        policy.set_floor();
        if self.ratio.numerator() == 0 && policy.allowance(0) == 0 {
            let problem = Problem::Conflict {
                with: "floor_per_second",
                fix: "a ratio of 0 and a floor below one retry in a ttl never allow one",
            };
            return Err(ConfigError::new(SCOPE, "ratio", problem));
        }
        Ok(policy)
    }
}

/// The builder that makes this policy again, to change it.
impl From<RetryRatioPolicy> for RetryRatioBuilder {
    fn from(policy: RetryRatioPolicy) -> Self {
        Self {
            ratio: policy.ratio,
            ttl: policy.ttl(),
            floor_per_second: policy.floor_per_second,
            slices: policy.slices(),
        }
    }
}

/// `n`, at most `u64::MAX`.
const fn saturated(n: u128) -> u64 {
    if n > u64::MAX as u128 {
        return u64::MAX;
    }
    #[expect(clippy::cast_possible_truncation, reason = "compared with MAX")]
    {
        n as u64
    }
}
