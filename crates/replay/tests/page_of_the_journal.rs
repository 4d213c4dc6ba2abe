//! The code on docs/journal.md runs as it stands there (evenkeel-core's test `pages` holds the page to it), and
//! leaves the file that it says. That is one of the folder that the program runs in, so it runs in one of its own: as a
//! process of its own, since a folder belongs to all threads of a process.
#![cfg(feature = "std")]

use core::time::Duration;
use std::env;
use std::error::Error;
use std::process::Command;

use evenkeel_core::backoff::BackoffPolicy;
use evenkeel_core::breaker::{Breaker, BreakerPolicy, Trigger};
use evenkeel_core::budget::{RetryTokens, RetryTokensPolicy};
use evenkeel_core::retry::{Retry, RetryAction, RetryPolicy};
use evenkeel_replay::journal::Journal;
use evenkeel_replay::retry::RecordedParts;
use evenkeel_replay::verify_file;
use rand_xoshiro::SplitMix64;
use rand_xoshiro::rand_core::SeedableRng;

/// Set where the page's code runs.
const ON_THE_PAGE: &str = "EVENKEEL_PAGE_OF_THE_JOURNAL";

#[test]
fn what_is_recorded_is_in_the_file() -> Result<(), Box<dyn Error>> {
    if env::var_os(ON_THE_PAGE).is_some() {
        return the_code();
    }
    let folder = env::temp_dir().join(format!("evenkeel-page-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let output = Command::new(env::current_exe()?)
        .args(["--exact", "what_is_recorded_is_in_the_file"])
        .env(ON_THE_PAGE, "")
        .current_dir(&folder)
        .output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("1 passed"), "{said}");
    assert!(folder.join("mine.jsonl").is_file(), "{said}");
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}

fn the_code() -> Result<(), Box<dyn Error>> {
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
    Ok(())
}
