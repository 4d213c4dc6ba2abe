//! What an answer means: said once, heard by retry, breaker and throttle alike.

use evenkeel_core::retry::End;
use evenkeel_std::{CallError, Classified, RetryError};

/// What the result of a call means to retry, breaker and throttle: `None` is a success.
///
/// One classifier serves all layers of a stack. Every `Fn(Result<&Res, &Err>) -> Option<Classified>` is one; ready-made
/// are
/// [`ByResult`], and with the feature `http` `HttpStatus` and `GrpcStatus`.
///
/// | it says | retry | breaker hears | throttle |
/// |---|---|---|---|
/// | `None` | done | success | accepted |
/// | [`transient`](Classified::transient) | again, if the policy allows | failure | accepted if it is an answer, not if it is an error |
/// | [`timeout`](Classified::timeout) | the same | failure | not accepted |
/// | [`throttled`](Classified::throttled) | the same, not before `retry_after` | failure; overloaded with `retry_after` | not accepted |
/// | [`permanent`](Classified::permanent) | ends | success | accepted |
/// | [`cancelled`](Classified::cancelled) | ends | nothing | not accepted |
///
/// [`Classified::breaker`] changes what the breaker hears.
///
/// ```
/// use evenkeel_tower::{Classified, Classify};
///
/// let classify = |result: Result<&u16, &std::io::Error>| match result {
///     Ok(503) => Some(Classified::throttled()),
///     Ok(500..) => Some(Classified::transient()),
///     Ok(_) => None,
///     Err(_) => Some(Classified::transient()),
/// };
/// assert_eq!(classify.classify(Ok(&200)), None);
/// assert_eq!(classify.classify(Ok(&503)), Some(Classified::throttled()));
/// ```
pub trait Classify<Res, Err> {
    /// What this result means. It runs where the answer came, under no lock; a panic in it is a failure of the call.
    fn classify(&self, result: Result<&Res, &Err>) -> Option<Classified>;
}

impl<F, Res, Err> Classify<Res, Err> for F
where
    F: Fn(Result<&Res, &Err>) -> Option<Classified>,
{
    fn classify(&self, result: Result<&Res, &Err>) -> Option<Classified> {
        self(result)
    }
}

/// Every `Ok` is a success and every `Err` transient: what the layers take unless they are told otherwise.
///
/// An HTTP response 503 is an `Ok`: for HTTP say `.classify(HttpStatus::new())`.
///
/// ```
/// use evenkeel_tower::{ByResult, Classified, Classify};
///
/// let result: Result<u8, &str> = Err("reset");
/// assert_eq!(ByResult.classify(result.as_ref()), Some(Classified::transient()));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ByResult;

impl<Res, Err> Classify<Res, Err> for ByResult {
    fn classify(&self, result: Result<&Res, &Err>) -> Option<Classified> {
        result.err().map(|_| Classified::transient())
    }
}

/// A classifier for a layer that is put around another layer of this crate, whose errors wrap the service's own.
///
/// What the inner layer refused was never sent: [`Classified::cancelled`], so that it is not retried and no breaker or
/// throttle takes it for an answer. All else is what the classifier inside says. Around two layers it is
/// `Through(Through(classify))`.
///
/// ```
/// use evenkeel_tower::{ByResult, CallError, Classified, Classify, Through};
///
/// let classify = Through(ByResult); // for a retry around a breaker
/// let failed: Result<u8, CallError<&str>> = Err(CallError::Failed("reset"));
/// assert_eq!(classify.classify(failed.as_ref()), Some(Classified::transient()));
/// let refused: Result<u8, CallError<&str, &str>> = Err(CallError::Refused("open"));
/// assert_eq!(classify.classify(refused.as_ref()), Some(Classified::cancelled()));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Through<K>(pub K);

impl<K, Res, Err, R> Classify<Res, CallError<Err, R>> for Through<K>
where
    K: Classify<Res, Err>,
{
    fn classify(&self, result: Result<&Res, &CallError<Err, R>>) -> Option<Classified> {
        match result {
            Ok(answer) => self.0.classify(Ok(answer)),
            Err(CallError::Failed(error)) => self.0.classify(Err(error)),
            Err(CallError::Refused(_)) => Some(Classified::cancelled()),
        }
    }
}

impl<K, Res, Err> Classify<Res, RetryError<Err>> for Through<K>
where
    K: Classify<Res, Err>,
{
    fn classify(&self, result: Result<&Res, &RetryError<Err>>) -> Option<Classified> {
        let failed = match result {
            Ok(answer) => return self.0.classify(Ok(answer)),
            Err(failed) => failed,
        };
        match (failed.last(), failed.end()) {
            (Some(error), _) => self.0.classify(Err(error)),
            // No attempt brought anything: it was not made,
            (None, End::BreakerOpen { .. } | End::Cancelled) if failed.attempts() == 0 => {
                Some(Classified::cancelled())
            }
            // or its time was over.
            (None, _) => Some(Classified::timeout()),
        }
    }
}
