//! What makes the futures of attempts: a function of the attempt, or one of nothing.

use std::fmt;

use evenkeel_std::Attempt;

/// Makes the future of an attempt. Every `FnMut(Attempt) -> A` does.
///
/// ```
/// use evenkeel_tokio::Attempt;
/// use evenkeel_tokio::retry::MakeAttempt;
///
/// fn makes<A>(_: impl MakeAttempt<A>) {}
/// makes(|attempt: Attempt| async move { attempt.number() });
/// ```
pub trait MakeAttempt<A> {
    /// The future of this attempt; it is polled at once.
    fn make(&mut self, attempt: Attempt) -> A;
}

impl<F: FnMut(Attempt) -> A, A> MakeAttempt<A> for F {
    fn make(&mut self, attempt: Attempt) -> A {
        self(attempt)
    }
}

/// A function that does not want to know its attempt: what [`RetryExt`](super::RetryExt) retries.
#[derive(Clone, Copy)]
pub struct Plain<F>(pub(super) F);

impl<F: FnMut() -> A, A> MakeAttempt<A> for Plain<F> {
    fn make(&mut self, _: Attempt) -> A {
        (self.0)()
    }
}

impl<F> fmt::Debug for Plain<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plain").finish_non_exhaustive()
    }
}
