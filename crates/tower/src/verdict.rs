//! A classification in the words of a breaker and of a throttle.

use evenkeel_core::advice::Advice;
use evenkeel_core::breaker::Outcome;
use evenkeel_core::budget::RetryCause;
use evenkeel_core::retry::AttemptOutcome;
use evenkeel_std::Classified;

/// What a breaker hears of a call that ended now: what core's retry tells its breaker of the same attempt. The clock is
/// not read for a success.
pub(crate) fn outcome(classified: Option<Classified>, now_ns: impl FnOnce() -> u64) -> Outcome {
    let Some(classified) = classified else {
        return Outcome::Success;
    };
    match classified.outcome(now_ns()) {
        AttemptOutcome::Success => Outcome::Success,
        AttemptOutcome::Cancelled => Outcome::Ignored,
        AttemptOutcome::Permanent { breaker }
        | AttemptOutcome::Transient {
            breaker: Some(breaker),
            ..
        } => breaker,
        AttemptOutcome::Transient {
            cause: RetryCause::Throttled,
            advice: Some(advice),
            ..
        } => Outcome::Overloaded {
            retry_at_ns: match advice {
                Advice::RetryAt { at_ns } => Some(at_ns),
                _ => None,
            },
        },
        _ => Outcome::Failure,
    }
}

/// Whether the service took the request on: it answered, and not with "too much".
pub(crate) fn accepted(classified: Option<Classified>, answered: bool) -> bool {
    // The instant matters only to advice, which is not looked at.
    match classified.map(|classified| classified.outcome(0)) {
        None | Some(AttemptOutcome::Success | AttemptOutcome::Permanent { .. }) => true,
        Some(AttemptOutcome::Transient {
            cause: RetryCause::Failure,
            ..
        }) => answered,
        Some(_) => false,
    }
}
