//! The scenarios of backon's own tests (1.5 as of July 2025), restated; docs/peers-tests.md says which is which.

mod support;

use std::cell::{Cell, RefCell};
use std::future::ready;
use std::time::Duration;

use evenkeel_core::Ratio;
use evenkeel_core::backoff::{BackoffBuilder, BackoffPolicy, Exhausted, Growth, Jitter};
use evenkeel_core::retry::{End, RetryPolicy};
use evenkeel_tokio::{Classified, RetryExt, TestClock};
use support::{ms, plain_retry, waits_of};

const fn secs(span: u64) -> Duration {
    Duration::from_secs(span)
}

/// backon's defaults: 1 s, doubled up to 60 s, three retries, no jitter.
fn backon() -> BackoffBuilder {
    BackoffPolicy::builder(secs(1))
        .cap(secs(60))
        .jitter(Jitter::None)
        .max_retries(3)
}

async fn waits(backoff: BackoffBuilder) -> Vec<Duration> {
    let policy = RetryPolicy::builder(backoff)
        .build()
        .expect("a valid policy");
    waits_of(&policy, 0).await.0
}

/// Four attempts, as three retries are backon's default.
fn four_attempts() -> RetryPolicy {
    plain_retry()
        .max_attempts(4)
        .build()
        .expect("a valid policy")
}

fn when_retryable(error: &&str) -> Classified {
    if *error == "retryable" {
        Classified::transient()
    } else {
        Classified::permanent()
    }
}

// test_retry: the last error comes back.
#[tokio::test(start_paused = true)]
async fn what_always_fails_fails_with_its_own_error() {
    let always = || ready(Err::<(), _>("test_query meets error"));
    let failed = always.retry(&four_attempts()).await.expect_err("it fails");
    assert_eq!(failed.into_last(), Some("test_query meets error"));
}

// test_retry_with_not_retryable_error
#[tokio::test(start_paused = true)]
async fn what_is_not_retryable_is_called_once() {
    let calls = Cell::new(0);
    let call = || {
        calls.set(calls.get() + 1);
        ready(Err::<(), _>("not retryable"))
    };
    let failed = call
        .retry(&four_attempts())
        .classify(when_retryable)
        .await
        .expect_err("it fails");
    assert_eq!(
        (failed.end(), failed.last(), calls.get()),
        (End::Permanent, Some(&"not retryable"), 1)
    );
}

// test_retry_with_retryable_error
#[tokio::test(start_paused = true)]
async fn what_is_retryable_is_called_four_times() {
    let calls = Cell::new(0);
    let call = || {
        calls.set(calls.get() + 1);
        ready(Err::<(), _>("retryable"))
    };
    let failed = call
        .retry(&four_attempts())
        .classify(when_retryable)
        .await
        .expect_err("it fails");
    assert_eq!((failed.last(), calls.get()), (Some(&"retryable"), 4));
}

// test_retry_with_adjust, test_fn_mut_when_and_notify: the classifier, which can also adjust the wait, sees each error;
// the listener hears of each wait, and may keep state.
#[tokio::test(start_paused = true)]
async fn the_classifier_sees_four_errors_and_the_listener_three_waits() {
    let seen = Cell::new(0);
    let mut heard = Vec::new();
    let policy = plain_retry()
        .max_attempts(4)
        .advisory_cap(ms(9_000))
        .build()
        .expect("a valid policy");
    let operation = (|| ready(Err::<(), _>("retryable"))).retry(&policy);
    let adjusted = operation.classify(|_| {
        seen.set(seen.get() + 1);
        Classified::transient().retry_after(ms(1_000))
    });
    let failed = adjusted.on_retry(|event| heard.push(event.wait())).await;
    assert!(failed.is_err());
    assert_eq!((seen.get(), heard), (4, vec![ms(1_000); 3]));
}

// test_retry_with_sleep: any timer will do, here one that does not wait. No runtime is needed then.
#[test]
fn any_clock_will_do() {
    let operation = (|| ready(Err::<(), _>("down")))
        .retry(&four_attempts())
        .clock(TestClock::new());
    let answer = support::poll_times(operation.run(), 1);
    assert_eq!(
        answer.and_then(Result::err).map(|error| error.attempts()),
        Some(4)
    );
}

// retry_with_context: what the calls change is reached through a cell or a lock; nothing is handed in and out.
#[tokio::test(start_paused = true)]
async fn calls_may_change_what_they_share() {
    struct Client {
        calls: u32,
    }
    impl Client {
        async fn hello(&mut self) -> Result<(), &'static str> {
            self.calls += 1;
            Err("not retryable")
        }
    }
    let client = tokio::sync::Mutex::new(Client { calls: 0 });
    let operation = (async || client.lock().await.hello().await).retry(&four_attempts());
    assert!(operation.classify(when_retryable).await.is_err());
    assert_eq!(client.into_inner().calls, 1);
}

// blocking_retry, blocking_retry_with_context: the same five, for threads.
#[test]
fn the_same_holds_for_threads() {
    use evenkeel_std::RetryExt as _;
    let policy = four_attempts();
    for (error, expected) in [("not retryable", 1), ("retryable", 4)] {
        let (mut calls, mut waits, seen) = (0, 0, Cell::new(0));
        let call = || {
            calls += 1;
            Err::<(), _>(error)
        };
        let operation = call.retry(&policy).clock(TestClock::new());
        let operation = operation.classify(|error| {
            seen.set(seen.get() + 1);
            when_retryable(error)
        });
        let failed = operation
            .on_retry(|_| waits += 1)
            .run()
            .expect_err("it fails");
        assert_eq!(failed.last(), Some(&error));
        assert_eq!(
            (calls, seen.get(), waits),
            (expected, expected, expected - 1)
        );
    }
}

// constant: default, with_delay, with_times, without_max_times
#[tokio::test]
async fn a_constant_backoff() {
    let constant = |delay| {
        BackoffPolicy::builder(delay)
            .growth(Growth::Constant)
            .jitter(Jitter::None)
    };
    assert_eq!(waits(constant(secs(1)).max_retries(3)).await, [secs(1); 3]);
    assert_eq!(waits(constant(secs(2)).max_retries(3)).await, [secs(2); 3]);
    assert_eq!(waits(constant(secs(1)).max_retries(1)).await, [secs(1)]);
    let unlimited = RetryPolicy::builder(constant(secs(1)))
        .unlimited_attempts()
        .deadline(secs(10_001));
    let (waits, end) = waits_of(&unlimited.build().expect("a valid policy"), 0).await;
    assert_eq!((waits, end), (vec![secs(1); 10_000], End::Deadline));
}

// constant, exponential, fibonacci: jitter. Theirs adds up to a whole delay; ours stays below the ceiling, which is
// the delay: with equal jitter in its upper half.
#[tokio::test]
async fn jitter_stays_below_the_ceiling() {
    for seed in 0..100 {
        let policy = RetryPolicy::builder(backon().jitter(Jitter::Equal))
            .build()
            .expect("a valid policy");
        let (waits, _) = waits_of(&policy, seed).await;
        for (wait, ceiling) in waits.into_iter().zip([1, 2, 4].map(secs)) {
            assert!(
                (ceiling / 2..=ceiling).contains(&wait),
                "{wait:?} of {ceiling:?}"
            );
        }
    }
}

// exponential: default, factor, min_delay, max_delay_with_default, max_times
#[tokio::test]
async fn an_exponential_backoff() {
    assert_eq!(waits(backon()).await, [1, 2, 4].map(secs));
    let factor = Growth::Exponential {
        factor: Ratio::new(3, 2).expect("a ratio"),
    };
    assert_eq!(
        waits(backon().growth(factor)).await,
        [1_000, 1_500, 2_250].map(ms)
    );
    let short = BackoffPolicy::builder(ms(500))
        .jitter(Jitter::None)
        .max_retries(3);
    assert_eq!(waits(short).await, [500, 1_000, 2_000].map(ms));
    assert_eq!(waits(backon().cap(secs(2))).await, [1, 2, 2].map(secs));
    assert_eq!(waits(backon().max_retries(1)).await, [secs(1)]);
}

// exponential: total_delay, no_max_times_with_default
#[tokio::test]
async fn a_total_of_waits_is_a_limit() {
    let constant = backon()
        .growth(Growth::Constant)
        .max_retries(5)
        .max_total_wait(secs(3));
    let policy = RetryPolicy::builder(constant)
        .build()
        .expect("a valid policy");
    let end = End::Exhausted {
        limit: Exhausted::TotalWait,
    };
    assert_eq!(waits_of(&policy, 0).await, (vec![secs(1); 3], end));
}

// exponential: no_max_delay_with_default, max_delay_without_default_1 to 3, fibonacci: no_max_delay. Theirs waits
// Duration::MAX, for ever; ours refuses what no clock can count, and caps.
#[tokio::test]
async fn what_cannot_be_waited_for_is_refused() {
    let ten_billion = Growth::Exponential {
        factor: Ratio::new(4_000_000_000, 1).expect("a ratio"),
    };
    let policy = BackoffPolicy::builder(secs(1))
        .growth(ten_billion)
        .jitter(Jitter::None)
        .max_retries(4);
    let policy = RetryPolicy::builder(policy)
        .build()
        .expect("a valid policy");
    let (waits, end) = waits_of(&policy, 0).await;
    let longest = Duration::from_nanos(1 << 62);
    assert!(waits.iter().all(|wait| *wait <= longest), "{waits:?}");
    assert_eq!(
        (waits[..2].to_vec(), end),
        (vec![secs(1), secs(4_000_000_000)], end)
    );
    assert!(
        BackoffPolicy::builder(secs(10_000_000_000))
            .build()
            .is_err()
    );
    assert!(
        BackoffPolicy::builder(secs(1))
            .cap(secs(60_000_000_000))
            .build()
            .is_err()
    );
}

// const_builder, of all three
#[test]
fn a_policy_can_be_a_constant() {
    const POLICY: BackoffPolicy = match BackoffPolicy::builder(secs(2))
        .cap(secs(30))
        .max_retries(5)
        .build()
    {
        Ok(policy) => policy,
        Err(_) => panic!("not a policy"),
    };
    assert_eq!(
        (POLICY.base(), POLICY.cap(), POLICY.max_retries()),
        (secs(2), Some(secs(30)), Some(5))
    );
}

// fibonacci: default, min_delay, max_delay, max_times. There is no Fibonacci growth here: what it approaches is a
// factor of 1.618.
#[tokio::test]
async fn what_fibonacci_approaches() {
    let golden = Growth::Exponential {
        factor: Ratio::new(1_618, 1_000).expect("a ratio"),
    };
    let ours = waits(backon().growth(golden).cap(secs(10)).max_retries(9)).await;
    let theirs = [1, 1, 2, 3, 5, 8, 10, 10, 10].map(secs);
    let after = RefCell::new(Duration::ZERO);
    for (ours, theirs) in ours.into_iter().zip(theirs) {
        assert!(ours >= *after.borrow() && ours <= secs(10));
        assert!(
            ours <= theirs * 3 && theirs <= ours * 2,
            "{ours:?} and {theirs:?}"
        );
        *after.borrow_mut() = ours;
    }
}

// fibonacci: no_max_times, with a delay of zero ten thousand times
#[tokio::test]
async fn a_delay_of_zero_is_no_wait() {
    let calls = Cell::new(0);
    let backoff = BackoffPolicy::builder(Duration::ZERO);
    let policy = RetryPolicy::builder(backoff)
        .max_attempts(10_000)
        .build()
        .expect("a valid policy");
    let call = || {
        calls.set(calls.get() + 1);
        ready(Err::<(), _>("down"))
    };
    let mut waits = 0;
    let operation = call.retry(&policy).on_retry(|event| {
        assert_eq!(event.wait(), Duration::ZERO);
        waits += 1;
    });
    assert!(operation.clock(TestClock::new()).await.is_err());
    assert_eq!(waits, 9_999);
    assert_eq!(calls.get(), 10_000);
}
