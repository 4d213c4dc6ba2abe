//! The answer "not now": why, and when to ask again.

use core::time::Duration;

use thiserror::Error;

use crate::time;

/// A gate's refusal: the reason, and the first instant at which the same question is surely answered with yes
/// if nothing is reported until then and nobody else is let through first.
///
/// ```
/// use evenkeel_core::Refusal;
///
/// let refused = Refusal::new("open", Some(5_000));
/// assert_eq!(refused.retry_after(2_000).map(|d| d.as_nanos()), Some(3_000));
/// assert_eq!(refused.retry_after(9_000).map(|d| d.as_nanos()), Some(0));
/// ```
#[must_use = "a refusal says when to ask again"]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[error("refused: {reason}")]
pub struct Refusal<Reason> {
    /// Why the answer is no.
    pub reason: Reason,
    /// When it will be yes; `None` when no instant is known, say while an operator holds the gate shut.
    pub retry_at_ns: Option<u64>,
}

impl<Reason> Refusal<Reason> {
    /// A refusal for `reason`, until `retry_at_ns`.
    ///
    /// ```
    /// # use evenkeel_core::Refusal;
    /// let refused = Refusal::new("too many in flight", None);
    /// assert_eq!((refused.reason, refused.retry_at_ns), ("too many in flight", None));
    /// assert_eq!(refused.to_string(), "refused: too many in flight");
    /// ```
    pub const fn new(reason: Reason, retry_at_ns: Option<u64>) -> Self {
        Self {
            reason,
            retry_at_ns,
        }
    }

    /// How long from `now_ns` until [`retry_at_ns`](Self::retry_at_ns); zero when that is past.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::Refusal;
    /// let refused = Refusal::new("open", Some(5_000));
    /// assert_eq!(refused.retry_after(2_000), Some(Duration::from_nanos(3_000)));
    /// assert_eq!(Refusal::new("held open", None).retry_after(2_000), None);
    /// ```
    #[must_use]
    pub const fn retry_after(&self, now_ns: u64) -> Option<Duration> {
        match self.retry_at_ns {
            Some(at_ns) => Some(time::until(now_ns, at_ns)),
            None => None,
        }
    }
}
