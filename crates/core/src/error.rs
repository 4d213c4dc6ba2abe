//! What can be wrong with a policy or a stored state, named so that it can be mended.

use core::fmt;
use core::time::Duration;

use thiserror::Error;

use crate::ratio::Ratio;
use crate::span;

/// A policy that cannot be: which field, what was given, and the bound.
///
/// Its text is one sentence that starts with the path of the field, as a policy file writes it:
/// `breaker.triggers[1].min_calls is 200: it must be at most 100`.
///
/// ```
/// use evenkeel_core::Ratio;
///
/// let error = Ratio::new(1, 0).unwrap_err();
/// assert_eq!(error.to_string(), "ratio.denominator is 0: it must be at least 1");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[error("{} {problem}", self.path())]
pub struct ConfigError {
    scope: &'static str,
    field: &'static str,
    index: Option<usize>,
    problem: Problem,
}

impl ConfigError {
    pub(crate) const fn new(scope: &'static str, field: &'static str, problem: Problem) -> Self {
        Self {
            scope,
            field,
            index: None,
            problem,
        }
    }

    /// The same problem in the `index`-th element of a list.
    #[must_use]
    pub(crate) const fn at(mut self, index: usize) -> Self {
        self.index = Some(index);
        self
    }

    /// The same problem in a policy that is part of another, say a backoff's in `breaker.open`.
    #[must_use]
    pub(crate) const fn within(mut self, scope: &'static str) -> Self {
        self.scope = scope;
        self
    }

    /// What is wrong.
    ///
    /// ```
    /// # use evenkeel_core::Ratio;
    /// use evenkeel_core::error::{Amount, Problem};
    ///
    /// let error = Ratio::new(1, 0).unwrap_err();
    /// let (given, min) = (Amount::Count(0), Amount::Count(1));
    /// assert_eq!(error.problem(), Problem::BelowMin { given, min });
    /// ```
    #[must_use]
    pub const fn problem(&self) -> Problem {
        self.problem
    }

    /// Where: the path of the field, as a policy file writes it, such as `breaker.triggers[1].min_calls`.
    ///
    /// ```
    /// # use evenkeel_core::Ratio;
    /// let error = Ratio::new(1, 0).unwrap_err();
    /// assert_eq!(error.path().to_string(), "ratio.denominator");
    /// ```
    pub fn path(&self) -> impl fmt::Display + use<> {
        Path(*self)
    }
}

struct Path(ConfigError);

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.scope)?;
        if let Some(index) = self.0.index {
            write!(f, "[{index}]")?;
        }
        if !self.0.field.is_empty() {
            write!(f, ".{}", self.0.field)?;
        }
        Ok(())
    }
}

/// What is wrong with a field.
///
/// ```
/// # use evenkeel_core::{Quantile, error::Problem};
/// let problem = Quantile::new(3, 2).unwrap_err().problem();
/// assert_eq!(problem.to_string(), "is 3/2: it must be at most 1");
/// assert!(matches!(problem, Problem::AboveMax { .. }));
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum Problem {
    /// It has no default and was not given.
    #[error("is missing: {fix}")]
    Missing {
        /// What to set.
        fix: &'static str,
    },
    /// It is smaller than it may be.
    #[error("is {given}: it must be at least {min}")]
    BelowMin {
        /// The value given.
        given: Amount,
        /// The smallest value allowed.
        min: Amount,
    },
    /// It is 0, and there is no smallest value above 0.
    #[error("is 0: it must be above 0")]
    Zero,
    /// It is larger than it may be.
    #[error("is {given}: it must be at most {max}")]
    AboveMax {
        /// The value given.
        given: Amount,
        /// The largest value allowed.
        max: Amount,
    },
    /// It does not fit in the memory that is there without the `alloc` feature.
    #[error("needs {given} words of memory: without the feature `alloc` at most {max} are there")]
    NeedsAlloc {
        /// 64-bit words needed.
        given: u64,
        /// 64-bit words held inline.
        max: u64,
    },
    /// It contradicts another field.
    #[error("conflicts with {with}: {fix}")]
    Conflict {
        /// The other field.
        with: &'static str,
        /// How to mend it.
        fix: &'static str,
    },
    /// It was given where it has no meaning.
    #[error("cannot be set here: {fix}")]
    Misplaced {
        /// Why, and what to do.
        fix: &'static str,
    },
    /// It could not be read.
    #[error("cannot be read: expected {expected}")]
    Unreadable {
        /// What it should look like.
        expected: &'static str,
    },
}

/// A value in an error, in its own unit.
///
/// ```
/// # use core::time::Duration;
/// # use evenkeel_core::{Ratio, error::Amount};
/// assert_eq!(Amount::Count(4_096).to_string(), "4096");
/// assert_eq!(Amount::Span(Duration::from_millis(250)).to_string(), "250ms");
/// assert_eq!(Amount::from(Ratio::percent(50)).to_string(), "1/2");
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Amount {
    /// A plain number.
    Count(u64),
    /// A span of time.
    Span(Duration),
    /// A ratio or a quantile.
    Fraction {
        /// Numerator.
        num: u64,
        /// Denominator.
        den: u64,
    },
}

impl Amount {
    /// A ratio, for `const` code.
    pub(crate) const fn of(ratio: Ratio) -> Self {
        Self::Fraction {
            num: ratio.numerator() as u64,
            den: ratio.denominator() as u64,
        }
    }
}

impl From<Ratio> for Amount {
    fn from(ratio: Ratio) -> Self {
        Self::of(ratio)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Count(n) => write!(f, "{n}"),
            Self::Span(span) => write!(f, "{}", span::text(span)),
            Self::Fraction { num, den: 1 } => write!(f, "{num}"),
            Self::Fraction { num, den } => write!(f, "{num}/{den}"),
        }
    }
}

/// A stored state that a machine refuses to take over.
///
/// A state is checked as untrusted input: it may come from a file, another version or an attacker.
///
/// ```
/// # use core::time::Duration;
/// # use evenkeel_core::{RestoreError, backoff::{Backoff, BackoffPolicy, Jitter}};
/// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
/// # let mut rng = SplitMix64::seed_from_u64(1);
/// # let builder = BackoffPolicy::builder(Duration::from_secs(4)).jitter(Jitter::None);
/// let mut backoff = Backoff::new(builder.build()?);
/// let _ = backoff.next_wait(0, &mut rng)?;
/// let _ = backoff.next_wait(0, &mut rng)?; // 12 s together
///
/// let stricter = builder.max_total_wait(Duration::from_secs(10)).build()?;
/// let error = Backoff::restore(stricter, backoff.state()).unwrap_err();
/// assert!(matches!(error, RestoreError::Misfit { .. }));
/// assert_eq!(error.to_string(), "the state does not fit the policy: the waits together pass the policy's total");
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum RestoreError {
    /// The state was written by another version of its format.
    #[error("the state has version {found}, this code reads version {expected}")]
    Version {
        /// The version in the state.
        found: u16,
        /// The version that this code writes and reads.
        expected: u16,
    },
    /// The state does not fit the policy, say a window of another size.
    #[error("the state does not fit the policy: {what}")]
    Misfit {
        /// What does not fit.
        what: &'static str,
    },
    /// The state contradicts itself: no history leads to it.
    #[error("the state contradicts itself: {what}")]
    Corrupt {
        /// What contradicts.
        what: &'static str,
    },
}

/// A stored state that contradicts itself.
pub(crate) const fn corrupt(what: &'static str) -> RestoreError {
    RestoreError::Corrupt { what }
}

/// A stored state that does not fit the policy.
pub(crate) const fn misfit(what: &'static str) -> RestoreError {
    RestoreError::Misfit { what }
}
