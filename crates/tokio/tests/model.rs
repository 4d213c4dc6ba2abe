//! An operation on tokio's clock is the core's canonical loop: the same attempts at the same instants, the same end, the
//! same breaker and budget afterwards, whatever the policy and whatever the attempts bring.

mod support;

use std::cell::RefCell;
use std::time::Duration;

use evenkeel_core::breaker::{Breaker, BreakerStats};
use evenkeel_core::budget::RetryTokens;
use evenkeel_core::retry::{
    AttemptOutcome, End, Parts, Retry, RetryAction, RetryPolicy, WhenRefused,
};
use evenkeel_tokio::{Classified, Clock, Streams, TokioClock, retry};
use proptest::prelude::*;
use support::{ms, ns_of, opens_after, plain_backoff, ten_tokens};

/// What one attempt does: how long it takes, and what it brings.
#[derive(Clone, Copy, Debug)]
struct Does {
    takes: Duration,
    brings: Brings,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Brings {
    Success,
    Transient,
    Timeout,
    Permanent,
    Throttled { retry_after: Option<Duration> },
    Stop,
}

impl Brings {
    fn classified(self) -> Option<Classified> {
        Some(match self {
            Self::Success => return None,
            Self::Transient => Classified::transient(),
            Self::Timeout => Classified::timeout(),
            Self::Permanent => Classified::permanent(),
            Self::Throttled { retry_after } => Classified::throttled().retry_after(retry_after),
            Self::Stop => Classified::transient().stop(),
        })
    }
}

#[derive(Clone, Debug)]
struct Case {
    policy: RetryPolicy,
    trips_after: u32,
    operations: Vec<Vec<Does>>,
}

fn cases() -> impl Strategy<Value = Case> {
    let brings = prop_oneof![
        2 => Just(Brings::Success),
        8 => Just(Brings::Transient),
        2 => Just(Brings::Timeout),
        1 => Just(Brings::Permanent),
        2 => prop::option::of((0_u64..600).prop_map(ms))
            .prop_map(|retry_after| Brings::Throttled { retry_after }),
        1 => Just(Brings::Stop),
    ];
    let does = (0_u64..8, brings).prop_map(|(tenths, brings)| Does {
        takes: ms(tenths * 10),
        brings,
    });
    let operations = prop::collection::vec(prop::collection::vec(does, 8), 1..4);
    let limits = (
        1_u32..8,
        prop::option::of(1_u64..8),
        prop::option::of(8_u64..300),
    );
    (limits, any::<bool>(), 1_u32..5, operations).prop_map(
        |(limits, waits, trips_after, operations)| {
            let (attempts, timeout, deadline) = limits;
            let mut builder =
                RetryPolicy::builder(plain_backoff().cap(ms(1_000))).max_attempts(attempts);
            if let Some(timeout) = timeout {
                builder = builder.attempt_timeout(ms(timeout * 10));
            }
            if let Some(deadline) = deadline {
                builder = builder.deadline(ms(deadline * 10));
                if waits {
                    builder = builder.when_refused(WhenRefused::Wait);
                }
            }
            let policy = builder.build().or_else(|_| {
                // A deadline that no wait can fit.
                RetryPolicy::builder(plain_backoff()).build()
            });
            let policy = policy.expect("a valid policy");
            Case {
                policy,
                trips_after,
                operations,
            }
        },
    )
}

/// What is the same on both sides: attempts by instant, ends, instants of the ends, the breaker's stats, the balance.
#[derive(Debug, PartialEq)]
struct Seen {
    attempts: Vec<u64>,
    ends: Vec<(End, u64)>,
    stats: BreakerStats,
    balance_milli: u64,
}

fn core_alone(case: &Case) -> Seen {
    let mut rng = Streams::seeded(1).next(); // no choice is random here
    let mut breaker = Breaker::new(opens_after(case.trips_after));
    let mut tokens = RetryTokens::new(ten_tokens(TokioClock::default()).policy());
    let (mut now_ns, mut attempts, mut ends) = (0, Vec::new(), Vec::new());
    for does in &case.operations {
        let mut operation = Retry::new(&case.policy, now_ns);
        let end = loop {
            let parts = &mut Parts::none()
                .with_breaker(&mut breaker)
                .with_budget(&mut tokens);
            match operation.poll(now_ns, parts, &mut rng).action {
                RetryAction::Attempt {
                    attempt,
                    number,
                    timeout_at_ns,
                    ..
                } => {
                    attempts.push(now_ns);
                    let Does { takes, brings } = does[number as usize - 1];
                    let over_ns = now_ns + ns_of(takes);
                    if let Some(at_ns) = timeout_at_ns.filter(|at_ns| *at_ns < over_ns) {
                        now_ns = at_ns;
                        continue;
                    }
                    now_ns = over_ns;
                    let outcome = brings.classified();
                    let outcome =
                        outcome.map_or(AttemptOutcome::Success, |said| said.outcome(now_ns));
                    let report = operation.on_outcome(now_ns, attempt, outcome, parts, &mut rng);
                    let late = match brings {
                        Brings::Success => Some(End::Succeeded),
                        Brings::Permanent => Some(End::Permanent),
                        _ => None,
                    };
                    if let Some(end) = late.filter(|_| !report.reported.is_counted()) {
                        let _ = operation.cancel(now_ns, parts, &mut rng);
                        break end;
                    }
                }
                RetryAction::WaitUntil { at_ns } => now_ns = at_ns,
                RetryAction::Done { end } => break end,
                _ => {} // an attempt that was abandoned
            }
        };
        ends.push((end, now_ns));
    }
    let (stats, balance_milli) = (breaker.stats(now_ns), tokens.balance_milli(now_ns));
    Seen {
        attempts,
        ends,
        stats,
        balance_milli,
    }
}

async fn adapter(case: &Case) -> Seen {
    let clock = TokioClock::starting_now();
    let builder = evenkeel_tokio::SharedBreaker::builder(opens_after(case.trips_after));
    let breaker = builder.clock(clock).count_all(true).build();
    let tokens = ten_tokens(clock);
    let (attempts, mut ends) = (RefCell::new(Vec::new()), Vec::new());
    for does in &case.operations {
        let operation = retry(&case.policy, |attempt| {
            attempts.borrow_mut().push(clock.now_ns());
            let Does { takes, brings } = does[attempt.number() as usize - 1];
            async move {
                if !takes.is_zero() {
                    tokio::time::sleep(takes).await;
                }
                if brings == Brings::Success {
                    Ok(())
                } else {
                    Err(brings)
                }
            }
        });
        let operation = operation.breaker(&breaker).budget(&tokens).clock(clock);
        let operation = operation.classify(|brings| brings.classified().expect("an error"));
        let end = operation
            .await
            .map_or_else(|failed| failed.end(), |()| End::Succeeded);
        ends.push((end, clock.now_ns()));
    }
    Seen {
        attempts: attempts.into_inner(),
        ends,
        stats: breaker.stats(),
        balance_milli: tokens.balance_milli(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn an_operation_is_the_canonical_loop_of_the_core(case in cases()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let ours = runtime.expect("a runtime").block_on(adapter(&case));
        prop_assert_eq!(ours, core_alone(&case));
    }
}
