//! What the caller of a retry says of answers, and what the caller hears.

use evenkeel_core::retry::AttemptOutcome;

use crate::attempt::RetryEvent;
use crate::classified::Classified;

/// What the caller says of answers, and what the caller hears of waits.
///
/// ```
/// use evenkeel_core::{budget::RetryCause, retry::AttemptOutcome};
/// use evenkeel_std::{Classified, RetryEvent, WaitCause, driver::Rules};
///
/// let mut rules = Rules::new().with_classify(|error: &&str| match *error {
///     "slow" => Classified::timeout(),
///     _ => Classified::permanent(),
/// });
/// assert_eq!(rules.outcome(&Err("slow"), 0), AttemptOutcome::transient(RetryCause::Timeout));
/// assert_eq!(rules.outcome(&Ok(()), 0), AttemptOutcome::Success);
/// rules.on_retry(&RetryEvent::new(WaitCause::Failed, 1, Some(&"slow"), 0, 10));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Rules<K, O, H> {
    classify: K,
    classify_ok: O,
    on_retry: H,
}

impl<T, E> Rules<fn(&E) -> Classified, fn(&T) -> Option<Classified>, fn(&RetryEvent<'_, E>)> {
    /// Every error is transient, every answer a success, and nobody listens.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            classify: |_| Classified::transient(),
            classify_ok: |_| None,
            on_retry: |_| {},
        }
    }
}

impl<T, E> Default
    for Rules<fn(&E) -> Classified, fn(&T) -> Option<Classified>, fn(&RetryEvent<'_, E>)>
{
    fn default() -> Self {
        Self::new()
    }
}

impl<K, O, H> Rules<K, O, H> {
    /// With this meaning of errors.
    #[must_use]
    pub fn with_classify<K2>(self, classify: K2) -> Rules<K2, O, H> {
        Rules {
            classify,
            classify_ok: self.classify_ok,
            on_retry: self.on_retry,
        }
    }

    /// With this meaning of answers.
    #[must_use]
    pub fn with_classify_ok<O2>(self, classify_ok: O2) -> Rules<K, O2, H> {
        Rules {
            classify: self.classify,
            classify_ok,
            on_retry: self.on_retry,
        }
    }

    /// With this listener.
    #[must_use]
    pub fn with_on_retry<H2>(self, on_retry: H2) -> Rules<K, O, H2> {
        Rules {
            classify: self.classify,
            classify_ok: self.classify_ok,
            on_retry,
        }
    }

    /// What core is told of an answer that came at `now_ns`.
    pub fn outcome<T, E>(&self, answer: &Result<T, E>, now_ns: u64) -> AttemptOutcome
    where
        K: Fn(&E) -> Classified,
        O: Fn(&T) -> Option<Classified>,
    {
        let classified = self.classified(answer);
        classified.map_or(AttemptOutcome::Success, |classified| {
            classified.outcome(now_ns)
        })
    }

    /// What an answer means; `None` is a success.
    pub(super) fn classified<T, E>(&self, answer: &Result<T, E>) -> Option<Classified>
    where
        K: Fn(&E) -> Classified,
        O: Fn(&T) -> Option<Classified>,
    {
        match answer {
            Ok(answer) => (self.classify_ok)(answer),
            Err(error) => Some((self.classify)(error)),
        }
    }

    /// Tells the listener.
    pub fn on_retry<E>(&mut self, event: &RetryEvent<'_, E>)
    where
        H: FnMut(&RetryEvent<'_, E>),
    {
        (self.on_retry)(event);
    }
}
