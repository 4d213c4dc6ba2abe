//! The same attempts at the same instants as core's machine, and the same end.

use std::time::Duration;

use evenkeel_core::backoff::BackoffPolicy;
use evenkeel_core::retry::{AttemptOutcome, End, Parts, Retry, RetryAction, RetryPolicy};
use evenkeel_std::{Classified, Clock, Streams, TestClock, retry};
use proptest::prelude::*;

use crate::given::{MS, ms};

/// What one attempt does: how long it takes, and what comes of it.
#[derive(Clone, Copy, Debug)]
struct Step {
    takes_ns: u64,
    result: Result<u8, Classified>,
}

/// The attempts of core's machine over this script: (instant, number), and how it ended.
fn by_core(
    policy: &RetryPolicy,
    streams: &Streams,
    script: &[Step],
) -> (Vec<(u64, u32)>, End, u64) {
    let (mut now_ns, mut rng, mut parts) = (0, streams.next(), Parts::none());
    let mut machine = Retry::new(policy, now_ns);
    let mut script = script.iter().cycle();
    let mut attempts = Vec::new();
    loop {
        match machine.poll(now_ns, &mut parts, &mut rng).action {
            RetryAction::Attempt {
                attempt, number, ..
            } => {
                attempts.push((now_ns, number));
                let step = script.next().expect("it goes round");
                now_ns += step.takes_ns;
                let outcome = match step.result {
                    Ok(_) => AttemptOutcome::Success,
                    Err(classified) => classified.outcome(now_ns),
                };
                let report = machine.on_outcome(now_ns, attempt, outcome, &mut parts, &mut rng);
                // What a blocking call brings too late, and cannot be mended, is the end.
                let end = match outcome {
                    AttemptOutcome::Success => End::Succeeded,
                    AttemptOutcome::Permanent { .. } => End::Permanent,
                    _ => continue,
                };
                if report.reported.is_stale() {
                    return (attempts, end, now_ns);
                }
            }
            RetryAction::WaitUntil { at_ns } => now_ns = at_ns,
            RetryAction::Done { end } => return (attempts, end, now_ns),
            _ => {}
        }
    }
}

fn steps() -> impl Strategy<Value = Step> {
    let errors = prop_oneof![
        4 => Just(Classified::transient()),
        1 => Just(Classified::timeout()),
        1 => (0..2_000_u64).prop_map(|n| Classified::throttled().retry_after(ms(n))),
        1 => Just(Classified::permanent()),
        1 => Just(Classified::transient().stop()),
    ];
    let result = prop_oneof![1 => any::<u8>().prop_map(Ok), 6 => errors.prop_map(Err)];
    let takes = prop_oneof![Just(0), Just(200 * MS), 0..400 * MS];
    (takes, result).prop_map(|(takes_ns, result)| Step { takes_ns, result })
}

proptest! {
    #[test]
    fn it_does_what_core_says_at_the_instants_that_core_says(
        script in prop::collection::vec(steps(), 1..8),
        seed: u64,
        timeout in prop::option::of(Just(ms(200))),
        deadline in prop::option::of(500..5_000_u64),
    ) {
        let mut builder = RetryPolicy::builder(BackoffPolicy::builder(ms(100)).cap(ms(1_000))).max_attempts(6);
        if let Some(timeout) = timeout {
            builder = builder.attempt_timeout(timeout);
        }
        if let Some(deadline) = deadline {
            builder = builder.deadline(ms(deadline));
        }
        let policy = builder.build().expect("a policy");
        let expected = by_core(&policy, &Streams::seeded(seed), &script);

        let (clock, mut attempts) = (TestClock::new(), Vec::new());
        let mut left = script.iter().cycle();
        let answer = retry(&policy, |attempt| {
            attempts.push((clock.now_ns(), attempt.number()));
            let step = left.next().expect("it goes round");
            clock.advance(Duration::from_nanos(step.takes_ns));
            step.result
        })
        .classify(|error| *error)
        .clock(clock.clone())
        .streams(&Streams::seeded(seed))
        .run();
        let end = answer.as_ref().map_or_else(|error| error.end(), |_| End::Succeeded);
        let made = attempts.len();
        prop_assert_eq!((attempts, end, clock.now_ns()), expected);
        if let Err(error) = answer {
            prop_assert_eq!(error.attempts() as usize, made);
            prop_assert_eq!(error.last().is_some(), made > 0);
        }
    }
}
