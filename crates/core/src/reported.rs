//! What a machine answers to a report, or to what is given back.

/// What became of a fact that was reported with an id, or of what was given back.
///
/// ```
/// use evenkeel_core::Reported;
///
/// assert!(Reported::Stale.is_stale());
/// assert!(!Reported::Counted.is_stale());
/// ```
#[must_use = "a stale report changed nothing"]
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum Reported {
    /// It counted; a driver says at the next poll what to do.
    Counted,
    /// Its id is of an earlier run, link, probe or attempt, or of another machine, or was reported before, or it came
    /// after its time, or there is nothing that it could be given back to: nothing changed.
    Stale,
}

impl Reported {
    /// Whether it counted.
    ///
    /// ```
    /// # use evenkeel_core::Reported;
    /// assert_eq!(Reported::Counted.is_counted(), true);
    /// ```
    #[must_use]
    pub const fn is_counted(self) -> bool {
        matches!(self, Self::Counted)
    }

    /// Whether it changed nothing.
    ///
    /// ```
    /// # use evenkeel_core::Reported;
    /// assert_eq!(Reported::Stale.is_stale(), true);
    /// ```
    #[must_use]
    pub const fn is_stale(self) -> bool {
        matches!(self, Self::Stale)
    }
}
