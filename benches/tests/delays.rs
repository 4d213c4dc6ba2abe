//! `Backoff::delays` goes where a peer wants its own strategy: backon's and tokio-retry's retry take it as it is.

use std::sync::mpsc::channel;
use std::time::Duration;

use backon::{BlockingRetryable as _, Retryable as _};
use evenkeel_benches::inputs::rng;
use evenkeel_core::backoff::{Backoff, BackoffPolicy, Delays, Jitter};
use rand_xoshiro::Xoshiro256PlusPlus;
use tokio::time::Instant;

const MS: Duration = Duration::from_millis(1);

/// 10, 20 and 40 ms.
fn delays() -> Delays<BackoffPolicy, Xoshiro256PlusPlus> {
    let policy = BackoffPolicy::builder(10 * MS)
        .jitter(Jitter::None)
        .max_retries(3)
        .build()
        .expect("a valid schedule");
    Backoff::new(policy).delays(rng(1))
}

#[test]
fn backon_retries_a_function_with_our_delays() {
    let (mut tries, (sleep, slept)) = (0, channel());
    let operation = || {
        tries += 1;
        if tries == 3 { Ok(tries) } else { Err("down") }
    };
    let result = operation
        .retry(delays())
        .sleep(move |wait| sleep.send(wait).expect("a receiver"))
        .call();
    assert_eq!(result, Ok(3));
    assert_eq!(slept.iter().collect::<Vec<_>>(), [10 * MS, 20 * MS]);
}

#[test]
fn backon_gives_up_where_our_delays_end() {
    let (sleep, slept) = channel();
    let operation = || Err::<(), _>("down");
    let result = operation
        .retry(delays())
        .sleep(move |wait| sleep.send(wait).expect("a receiver"))
        .call();
    assert_eq!(result, Err("down"));
    assert_eq!(
        slept.iter().collect::<Vec<_>>(),
        [10 * MS, 20 * MS, 40 * MS]
    );
}

#[tokio::test(start_paused = true)]
async fn backon_retries_a_future_with_our_delays() {
    let start = Instant::now();
    let operation = || async { Err::<(), _>("down") };
    let result = operation.retry(delays()).sleep(tokio::time::sleep).await;
    assert_eq!(result, Err("down"));
    assert_eq!(start.elapsed(), 70 * MS);
}

#[tokio::test(start_paused = true)]
async fn tokio_retry_retries_with_our_delays() {
    let (start, mut tries) = (Instant::now(), 0);
    let result = tokio_retry::Retry::start(delays(), || {
        tries += 1;
        let answer = if tries == 3 { Ok(tries) } else { Err("down") };
        async move { answer }
    });
    assert_eq!(result.await, Ok(3));
    assert_eq!(start.elapsed(), 30 * MS);
}
