//! Instants and spans: checked conversions, deadlines that may not exist, and the guard that keeps a
//! machine's time from running backwards.
//!
//! An instant is a `u64` of nanoseconds from any origin and its name ends in `_ns`. A span in a policy is a
//! [`Duration`]. A deadline that would lie past `u64::MAX` does not exist: it is `None`, never a sentinel.

use core::time::Duration;

/// The longest span that a policy may hold: 2^62 ns, about 146 years.
///
/// Twice this still fits a `u64`, so no sum of two spans can overflow.
///
/// ```
/// use core::time::Duration;
/// use evenkeel_core::{backoff::BackoffPolicy, time::MAX_SPAN};
///
/// assert_eq!(MAX_SPAN.as_nanos(), 1 << 62);
/// assert!(BackoffPolicy::builder(MAX_SPAN).build().is_ok());
/// assert!(BackoffPolicy::builder(MAX_SPAN + Duration::from_nanos(1)).build().is_err());
/// ```
pub const MAX_SPAN: Duration = Duration::from_nanos(MAX_SPAN_NS);

pub(crate) const MAX_SPAN_NS: u64 = 1 << 62;

/// `span` in nanoseconds, or `None` above [`MAX_SPAN`].
pub(crate) const fn span_ns(span: Duration) -> Option<u64> {
    let ns = span.as_nanos();
    if ns <= MAX_SPAN_NS as u128 {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "ns <= 2^62 was just checked"
        )]
        Some(ns as u64)
    } else {
        None
    }
}

/// The instant `span` after `now_ns`; `None` past the last one.
///
/// ```
/// use core::time::Duration;
/// use evenkeel_core::time;
///
/// assert_eq!(time::after(1_000, Duration::from_nanos(500)), Some(1_500));
/// assert_eq!(time::after(u64::MAX, Duration::from_nanos(1)), None);
/// ```
#[must_use]
pub const fn after(now_ns: u64, span: Duration) -> Option<u64> {
    let span_ns = span.as_nanos();
    if span_ns > u64::MAX as u128 {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "it was just checked")]
    now_ns.checked_add(span_ns as u64)
}

/// How long it is from `now_ns` until `at_ns`: what to sleep for. Zero when it is past.
///
/// ```
/// use core::time::Duration;
/// use evenkeel_core::time;
///
/// assert_eq!(time::until(1_000, 1_500), Duration::from_nanos(500));
/// assert_eq!(time::until(2_000, 1_500), Duration::ZERO); // woken late
/// ```
#[must_use]
pub const fn until(now_ns: u64, at_ns: u64) -> Duration {
    Duration::from_nanos(at_ns.saturating_sub(now_ns))
}

/// The span of so many nanoseconds, where there is one.
pub(crate) const fn optional_span(ns: Option<u64>) -> Option<Duration> {
    match ns {
        Some(ns) => Some(Duration::from_nanos(ns)),
        None => None,
    }
}

/// Remembers the latest instant that a machine saw, so that time that runs backwards stands still.
///
/// Wall clocks step back, virtual machines resume with old time stamps, two threads read a clock in one
/// order and report in the other. Every machine takes `now_ns` through one of these and never sees it.
///
/// ```
/// use evenkeel_core::time::Monotone;
///
/// let mut clock = Monotone::default();
/// assert_eq!(clock.observe(100), 100);
/// assert_eq!(clock.observe(40), 100);
/// assert_eq!(clock.latest_ns(), 100);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct Monotone {
    latest_ns: u64,
}

impl Monotone {
    /// A guard that has already seen `latest_ns`.
    ///
    /// ```
    /// # use evenkeel_core::time::Monotone;
    /// let mut clock = Monotone::since(100);
    /// assert_eq!(clock.observe(40), 100);
    /// ```
    #[must_use]
    pub const fn since(latest_ns: u64) -> Self {
        Self { latest_ns }
    }

    /// The later of `now_ns` and every instant seen before; remembers it.
    ///
    /// ```
    /// # use evenkeel_core::time::Monotone;
    /// let mut clock = Monotone::default();
    /// assert_eq!([5, 3, 8].map(|now_ns| clock.observe(now_ns)), [5, 5, 8]);
    /// ```
    #[inline]
    #[must_use]
    pub const fn observe(&mut self, now_ns: u64) -> u64 {
        if now_ns > self.latest_ns {
            self.latest_ns = now_ns;
        }
        self.latest_ns
    }

    /// What [`observe`](Self::observe) would return, without remembering: for pure queries.
    ///
    /// ```
    /// # use evenkeel_core::time::Monotone;
    /// let clock = Monotone::since(100);
    /// assert_eq!((clock.peek(40), clock.peek(200)), (100, 200));
    /// assert_eq!(clock.latest_ns(), 100);
    /// ```
    #[inline]
    #[must_use]
    pub const fn peek(&self, now_ns: u64) -> u64 {
        if now_ns > self.latest_ns {
            now_ns
        } else {
            self.latest_ns
        }
    }

    /// The latest instant seen; 0 before the first.
    ///
    /// ```
    /// # use evenkeel_core::time::Monotone;
    /// let mut clock = Monotone::default();
    /// assert_eq!(clock.latest_ns(), 0);
    /// let _ = clock.observe(70);
    /// assert_eq!(clock.latest_ns(), 70);
    /// ```
    #[inline]
    #[must_use]
    pub const fn latest_ns(&self) -> u64 {
        self.latest_ns
    }
}
