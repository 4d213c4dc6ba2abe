//! The canonical loop of a retried operation, for a model: from one event to the next.

use std::borrow::Borrow;

use evenkeel_core::retry::{AttemptId, End, Parts, Retry, RetryAction, RetryPolicy};

use crate::random::Stream;

/// Where an operation stands when there is nothing more to do now.
///
/// ```
/// use evenkeel_sim::Standing;
///
/// assert_ne!(Standing::Waiting { until_ns: Some(7) }, Standing::Waiting { until_ns: None });
/// ```
#[must_use = "let it be advanced when it says"]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// For an answer, or for this instant, whichever comes first.
    Waiting {
        /// When to advance it again; `None` where only an answer can help.
        until_ns: Option<u64>,
    },
    /// It is over.
    Done(End),
}

/// Advances an operation to where it waits or is done: polls it, and calls `send` for each attempt that it makes now.
///
/// Call it when the operation begins, after each [`on_outcome`](Retry::on_outcome), and at the instant that it waits
/// until. An event that comes too late does no harm: the operation knows its attempts.
///
/// ```
/// use std::time::Duration;
/// use evenkeel_core::backoff::BackoffPolicy;
/// use evenkeel_core::retry::{AttemptOutcome, End, Parts, Retry, RetryPolicy};
/// use evenkeel_sim::{Standing, Streams, advance};
///
/// let backoff = BackoffPolicy::builder(Duration::from_millis(10));
/// let policy = RetryPolicy::builder(backoff).attempt_timeout(Duration::from_secs(1)).build()?;
/// let mut rng = Streams::seeded(7).of("client", 0);
/// let mut retry = Retry::new(&policy, 0);
///
/// let mut sent = Vec::new();
/// let standing = advance(&mut retry, 0, &mut Parts::none(), &mut rng, |attempt| sent.push(attempt));
/// assert_eq!(standing, Standing::Waiting { until_ns: Some(1_000_000_000) }); // an answer, or its timeout
///
/// let _ = retry.on_outcome(500, sent[0], AttemptOutcome::Success, &mut Parts::none(), &mut rng);
/// let standing = advance(&mut retry, 500, &mut Parts::none(), &mut rng, |_| ());
/// assert_eq!(standing, Standing::Done(End::Succeeded));
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
pub fn advance<P: Borrow<RetryPolicy>>(
    retry: &mut Retry<P>,
    now_ns: u64,
    parts: &mut Parts<'_>,
    rng: &mut Stream,
    mut send: impl FnMut(AttemptId),
) -> Standing {
    loop {
        match retry.poll(now_ns, parts, rng).action {
            RetryAction::Attempt { attempt, .. } => send(attempt),
            RetryAction::InFlight { timeout_at_ns, .. } => {
                let until_ns = timeout_at_ns;
                return Standing::Waiting { until_ns };
            }
            RetryAction::WaitUntil { at_ns } => {
                let until_ns = Some(at_ns);
                return Standing::Waiting { until_ns };
            }
            RetryAction::Done { end } => return Standing::Done(end),
            // Nothing is cancelled at a server: it works on. What comes of it is stale.
            _ => {}
        }
    }
}
