//! One word that says all that an ask needs where the answer is plain, so that it needs no lock.

/// What the shared word says. Written under the lock only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// The answer is not plain: take the lock.
    Locked,
    /// Closed, normal mode, no ramp: every ask is granted.
    Closed {
        generation: u64,
    },
    /// Closed, and nothing is counted that a success would change: reporting one changes nothing.
    Calm {
        generation: u64,
    },
    /// Open, and nothing but time will end that: an ask before `until_ns` is refused.
    Open {
        until_ns: u64,
    },
    ForcedOpen,
}

const TAG_BITS: u32 = 3;
const TAGS: u64 = (1 << TAG_BITS) - 1;

const LOCKED: u64 = 0;
const CLOSED: u64 = 1;
const CALM: u64 = 2;
const OPEN: u64 = 3;
const FORCED_OPEN: u64 = 4;

impl Word {
    /// A number that does not fit (after 2^61 transitions, or an instant 73 years after the origin) makes it
    /// [`Locked`](Self::Locked), which is always right.
    pub(super) const fn packed(self) -> u64 {
        match self {
            Self::Locked => LOCKED,
            Self::Closed { generation } => pack(generation, CLOSED),
            Self::Calm { generation } => pack(generation, CALM),
            Self::Open { until_ns } => pack(until_ns, OPEN),
            Self::ForcedOpen => FORCED_OPEN,
        }
    }

    #[inline]
    pub(super) const fn of(packed: u64) -> Self {
        let number = packed >> TAG_BITS;
        match packed & TAGS {
            CLOSED => Self::Closed { generation: number },
            CALM => Self::Calm { generation: number },
            OPEN => Self::Open { until_ns: number },
            FORCED_OPEN => Self::ForcedOpen,
            _ => Self::Locked,
        }
    }

    /// The generation that is closed, if an ask needs no lock.
    #[inline]
    pub(super) const fn closed(self) -> Option<u64> {
        match self {
            Self::Closed { generation } | Self::Calm { generation } => Some(generation),
            _ => None,
        }
    }
}

const fn pack(number: u64, tag: u64) -> u64 {
    if number >> (64 - TAG_BITS) == 0 {
        number << TAG_BITS | tag
    } else {
        LOCKED
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_says_what_it_was_told_or_that_the_lock_knows() {
        for number in [0, 1, (1 << 61) - 1] {
            for word in [
                Word::Closed { generation: number },
                Word::Calm { generation: number },
                Word::Open { until_ns: number },
                Word::Locked,
                Word::ForcedOpen,
            ] {
                assert_eq!(Word::of(word.packed()), word);
            }
        }
        let beyond = 1 << 61;
        for word in [
            Word::Closed { generation: beyond },
            Word::Calm {
                generation: u64::MAX,
            },
            Word::Open { until_ns: beyond },
        ] {
            assert_eq!(Word::of(word.packed()), Word::Locked);
        }
    }
}
