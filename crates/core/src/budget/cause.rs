//! Why a retry is wanted: what a budget prices and a retry remembers.

/// What made the attempt before fail.
///
/// ```
/// use evenkeel_core::budget::RetryCause;
///
/// let causes = [RetryCause::Failure, RetryCause::Timeout, RetryCause::Throttled];
/// assert_eq!(causes.map(RetryCause::name), ["failure", "timeout", "throttled"]);
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum RetryCause {
    /// It failed: an error that may pass.
    Failure,
    /// It did not answer in time.
    Timeout,
    /// The dependency asked for fewer calls, say with HTTP 429. With [advice](crate::advice::Advice) a retry tells the
    /// breaker [overloaded](crate::breaker::Outcome::Overloaded), which opens it at once for all who share it. Where
    /// the limit is that of one caller see
    /// [`AttemptOutcome::with_breaker`](crate::retry::AttemptOutcome::with_breaker).
    Throttled,
}

impl RetryCause {
    /// Its name in journals, such as `"timeout"`.
    ///
    /// ```
    /// # use evenkeel_core::budget::RetryCause;
    /// assert_eq!(RetryCause::Timeout.name(), "timeout");
    /// assert_eq!(RetryCause::Throttled.to_string(), "throttled");
    /// ```
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Failure => "failure",
            Self::Timeout => "timeout",
            Self::Throttled => "throttled",
        }
    }
}

crate::named::display_by_name!(RetryCause);
