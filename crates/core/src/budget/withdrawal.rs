//! What a retry took from a budget: taken once, given back at most once.

/// What was taken from a retry budget for one retry. Give it back if the retry is then not made, or hand it to
/// `on_success` if the retry succeeds; let it go if the retry fails.
///
/// Neither `Clone` nor `Copy`: one withdrawal, one return.
///
/// ```
/// use evenkeel_core::budget::{Withdrawal, WithdrawalId};
///
/// let stored = WithdrawalId::from_words([5_000, 0]); // five tokens, from a journal
/// let withdrawal = Withdrawal::from_id(stored);
/// assert_eq!(withdrawal.id().amount_milli(), 5_000);
/// ```
#[must_use = "give it back if the retry is not made; drop it once the retry has failed"]
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Withdrawal {
    id: WithdrawalId,
}

impl Withdrawal {
    /// `amount_milli` thousandths, taken from slice `slice` (0 where the budget has none).
    pub(crate) const fn new(amount_milli: u64, slice: u64) -> Self {
        Self {
            id: WithdrawalId {
                amount_milli,
                slice,
            },
        }
    }

    /// The withdrawal as plain data, to store it or to send it through a journal or another language.
    ///
    /// ```
    /// # use evenkeel_core::budget::{Withdrawal, WithdrawalId};
    /// let id = WithdrawalId::from_words([1_000, 42]);
    /// assert_eq!(Withdrawal::from_id(id).id(), id);
    /// ```
    #[must_use]
    pub const fn id(&self) -> WithdrawalId {
        self.id
    }

    /// The withdrawal again from its plain data. A budget cannot tell two returns of one withdrawal apart: make it
    /// again only where the first was lost, say with a process.
    ///
    /// ```
    /// # use evenkeel_core::budget::{Withdrawal, WithdrawalId};
    /// let id = WithdrawalId::from_words([1_000, 42]);
    /// assert_eq!(Withdrawal::from_id(id), Withdrawal::from_id(id));
    /// ```
    pub const fn from_id(id: WithdrawalId) -> Self {
        Self { id }
    }
}

/// A withdrawal as plain data: how much, and from which slice of a window.
///
/// ```
/// use evenkeel_core::budget::WithdrawalId;
///
/// let id = WithdrawalId::from_words([1_000, 42]);
/// assert_eq!(id.to_words(), [1_000, 42]);
/// assert_ne!(id, WithdrawalId::from_words([1_000, 43]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct WithdrawalId {
    amount_milli: u64,
    slice: u64,
}

impl WithdrawalId {
    /// As two plain words, for another language or a format of your own.
    ///
    /// ```
    /// # use evenkeel_core::budget::WithdrawalId;
    /// let words = WithdrawalId::from_words([500, 7]).to_words();
    /// assert_eq!(words, [500, 7]);
    /// ```
    #[must_use]
    pub const fn to_words(self) -> [u64; 2] {
        [self.amount_milli, self.slice]
    }

    /// The id that [`to_words`](Self::to_words) gave.
    ///
    /// ```
    /// # use evenkeel_core::budget::WithdrawalId;
    /// assert_eq!(WithdrawalId::from_words([500, 7]).amount_milli(), 500);
    /// ```
    #[must_use]
    pub const fn from_words([amount_milli, slice]: [u64; 2]) -> Self {
        Self {
            amount_milli,
            slice,
        }
    }

    /// How much was taken, in thousandths.
    ///
    /// ```
    /// # use evenkeel_core::budget::WithdrawalId;
    /// assert_eq!(WithdrawalId::from_words([1_500, 0]).amount_milli(), 1_500); // one and a half
    /// ```
    #[must_use]
    pub const fn amount_milli(self) -> u64 {
        self.amount_milli
    }

    /// The slice that it was taken from; 0 where the budget has none.
    pub(crate) const fn slice(self) -> u64 {
        self.slice
    }
}
