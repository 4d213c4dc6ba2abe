//! A whole operation under a retry: begun, attempted, ended.
//!
//! Alone beside backon, whose loop calls the operation and sleeps (here: does not); with a breaker and a budget nobody
//! else has it. Ours is told the instants; backon without a sleep reads no clock.

use std::hint::black_box;
use std::time::Duration;

use backon::BlockingRetryable as _;
use evenkeel_core::Ratio;
use evenkeel_core::backoff::BackoffPolicy;
use evenkeel_core::breaker::{Breaker, BreakerPolicy, Trigger, Window};
use evenkeel_core::budget::{RetryCause, RetryTokens, RetryTokensPolicy};
use evenkeel_core::retry::{AttemptOutcome, End, Parts, Retry, RetryAction, RetryPolicy};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::inputs::rng;
use crate::repeat::repeated;
use crate::{Case, Entrant};

const BACKON: &str = "backon 1.6";

const BASE: Duration = Duration::from_millis(100);
const CAP: Duration = Duration::from_secs(10);
const ATTEMPTS: u32 = 3;

/// The cases of the retry.
#[must_use]
pub fn cases() -> Vec<Case> {
    let kinds = [("success at once", 0), ("one failure, then success", 1)];
    let of_kind = |(what, failures)| {
        let alone = Case::new(
            format!("retry: {what}"),
            ours(failures, Client::alone),
            same_attempts,
        );
        let equipped = Case::new(
            format!("retry: {what}, breaker and budget"),
            ours(failures, Client::equipped),
            pays_its_way,
        );
        [alone.against(backon(failures), None), equipped]
    };
    kinds.into_iter().flat_map(of_kind).collect()
}

/// What a caller keeps from one operation to the next.
struct Client {
    policy: RetryPolicy,
    shared: Option<(Breaker, RetryTokens)>,
    rng: Xoshiro256PlusPlus,
    now_ns: u64,
}

impl Client {
    fn alone() -> Self {
        let backoff = BackoffPolicy::builder(BASE).cap(CAP);
        let policy = RetryPolicy::builder(backoff).max_attempts(ATTEMPTS).build();
        Self {
            policy: policy.expect("a valid policy"),
            shared: None,
            rng: rng(3),
            now_ns: 0,
        }
    }

    fn equipped() -> Self {
        let open = BackoffPolicy::builder(Duration::from_secs(1)).cap(CAP);
        let breaker = BreakerPolicy::builder(open, Duration::from_secs(5))
            .window(Window::Count { calls: 100 })
            .trigger(Trigger::FailureRate {
                at_least: Ratio::percent(80),
                min_calls: 100,
            })
            .build();
        let tokens = RetryTokensPolicy::aws_standard_2_0().build();
        Self {
            shared: Some((
                Breaker::new(breaker.expect("a valid policy")),
                RetryTokens::new(tokens.expect("a valid policy")),
            )),
            ..Self::alone()
        }
    }

    /// An operation that fails so often and then succeeds: how many attempts were made, and whether it did.
    #[inline]
    fn operation(&mut self, failures: u32) -> (u32, bool) {
        let mut parts = match &mut self.shared {
            None => Parts::none(),
            Some((breaker, tokens)) => Parts::none().with_breaker(breaker).with_budget(tokens),
        };
        let mut retry = Retry::new(&self.policy, self.now_ns);
        loop {
            let step = retry.poll(self.now_ns, &mut parts, &mut self.rng);
            match step.action {
                RetryAction::Attempt {
                    attempt, number, ..
                } => {
                    self.now_ns += 1_000;
                    let outcome = if black_box(number > failures) {
                        AttemptOutcome::Success
                    } else {
                        AttemptOutcome::transient(RetryCause::Failure)
                    };
                    let (now_ns, rng) = (self.now_ns, &mut self.rng);
                    let report = retry.on_outcome(now_ns, attempt, outcome, &mut parts, rng);
                    black_box(report.transitions.is_empty());
                    // As a caller would: what is done is not polled again.
                    if let Some(end) = retry.end() {
                        return (retry.attempts(), end == End::Succeeded);
                    }
                }
                RetryAction::WaitUntil { at_ns } => self.now_ns = at_ns,
                RetryAction::Done { end } => return (retry.attempts(), end == End::Succeeded),
                action => panic!("no timeout is set: {action:?}"),
            }
        }
    }
}

fn ours(failures: u32, make: fn() -> Client) -> Entrant {
    repeated("ours", move || {
        let mut client = make();
        move || client.operation(failures)
    })
}

/// The same operation in backon's loop.
#[inline]
fn under_backon(failures: u32) -> (u32, bool) {
    let mut attempts = 0;
    let strategy = backon::ExponentialBuilder::new()
        .with_min_delay(BASE)
        .with_max_delay(CAP)
        .with_jitter()
        .with_max_times(ATTEMPTS as usize - 1);
    let result = (|| {
        attempts += 1;
        if black_box(attempts > failures) {
            Ok(())
        } else {
            Err(())
        }
    })
    .retry(black_box(strategy))
    .sleep(|wait| {
        black_box(wait);
    })
    .call();
    (attempts, result.is_ok())
}

fn backon(failures: u32) -> Entrant {
    repeated(BACKON, move || move || under_backon(failures))
}

/// Both make the same attempts and end alike.
fn same_attempts() {
    let mut client = Client::alone();
    for failures in 0..6 {
        let (us, them) = (client.operation(failures), under_backon(failures));
        assert_eq!(us, them, "{failures} failures");
    }
}

/// Retries that succeed cost nothing in the end, and neither opens the breaker.
fn pays_its_way() {
    for failures in 0..2 {
        let mut client = Client::equipped();
        for _ in 0..1_000 {
            assert_eq!(
                client.operation(failures),
                (failures + 1, true),
                "{failures} failures"
            );
        }
        let (breaker, tokens) = client.shared.as_ref().expect("both");
        assert_eq!(tokens.balance_milli(client.now_ns), 500_000);
        let stats = breaker.stats(client.now_ns);
        assert_eq!(stats.failures > 0, failures > 0, "the breaker was told");
    }
}
