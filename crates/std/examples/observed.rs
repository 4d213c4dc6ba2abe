//! What an outage looks like in a log: a breaker and retries that are observed, on a clock that nobody waits for.
//!
//! `cargo run -p evenkeel-std --example observed --features metrics,tracing`

use std::time::Duration;

use evenkeel_core::backoff::BackoffPolicy;
use evenkeel_core::breaker::{BreakerPolicy, Trigger};
use evenkeel_core::retry::RetryPolicy;
use evenkeel_std::observe::Observer;
use evenkeel_std::{Clock, SharedBreaker, Streams, TestClock, retry};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt()
        .without_time()
        .with_max_level(tracing::Level::DEBUG)
        .with_ansi(false)
        .init();

    let (clock, streams) = (TestClock::new(), Streams::seeded(7));
    let backoff = BackoffPolicy::builder(Duration::from_millis(100)).cap(Duration::from_secs(5));
    let policy = RetryPolicy::builder(backoff).max_attempts(3).build()?;
    let open = BackoffPolicy::builder(Duration::from_secs(1)).cap(Duration::from_secs(60));
    let breaker = BreakerPolicy::builder(open, Duration::from_secs(5))
        .trigger(Trigger::Consecutive { failures: 4 });
    let breaker = SharedBreaker::builder(breaker.build()?).count_all(true);
    let breaker = breaker.clock(clock.clone()).streams(&streams).build();

    // A service leaves `unthreaded` out. Here all is told where the program says so, so that the log is in order.
    let observer = Observer::builder().unthreaded().build();
    observer.breaker("checkout", &breaker);
    let calls = observer.retry("checkout");

    // The dependency is down from 1 s to 4 s.
    while clock.now_ns() < 6_000_000_000 {
        let call = retry(&policy, |_attempt| {
            clock.advance(Duration::from_millis(20));
            if (1..4).contains(&(clock.now_ns() / 1_000_000_000)) {
                tracing::info!("connection refused");
                return Err("connection refused");
            }
            Ok(())
        });
        let answer = call
            .breaker(&breaker)
            .observe(&calls)
            .clock(clock.clone())
            .streams(&streams)
            .run();
        if let Err(error) = answer {
            tracing::info!("no answer: {error}");
        }
        clock.advance(Duration::from_millis(500));
        observer.publish();
    }
    Ok(())
}
