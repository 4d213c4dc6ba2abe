//! Retries: every operation and attempt is counted once by how it ended, and log lines know their attempt.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::budget::RetryTokensPolicy;
use evenkeel_core::retry::RetryPolicy;
use evenkeel_std::observe::{Observer, RetryObserver};
use evenkeel_std::{Classified, RetryExt, SharedTokens, Stop, TestClock, retry};
use metrics::with_local_recorder;
use tracing::Level;
use tracing::dispatcher::with_default;

use crate::recorder::Recorded;
use crate::subscriber::Lines;
use crate::{breaker, unthreaded};

fn policy() -> RetryPolicy {
    let backoff = BackoffPolicy::builder(Duration::from_millis(100)).jitter(Jitter::None);
    let policy = RetryPolicy::builder(backoff).max_attempts(3);
    policy
        .attempt_timeout(Duration::from_secs(1))
        .build()
        .expect("a policy")
}

fn observed() -> (Observer, RetryObserver, Recorded) {
    let (observer, recorded) = (unthreaded(), Recorded::default());
    let calls = with_local_recorder(&recorded, || observer.retry("checkout"));
    (observer, calls, recorded)
}

/// The ends and outcomes that are not 0.
fn counted(recorded: &Recorded) -> Vec<(String, f64)> {
    let ends = [
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
    let outcomes = [
        "success",
        "failure",
        "timeout",
        "throttled",
        "permanent",
        "refused",
        "cancelled",
        "panicked",
    ];
    let ends = ends.map(|end| format!("operations_total{{operation=checkout,end={end}}}"));
    let outcomes =
        outcomes.map(|outcome| format!("attempts_total{{operation=checkout,outcome={outcome}}}"));
    let all = ends.into_iter().chain(outcomes);
    let valued = all.map(|name| {
        let value = recorded.value(&format!("evenkeel_retry_{name}"));
        let short = name
            .split('=')
            .next_back()
            .unwrap_or("")
            .trim_end_matches('}');
        (short.to_owned(), value)
    });
    valued.filter(|(_, value)| *value != 0.0).collect()
}

fn says(expected: &[(&str, f64)]) -> Vec<(String, f64)> {
    expected
        .iter()
        .map(|&(name, value)| (name.to_owned(), value))
        .collect()
}

#[test]
fn operations_and_attempts_are_counted_by_how_they_ended() {
    let (observer, calls, recorded) = observed();
    let clock = TestClock::new();
    // Fails, is late with an error, succeeds.
    let answer = retry(&policy(), |attempt| match attempt.number() {
        1 => Err("reset"),
        2 => {
            clock.advance(Duration::from_secs(2));
            Err("late")
        }
        _ => Ok(()),
    });
    assert_eq!(answer.observe(&calls).clock(&clock).run(), Ok(()));
    observer.publish();
    let expected = [
        ("succeeded", 1.0),
        ("success", 1.0),
        ("failure", 1.0),
        ("timeout", 1.0),
    ];
    assert_eq!(counted(&recorded), says(&expected));

    // Throttled three times; and an error that no retry mends, by the other style.
    let throttled =
        retry(&policy(), |_| Err::<(), _>("busy")).classify(|_| Classified::throttled());
    assert!(throttled.observe(&calls).clock(&clock).run().is_err());
    let permanent = (|| Err::<(), _>("not found"))
        .retry(&policy())
        .classify(|_| Classified::permanent());
    assert!(permanent.observe(&calls).clock(&clock).run().is_err());
    observer.publish();
    let expected = [
        ("succeeded", 1.0),
        ("permanent", 1.0),
        ("attempts", 1.0),
        ("success", 1.0),
        ("failure", 1.0),
        ("timeout", 1.0),
        ("throttled", 3.0),
        ("permanent", 1.0),
    ];
    assert_eq!(counted(&recorded), says(&expected));
}

#[test]
fn refusals_stops_and_panics_are_ends_too() {
    let (observer, calls, recorded) = observed();
    let clock = TestClock::new();
    let breaker = breaker(&clock);
    let failing = retry(&policy(), |_| Err::<(), _>("reset"))
        .breaker(&breaker)
        .observe(&calls);
    assert!(failing.clock(clock.clone()).run().is_err()); // the breaker opens at the second
    let none = SharedTokens::with_clock(
        RetryTokensPolicy::builder(1_000).build().expect("a policy"),
        clock.clone(),
    );
    let failing = retry(&policy(), |_| Err::<(), _>("reset"))
        .budget(&none)
        .observe(&calls);
    assert!(failing.clock(clock.clone()).run().is_err()); // one retry is paid for
    let stop = Stop::new();
    let stopped = retry(&policy(), |_| {
        stop.stop();
        Err::<(), _>("reset")
    })
    .stop(&stop)
    .observe(&calls);
    assert!(stopped.clock(clock.clone()).run().is_err());
    let throttled = retry(&policy(), |_| Err::<(), _>("kept here"))
        .classify(|_| Classified::refused(None))
        .observe(&calls);
    assert!(throttled.clock(clock.clone()).run().is_err());
    let panics = retry(&policy(), |_| -> Result<(), &str> { panic!("a bug") }).observe(&calls);
    assert!(catch_unwind(AssertUnwindSafe(|| panics.clock(clock.clone()).run())).is_err());
    observer.publish();
    let expected = [
        ("permanent", 1.0),
        ("budget-spent", 1.0),
        ("breaker-open", 1.0),
        ("refused", 1.0),
        ("cancelled", 1.0),
        ("failure", 5.0),
        ("refused", 1.0),
        ("panicked", 1.0),
    ];
    assert_eq!(counted(&recorded), says(&expected));
}

#[test]
fn waits_and_durations_are_recorded_in_seconds_each_once() {
    let (observer, calls, recorded) = observed();
    let clock = TestClock::new();
    for _ in 0..2 {
        let failing = retry(&policy(), |_| {
            clock.advance(Duration::from_millis(50));
            Err::<(), _>("reset")
        });
        assert!(failing.observe(&calls).clock(&clock).run().is_err());
    }
    observer.publish();
    observer.publish();
    let near = |value: f64, of: f64| (value - of).abs() <= of / 32.0;
    let waits = recorded.recorded("evenkeel_retry_wait_seconds{operation=checkout}");
    let [(first, 2), (second, 2)] = waits[..] else {
        panic!("{waits:?}")
    };
    assert!(near(first, 0.1) && near(second, 0.2), "{waits:?}");
    let took = recorded.recorded("evenkeel_retry_operation_seconds{operation=checkout}");
    let [(took, 2)] = took[..] else {
        panic!("{took:?}")
    };
    assert!(near(took, 0.45), "{took}");
    assert_eq!(
        recorded.unit("evenkeel_retry_wait_seconds"),
        Some(metrics::Unit::Seconds)
    );
}

#[test]
fn what_a_call_logs_shows_the_operation_and_the_attempt() {
    let lines = Lines::default();
    with_default(&lines.subscriber(Level::DEBUG), || {
        let observer = unthreaded();
        let calls = observer.retry("checkout");
        let answer = retry(&policy(), |attempt| {
            tracing::info!(target: "app", "asks");
            if attempt.is_retry() {
                Ok(())
            } else {
                Err("reset")
            }
        })
        .on_retry(|_| tracing::info!(target: "app", "tries again"))
        .observe(&calls)
        .clock(TestClock::new());
        assert_eq!(answer.run(), Ok(()));
        tracing::info!(target: "app", "has it");
    });
    let told = [
        r#"INFO retry{name="checkout"}:attempt{number=1}: app: asks"#,
        r#"DEBUG retry{name="checkout"}: evenkeel::retry: waits cause="failed" wait=100ms"#,
        r#"INFO retry{name="checkout"}: app: tries again"#,
        r#"INFO retry{name="checkout"}:attempt{number=2}: app: asks"#,
        "INFO app: has it",
    ];
    assert_eq!(lines.all(), told);
}

#[test]
fn spans_say_how_it_ended() {
    let lines = Lines::default();
    with_default(&lines.closed_spans(), || {
        let calls = unthreaded().retry("checkout");
        let answer = retry(&policy(), |attempt| {
            if attempt.is_retry() {
                Ok(())
            } else {
                Err("reset")
            }
        });
        assert_eq!(answer.observe(&calls).clock(TestClock::new()).run(), Ok(()));
    });
    let closed = [
        r#"INFO retry{name="checkout"}:attempt{number=1 outcome="failure"}: evenkeel::retry: close"#,
        r#"INFO retry{name="checkout"}:attempt{number=2 outcome="success"}: evenkeel::retry: close"#,
        r#"INFO retry{name="checkout" attempts=2 end="succeeded"}: evenkeel::retry: close"#,
    ];
    let lines = lines.all();
    assert_eq!(lines.len(), 3, "{lines:#?}");
    for (line, closed) in lines.iter().zip(closed) {
        assert!(line.starts_with(closed), "{lines:#?}");
    }
}
