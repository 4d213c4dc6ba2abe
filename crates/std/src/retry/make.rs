//! What makes attempts.

use crate::attempt::Attempt;

/// Makes an attempt. Every `FnMut(Attempt) -> Result<T, E>` does.
///
/// ```
/// use evenkeel_std::Attempt;
/// use evenkeel_std::retry::MakeAttempt;
///
/// fn makes<T, E>(_: impl MakeAttempt<T, E>) {}
/// makes(|attempt: Attempt| Ok::<_, ()>(attempt.number()));
/// ```
pub trait MakeAttempt<T, E> {
    /// Makes this attempt, and returns what came of it.
    fn make(&mut self, attempt: Attempt) -> Result<T, E>;
}

impl<F: FnMut(Attempt) -> Result<T, E>, T, E> MakeAttempt<T, E> for F {
    fn make(&mut self, attempt: Attempt) -> Result<T, E> {
        self(attempt)
    }
}
