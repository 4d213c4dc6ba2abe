//! Retries that are observed: what is counted of all operations of one kind.

use std::sync::Arc;
#[cfg(feature = "metrics")]
use std::sync::atomic::{AtomicU64, Ordering};
#[cfg(feature = "metrics")]
use std::time::Duration;

#[cfg(feature = "metrics")]
use metrics::{Counter, Histogram};

#[cfg(feature = "metrics")]
use super::durations::Durations;
#[cfg(feature = "metrics")]
use super::series;
use super::shared::Watched;

/// Observes the operations of one kind: give it to [`Retry::observe`](crate::Retry::observe). A clone is the same
/// observer.
///
/// **What it costs an operation**, and only one that it was given to: with `metrics` some steps on counters, no lock
/// and no allocation; the recorder is told by [`publish`](super::Observer::publish). With `tracing` a span for the
/// operation and one for each attempt (target `evenkeel::retry`, level INFO). Those are made, entered and closed
/// where the call runs: so lines that the call logs show which attempt they belong to, and what a subscriber does
/// with a span is on the call's path. A subscriber that does not want them costs a load for each.
///
/// Operations that begin after the observer was dropped or stopped are counted, and not shown.
///
/// ```
/// use std::time::Duration;
/// use evenkeel_core::{backoff::BackoffPolicy, retry::RetryPolicy};
/// use evenkeel_std::{TestClock, observe::Observer, retry};
///
/// let policy = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_millis(10))).build()?;
/// let observer = Observer::new();
/// let checkout = observer.retry("checkout"); // once, for all calls
/// let answer = retry(&policy, |attempt| if attempt.is_retry() { Ok("done") } else { Err("reset") })
///     .observe(&checkout)
///     .clock(TestClock::new())
///     .run();
/// assert_eq!(answer, Ok("done"));
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct RetryObserver {
    watched: Arc<WatchedRetry>,
}

/// What is kept of all of them.
#[derive(Debug)]
struct WatchedRetry {
    #[cfg(feature = "tracing")]
    name: Box<str>,
    #[cfg(feature = "metrics")]
    ends: [Kind; 10],
    #[cfg(feature = "metrics")]
    outcomes: [Kind; 8],
    #[cfg(feature = "metrics")]
    waits: (Durations, Histogram),
    #[cfg(feature = "metrics")]
    operations: (Durations, Histogram),
}

/// How often something ended so.
#[cfg(feature = "metrics")]
#[derive(Debug)]
struct Kind {
    name: &'static str,
    count: AtomicU64,
    shown: Counter,
}

/// The names of [`End`](evenkeel_core::retry::End).
#[cfg(feature = "metrics")]
const ENDS: [&str; 10] = [
    "succeeded",
    "permanent",
    "attempts",
    "deadline",
    "advised",
    "exhausted",
    "budget-spent",
    "breaker-open",
    "refused",
    "cancelled",
];

/// How an attempt ends: see [`Observed::attempt_ended`](crate::driver::Observed::attempt_ended).
#[cfg(feature = "metrics")]
const OUTCOMES: [&str; 8] = [
    "success",
    "failure",
    "timeout",
    "throttled",
    "permanent",
    "refused",
    "cancelled",
    "panicked",
];

impl RetryObserver {
    pub(super) fn new(name: &str) -> Self {
        #[cfg(feature = "metrics")]
        let kind = |metric: &series::Metric, label, kind| Kind {
            name: kind,
            count: AtomicU64::new(0),
            shown: metric.counter(&[("operation", name), (label, kind)]),
        };
        #[cfg(feature = "metrics")]
        let durations = |metric: &series::Metric| {
            let histogram = metric.histogram(&[("operation", name)]);
            (Durations::new(), histogram)
        };
        let watched = WatchedRetry {
            #[cfg(feature = "tracing")]
            name: name.into(),
            #[cfg(feature = "metrics")]
            ends: ENDS.map(|end| kind(&series::RETRY_OPERATIONS, "end", end)),
            #[cfg(feature = "metrics")]
            outcomes: OUTCOMES.map(|outcome| kind(&series::RETRY_ATTEMPTS, "outcome", outcome)),
            #[cfg(feature = "metrics")]
            waits: durations(&series::RETRY_WAIT),
            #[cfg(feature = "metrics")]
            operations: durations(&series::RETRY_DURATION),
        };
        Self {
            watched: Arc::new(watched),
        }
    }

    pub(super) fn watched(&self) -> Arc<dyn Watched> {
        Arc::clone(&self.watched) as Arc<dyn Watched>
    }

    #[cfg(feature = "tracing")]
    pub(super) fn name(&self) -> &str {
        &self.watched.name
    }
}

/// Steps on counters: the recorder is told later.
#[cfg(feature = "metrics")]
impl RetryObserver {
    pub(super) fn attempt_ended(&self, outcome: &str) {
        count(&self.watched.outcomes, outcome);
    }

    pub(super) fn waits(&self, wait: Duration) {
        let wait_ns = u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX);
        self.watched.waits.0.record(wait_ns);
    }

    pub(super) fn ended(&self, end: &str, took_ns: u64) {
        count(&self.watched.ends, end);
        self.watched.operations.0.record(took_ns);
    }
}

#[cfg(feature = "metrics")]
fn count(kinds: &[Kind], name: &str) {
    let kind = kinds.iter().find(|kind| kind.name == name);
    debug_assert!(kind.is_some(), "an end that is not known: {name}");
    if let Some(kind) = kind {
        // Relaxed: a counter that decides nothing.
        kind.count.fetch_add(1, Ordering::Relaxed);
    }
}

impl Watched for WatchedRetry {
    fn show(&self) {
        #[cfg(feature = "metrics")]
        {
            for kind in self.ends.iter().chain(&self.outcomes) {
                kind.shown.absolute(kind.count.load(Ordering::Relaxed));
            }
            for (durations, histogram) in [&self.waits, &self.operations] {
                durations.take(|span, count| {
                    let count = usize::try_from(count).unwrap_or(usize::MAX);
                    histogram.record_many(span.as_secs_f64(), count);
                });
            }
        }
    }
}
