//! What makes the futures of attempts.

use std::future::Future;

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

    /// The operation waits, and makes no attempt for a while: what is held ready for the next one can be given back.
    /// Called before each wait; nothing is done unless you say what.
    fn waits(&mut self) {}

    /// An attempt is about to be made, and this is what the last one brought that ended: an error, which is kept for
    /// the operation's end unless it is taken out. An answer that was a failure is dropped already, because it may hold
    /// what the attempt needs (a connection, until its body is read); where an error of yours holds such a thing, drop
    /// it here. Nothing is done unless you say what.
    fn forget(&mut self, last: &mut Option<A::Output>)
    where
        A: Future,
    {
        let _ = last;
    }
}

impl<F: FnMut(Attempt) -> A, A> MakeAttempt<A> for F {
    fn make(&mut self, attempt: Attempt) -> A {
        self(attempt)
    }
}
