//! The code on docs/journal.md runs as it stands there (evenkeel-core's test `pages` holds the page to it), and
//! leaves the file that it says. The only test of its program: the page's file is one of the folder that it runs in.
#![cfg(feature = "std")]

use core::time::Duration;

use evenkeel_core::backoff::BackoffPolicy;
use evenkeel_core::breaker::{Breaker, BreakerPolicy, Trigger};
use evenkeel_core::budget::{RetryTokens, RetryTokensPolicy};
use evenkeel_core::retry::{Retry, RetryAction, RetryPolicy};
use evenkeel_replay::journal::Journal;
use evenkeel_replay::retry::RecordedParts;
use evenkeel_replay::verify_file;
use rand_xoshiro::SplitMix64;
use rand_xoshiro::rand_core::SeedableRng;

#[test]
fn what_is_recorded_is_in_the_file() -> Result<(), Box<dyn core::error::Error>> {
    let folder = std::env::temp_dir().join(format!("evenkeel-page-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    std::env::set_current_dir(&folder)?;
    let waits = BackoffPolicy::builder(Duration::from_millis(100));
    let breaker_policy = BreakerPolicy::builder(waits, Duration::from_secs(5))
        .trigger(Trigger::Consecutive { failures: 5 })
        .build()?;
    let tokens_policy = RetryTokensPolicy::aws_standard_2_0().build()?;
    let retry_policy = RetryPolicy::builder(waits).build()?;
    let (now_ns, mut rng) = (7, SplitMix64::seed_from_u64(1));

    let journal = Journal::create("mine.jsonl")?;
    let mut breaker = journal.record("db", Breaker::new(breaker_policy));
    let mut tokens = journal.record("budget", RetryTokens::new(tokens_policy));
    let mut retry = journal.record("call", Retry::new(retry_policy, now_ns));

    // A recorder has the machine's own methods. A retry is lent the recorders of what it shares.
    let mut parts = RecordedParts::none()
        .with_breaker(&mut breaker)
        .with_tokens(&mut tokens);
    let step = retry.poll(now_ns, &mut parts, &mut rng);
    // ..
    assert!(matches!(
        step.action,
        RetryAction::Attempt { number: 1, .. }
    ));

    let summary = journal.finish()?;
    assert_eq!(summary.dropped, 0);
    let verified = verify_file("mine.jsonl")?;
    assert_eq!((verified.ops, verified.machines), (summary.ops, 3));
    std::env::set_current_dir(std::env::temp_dir())?;
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}
