//! What makes the futures of attempts.

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
