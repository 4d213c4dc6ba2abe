//! docs/recipes/incident-replay.md: the last decisions of a service, written down when something is wrong, are a test.

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use evenkeel_core::backoff::BackoffPolicy;
use evenkeel_core::breaker::{BreakerPolicy, Phase, Trigger};
use evenkeel_core::retry::RetryPolicy;
use evenkeel_tokio::journal::{Journal, RetryRecorder};
use evenkeel_tokio::{SharedBreaker, retry};

type Failed = Box<dyn Error + Send + Sync>;

/// Once: the last hundred thousand decisions are kept in memory.
fn flight_recorder(breaker: &SharedBreaker) -> (Journal, RetryRecorder) {
    let journal = Journal::last(100_000);
    breaker.record(&journal, "checkout");
    let calls = RetryRecorder::new(&journal, "checkout-call");
    (journal, calls)
}

/// When something is wrong: what led to it, in a file that another machine replays.
fn write_down(journal: &Journal, path: &Path) -> Result<(), Failed> {
    let file = std::fs::File::create(path)?;
    journal.dump(std::io::BufWriter::new(file))?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_night_comes_out_again() -> Result<(), Failed> {
    let open = BackoffPolicy::builder(Duration::from_secs(1));
    let policy = BreakerPolicy::builder(open, Duration::from_secs(5))
        .trigger(Trigger::Consecutive { failures: 5 });
    let breaker = SharedBreaker::new(policy.build()?);
    let policy = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_millis(50))).build()?;
    let (journal, calls) = flight_recorder(&breaker);
    for _ in 0..5 {
        // At each call, `record` last:
        let answer = retry(&policy, |_attempt| async { Err::<(), _>("away") })
            .breaker(&breaker)
            .record(&calls)
            .await;
        assert!(answer.is_err());
    }
    assert_eq!(breaker.phase(), Phase::Open);
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("recipe-incident.jsonl");
    write_down(&journal, &path)?;
    // And in a test, for ever:
    let verified = evenkeel_replay::verify_file(&path)?;
    assert!(verified.ops > 10, "{}", verified.ops);
    Ok(())
}
