//! The thirteen laws by name, and which of them can only be judged where another holds.

use core::fmt;

/// A law of DESIGN section 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Law {
    Same,
    ClockBack,
    QuietBefore,
    ProgressAt,
    LazyIsEager,
    Restored,
    Shifted,
    Strangers,
    Forgotten,
    Bounded,
    Words,
    AnyU64,
    Order,
}

impl Law {
    /// In the order of their numbers.
    pub(crate) const ALL: [Self; 13] = [
        Self::Same,
        Self::ClockBack,
        Self::QuietBefore,
        Self::ProgressAt,
        Self::LazyIsEager,
        Self::Restored,
        Self::Shifted,
        Self::Strangers,
        Self::Forgotten,
        Self::Bounded,
        Self::Words,
        Self::AnyU64,
        Self::Order,
    ];

    /// Its number, from 1.
    pub(crate) fn number(self) -> usize {
        1 + Self::ALL.iter().position(|law| *law == self).unwrap_or(0)
    }

    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Same => "same inputs and words, same answers and state",
            Self::ClockBack => "time that runs backwards stands still",
            Self::QuietBefore => "before the deadline a poll changes nothing but the time memory",
            Self::ProgressAt => "at the deadline a poll makes progress",
            Self::LazyIsEager => "skipping polls never changes a later answer",
            Self::Restored => "a restored copy is indistinguishable",
            Self::Shifted => "adding a constant to all times shifts all outputs by it",
            Self::Strangers => "stale and foreign ids change nothing",
            Self::Forgotten => "forgetting a key that equals fresh is unobservable",
            Self::Bounded => "memory is fixed by the policy, work is bounded",
            Self::Words => "words drawn = random choices made",
            Self::AnyU64 => "every u64 is safe, a deadline that would overflow is None",
            Self::Order => "the same content answers in the same order",
        }
    }

    /// The law that this one's check takes for granted: every check compares runs (L1); what happens at the end of
    /// time is compared with a shifted run (L7); that two tables have the same content is known by their history.
    pub(crate) fn rests_on(self) -> Option<Self> {
        match self {
            Self::Same => None,
            Self::AnyU64 => Some(Self::Shifted),
            _ => Some(Self::Same),
        }
    }
}

impl fmt::Display for Law {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("L{}", self.number()))
    }
}
