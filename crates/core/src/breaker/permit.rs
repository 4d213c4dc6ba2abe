//! Leave to make a call: one permit, one result, told apart by generation and number.

/// Leave to make one call; give it back with the result.
///
/// Neither `Clone` nor `Copy`: one permit, one result. A permit that is never given back costs nothing while closed;
/// in half-open it holds a probe's place until `probe_timeout` and then counts as a failure.
#[must_use = "report the call's outcome with this permit"]
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Permit {
    id: PermitId,
}

impl Permit {
    /// The permit as plain data, to send it through a journal or another language.
    #[must_use]
    pub const fn id(&self) -> PermitId {
        self.id
    }

    /// The permit again from its id. Reporting it twice is noticed in half-open; in closed, where calls are not told
    /// apart, it counts twice.
    ///
    /// ```
    /// use evenkeel_core::breaker::{Permit, PermitId};
    ///
    /// let id = PermitId::from_words([3, 1 << 32 | 7]);
    /// assert_eq!(Permit::from_id(id).id().to_words(), [3, 1 << 32 | 7]);
    /// assert!(id.is_probe());
    /// ```
    pub const fn from_id(id: PermitId) -> Self {
        Self { id }
    }
}

/// What identifies a permit: the breaker's tag, its generation, and which probe it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct PermitId {
    pub(super) generation: u64,
    pub(super) tag: u32,
    pub(super) number: u32,
}

impl PermitId {
    /// The number of every call in closed: they need not be told apart.
    pub(super) const CLOSED: u32 = 0;
    /// A call that passed although the breaker would not have counted it; probes have numbers in between.
    pub(super) const UNCOUNTED: u32 = u32::MAX;

    /// The id as two plain words, for another language or a format of your own; [`from_words`](Self::from_words) reads
    /// them back.
    #[must_use]
    pub const fn to_words(self) -> [u64; 2] {
        [
            self.generation,
            ((self.tag as u64) << 32) | self.number as u64,
        ]
    }

    /// The id that [`to_words`](Self::to_words) gave.
    #[must_use]
    pub const fn from_words([generation, tag_and_number]: [u64; 2]) -> Self {
        Self {
            generation,
            tag: (tag_and_number >> 32) as u32,
            number: (tag_and_number & 0xffff_ffff) as u32,
        }
    }

    /// The generation that the permit was given in.
    #[must_use]
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// Whether it is for a probe in half-open.
    #[must_use]
    pub const fn is_probe(&self) -> bool {
        self.number != Self::CLOSED && self.number != Self::UNCOUNTED
    }
}
