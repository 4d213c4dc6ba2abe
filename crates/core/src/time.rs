//! Instants and spans: checked conversions, deadlines that may not exist, and the guard that keeps a
//! machine's time from running backwards.
//!
//! An instant is a `u64` of nanoseconds from any origin and its name ends in `_ns`. A span in a policy is a
//! [`Duration`]. A deadline that would lie past `u64::MAX` does not exist: it is `None`, never a sentinel.

use core::time::Duration;

/// The longest span that a policy may hold: 2^62 ns, about 146 years.
///
/// Twice this still fits a `u64`, so no sum of two spans can overflow.
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
    #[must_use]
    pub const fn since(latest_ns: u64) -> Self {
        Self { latest_ns }
    }

    /// The later of `now_ns` and every instant seen before; remembers it.
    #[inline]
    #[must_use]
    pub const fn observe(&mut self, now_ns: u64) -> u64 {
        if now_ns > self.latest_ns {
            self.latest_ns = now_ns;
        }
        self.latest_ns
    }

    /// What [`observe`](Self::observe) would return, without remembering: for pure queries.
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
    #[inline]
    #[must_use]
    pub const fn latest_ns(&self) -> u64 {
        self.latest_ns
    }
}
