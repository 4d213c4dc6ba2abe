//! A row with a version: writers read it, and write only if nobody wrote in between.

/// One row under optimistic concurrency control.
///
/// ```
/// use evenkeel_sim::VersionedRow;
///
/// let mut row = VersionedRow::default();
/// let (mine, yours) = (row.version(), row.version());
/// assert!(row.write(mine));
/// assert!(!row.write(yours)); // it has changed: read it again
/// assert_eq!((row.version(), row.writes()), (1, 2));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VersionedRow {
    version: u64,
    writes: u64,
}

impl VersionedRow {
    /// What a read finds: how many writes have succeeded.
    ///
    /// ```
    /// assert_eq!(evenkeel_sim::VersionedRow::default().version(), 0);
    /// ```
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// A write that carries the version that was read; whether it succeeds.
    ///
    /// ```
    /// assert!(!evenkeel_sim::VersionedRow::default().write(1));
    /// ```
    pub const fn write(&mut self, version: u64) -> bool {
        self.writes += 1;
        let unchanged = version == self.version;
        if unchanged {
            self.version += 1;
        }
        unchanged
    }

    /// How many writes were tried.
    ///
    /// ```
    /// assert_eq!(evenkeel_sim::VersionedRow::default().writes(), 0);
    /// ```
    #[must_use]
    pub const fn writes(&self) -> u64 {
        self.writes
    }
}
