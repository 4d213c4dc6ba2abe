//! The transitions of one call, as the list that every call returns.

use core::iter::FusedIterator;

use super::transition::Transition;

/// The transitions that one call made or noticed, in order; nearly always none, at most three.
///
/// ```
#[doc = include_str!("examples/opened.txt")]
/// // A failure at 0 opened it, for 100 ns.
/// let mut journal = String::new();
/// for made in breaker.reset(250) {
///     journal += &format!("{} {} {}; ", made.at_ns, made.to, made.cause);
/// }
/// assert_eq!(journal, "100 half-open wait-over; 250 closed reset; ");
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[must_use = "a transition is reported once"]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Transitions(Made);

/// One tag to write where nothing happened, which is what happens on nearly every call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
enum Made {
    #[default]
    None,
    One(Transition),
    Two([Transition; 2]),
    Three([Transition; 3]),
}

impl Transitions {
    /// Nothing happened.
    ///
    /// ```
    /// # use evenkeel_core::breaker::Transitions;
    /// assert!(Transitions::NONE.is_empty());
    /// ```
    pub const NONE: Self = Self(Made::None);
    /// A lost probe, the end of a wait, and what the call itself did.
    const MOST: usize = 3;

    /// [`NONE`](Self::NONE) made on the spot: the constant is copied whole, some hundred bytes that say nothing.
    #[inline]
    pub(super) const fn none() -> Self {
        Self(Made::None)
    }

    pub(super) const fn one(made: Transition) -> Self {
        Self(Made::One(made))
    }

    #[cold]
    pub(super) const fn push(&mut self, made: Transition) {
        self.0 = match self.0 {
            Made::None => Made::One(made),
            Made::One(first) => Made::Two([first, made]),
            Made::Two([first, second]) => Made::Three([first, second, made]),
            full @ Made::Three(_) => full,
        };
    }

    /// The transitions, earliest first.
    ///
    /// ```
    #[doc = include_str!("examples/opened.txt")]
    /// // A failure at 0 opened it, for 100 ns.
    /// let made = breaker.reset(250);
    /// assert!(matches!(made.as_slice(), [first, second] if first.at_ns == 100 && second.at_ns == 250));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn as_slice(&self) -> &[Transition] {
        match &self.0 {
            Made::None => &[],
            Made::One(made) => core::slice::from_ref(made),
            Made::Two(made) => made,
            Made::Three(made) => made,
        }
    }

    /// Whether there is none.
    ///
    /// ```
    #[doc = include_str!("examples/opened.txt")]
    /// // A failure at 0 opened it, for 100 ns.
    /// assert!(breaker.poll(99).is_empty());
    /// assert!(!breaker.poll(100).is_empty());
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[inline]
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        matches!(self.0, Made::None)
    }

    /// How many there are.
    ///
    /// ```
    #[doc = include_str!("examples/opened.txt")]
    /// // A failure at 0 opened it, for 100 ns.
    /// assert_eq!(breaker.poll(99).len(), 0);
    /// assert_eq!(breaker.reset(250).len(), 2); // half-open at 100, then closed
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn len(&self) -> usize {
        self.as_slice().len()
    }

    /// The transitions, earliest first.
    ///
    /// ```
    #[doc = include_str!("examples/opened.txt")]
    /// // A failure at 0 opened it, for 100 ns.
    /// let made = breaker.reset(250);
    /// assert!(made.iter().map(|made| made.to).eq([Phase::HalfOpen, Phase::Closed]));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn iter(&self) -> impl Iterator<Item = Transition> + '_ {
        self.as_slice().iter().copied()
    }

    /// The latest.
    ///
    /// ```
    #[doc = include_str!("examples/opened.txt")]
    /// // A failure at 0 opened it, for 100 ns.
    /// assert_eq!(breaker.poll(99).last(), None);
    /// assert_eq!(breaker.reset(250).last().map(|made| made.to), Some(Phase::Closed));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn last(&self) -> Option<Transition> {
        match self.as_slice() {
            [.., last] => Some(*last),
            [] => None,
        }
    }
}

impl IntoIterator for Transitions {
    type Item = Transition;
    type IntoIter = TransitionsIter;

    fn into_iter(self) -> TransitionsIter {
        TransitionsIter {
            transitions: self,
            given: 0,
        }
    }
}

/// The transitions by value; made by [`Transitions::into_iter`].
///
/// ```
#[doc = include_str!("examples/opened.txt")]
/// // A failure at 0 opened it, for 100 ns.
/// let mut rest: TransitionsIter = breaker.reset(250).into_iter();
/// assert_eq!(rest.next().map(|made| made.cause), Some(Cause::WaitOver));
/// assert_eq!(rest.len(), 1);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct TransitionsIter {
    transitions: Transitions,
    given: usize,
}

impl Iterator for TransitionsIter {
    type Item = Transition;

    fn next(&mut self) -> Option<Transition> {
        let next = self.transitions.as_slice().get(self.given).copied();
        self.given = self.given.saturating_add(1);
        next
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.transitions.len().saturating_sub(self.given);
        (left, Some(left))
    }
}

impl ExactSizeIterator for TransitionsIter {}
impl FusedIterator for TransitionsIter {}

impl<'a> IntoIterator for &'a Transitions {
    type Item = &'a Transition;
    type IntoIter = core::slice::Iter<'a, Transition>;

    fn into_iter(self) -> Self::IntoIter {
        self.as_slice().iter()
    }
}

/// For whoever rewrites an answer, say to shift its instants; those past the third are left out, since no call makes more.
///
/// ```
/// use evenkeel_core::breaker::{Cause, Phase, Transition, Transitions};
///
/// let (from, to) = (Phase::Open, Phase::HalfOpen);
/// let made = Transition { at_ns: 7, from, to, cause: Cause::WaitOver, generation: 2 };
/// assert_eq!(Transitions::from_iter([made]).last(), Some(made));
/// ```
impl FromIterator<Transition> for Transitions {
    fn from_iter<I: IntoIterator<Item = Transition>>(all: I) -> Self {
        let mut transitions = Self::NONE;
        for made in all.into_iter().take(Self::MOST) {
            transitions.push(made);
        }
        transitions
    }
}

#[cfg(feature = "serde")]
mod stored {
    //! As a list.

    use core::fmt;

    use serde::de::{Error, SeqAccess, Visitor};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::Transitions;

    impl Serialize for Transitions {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_seq(self.as_slice())
        }
    }

    impl<'de> Deserialize<'de> for Transitions {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_seq(List)
        }
    }

    struct List;

    impl<'de> Visitor<'de> for List {
        type Value = Transitions;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a list of at most {} transitions", Transitions::MOST)
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Transitions, A::Error> {
            let mut transitions = Transitions::NONE;
            while let Some(made) = list.next_element()? {
                if transitions.len() == Transitions::MOST {
                    return Err(A::Error::invalid_length(
                        Transitions::MOST.saturating_add(1),
                        &self,
                    ));
                }
                transitions.push(made);
            }
            Ok(transitions)
        }
    }
}
