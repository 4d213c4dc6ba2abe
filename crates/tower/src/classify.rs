//! What an answer means: said once, heard by retry, breaker and throttle alike.

use std::error::Error;
use std::fmt;
use std::marker::PhantomData;

use evenkeel_std::{CallError, Classified, RetryError};

use crate::refused::{of_end, refusal_in};
use crate::retry_after::RetryAfter;

/// What the result of a call means to retry, breaker and throttle: `None` is a success.
///
/// One classifier serves all layers of a stack. Every `Fn(Result<&Res, &Err>) -> Option<Classified>` is one ([`by`] saves
/// the types); ready-made are [`ByResult`], and with the feature `http` `HttpStatus` and `GrpcStatus`.
///
/// | it says | retry | breaker hears | throttle |
/// |---|---|---|---|
/// | `None` | done | success | accepted |
/// | [`transient`](Classified::transient) | again, if the policy allows | failure | accepted if it is an answer, not if it is an error |
/// | [`timeout`](Classified::timeout) | the same | failure | not accepted |
/// | [`throttled`](Classified::throttled) | the same, not before `retry_after` | failure; overloaded with `retry_after` | not accepted |
/// | [`permanent`](Classified::permanent) | ends | success | accepted |
/// | [`refused`](Classified::refused), [`cancelled`](Classified::cancelled) | ends | nothing | not accepted |
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
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say what a `Result<{Res}, {Err}>` means",
    note = "around another layer of evenkeel-tower say `Through(..)`, once for each; a closure takes \
            `Result<&{Res}, &{Err}>` and answers `Option<Classified>`"
)]
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

/// A closure as a classifier, whose arguments need no types where the layer knows them.
///
/// ```
/// # use std::time::Duration;
/// # use evenkeel_core::{backoff::BackoffPolicy, retry::RetryPolicy};
/// use evenkeel_tower::{AnyRequest, Classified, RetryLayer, by};
/// # use tower::{ServiceBuilder, ServiceExt};
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let policy = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_millis(10))).build()?;
/// let layer = RetryLayer::new(&policy, AnyRequest).classify(by(|result| match result {
///     Ok(503) | Err(_) => Some(Classified::transient()),
///     Ok(_) => None,
/// }));
/// let service = ServiceBuilder::new().layer(layer).service_fn(|()| async { Ok::<u16, std::io::Error>(200) });
/// assert_eq!(service.oneshot(()).await?, 200);
/// # Ok(())
/// # }
/// ```
pub const fn by<Res, Err, F>(classify: F) -> By<F, Res, Err>
where
    F: Fn(Result<&Res, &Err>) -> Option<Classified>,
{
    let of = PhantomData;
    By { classify, of }
}

/// What [`by`] makes.
pub struct By<F, Res, Err> {
    classify: F,
    of: PhantomData<fn(Res, Err)>,
}

impl<F, Res, Err> Classify<Res, Err> for By<F, Res, Err>
where
    F: Fn(Result<&Res, &Err>) -> Option<Classified>,
{
    fn classify(&self, result: Result<&Res, &Err>) -> Option<Classified> {
        (self.classify)(result)
    }
}

impl<F: Clone, Res, Err> Clone for By<F, Res, Err> {
    fn clone(&self) -> Self {
        Self {
            classify: self.classify.clone(),
            of: PhantomData,
        }
    }
}

impl<F: Copy, Res, Err> Copy for By<F, Res, Err> {}

impl<F, Res, Err> fmt::Debug for By<F, Res, Err> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("By").finish_non_exhaustive()
    }
}

/// A classifier for a layer that is put around another layer of this crate, whose errors wrap the service's own.
///
/// What the inner layer refused was never sent: [`Classified::refused`], so that it is not retried and no breaker or
/// throttle takes it for an answer; the operation's error says when to come back. All else is what the classifier
/// inside says. Around two layers it is `Through(Through(classify))`. Where one of tower's layers between has made a
/// box of the error, it looks through the box.
///
/// ```
/// use evenkeel_core::Refusal;
/// use evenkeel_tower::{ByResult, CallError, Classified, Classify, Through};
///
/// let classify = Through(ByResult); // for a retry around a breaker
/// let failed: Result<u8, CallError<&str>> = Err(CallError::Failed("reset"));
/// assert_eq!(classify.classify(failed.as_ref()), Some(Classified::transient()));
/// let refused: Result<u8, CallError<&str, _>> = Err(CallError::Refused(Refusal::new("open", Some(5_000))));
/// assert_eq!(classify.classify(refused.as_ref()), Some(Classified::refused(Some(5_000))));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Through<K>(pub K);

impl<K, Res, Err, R> Classify<Res, CallError<Err, R>> for Through<K>
where
    K: Classify<Res, Err>,
    R: RetryAfter,
{
    fn classify(&self, result: Result<&Res, &CallError<Err, R>>) -> Option<Classified> {
        match result {
            Ok(answer) => self.0.classify(Ok(answer)),
            Err(CallError::Failed(error)) => self.0.classify(Err(error)),
            Err(CallError::Refused(refused)) => Some(Classified::refused(refused.retry_at_ns())),
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
        match failed.last() {
            Some(error) => self.0.classify(Err(error)),
            // No attempt brought anything: none was made, whatever ended it,
            None if failed.attempts() == 0 => Some(match of_end(failed.end()) {
                Some(retry_at_ns) => Classified::refused(retry_at_ns),
                None => Classified::cancelled(),
            }),
            // or its time was over.
            None => Some(Classified::timeout()),
        }
    }
}

/// Looks for what a layer of this crate refused, however deep in the box it is.
impl<K, Res> Classify<Res, Box<dyn Error + Send + Sync>> for Through<K>
where
    K: Classify<Res, Box<dyn Error + Send + Sync>>,
{
    fn classify(&self, result: Result<&Res, &Box<dyn Error + Send + Sync>>) -> Option<Classified> {
        match result.map_err(|error| refusal_in(&**error)) {
            Err(Some(retry_at_ns)) => Some(Classified::refused(retry_at_ns)),
            _ => self.0.classify(result),
        }
    }
}
