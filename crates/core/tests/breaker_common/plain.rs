//! One breaker and short words for what is done with it, for tests that are read as stories.

use core::time::Duration;

use evenkeel_core::ConfigError;
use evenkeel_core::backoff::{BackoffPolicy, Growth, Jitter};
use evenkeel_core::breaker::{
    Breaker, BreakerBuilder, BreakerPolicy, Cause, Grant, Outcome, Permit, Phase, Receipt, Refused,
    RefusedBy, Trigger,
};

use super::words::Words;

pub const MS: u64 = 1_000_000;
pub const SECOND: u64 = 1_000 * MS;
pub const HOUR: u64 = 3_600 * SECOND;

/// Five failures in a row, 30 s, three probes of three: the trading system's breaker (ORIGINS O5).
pub fn builder(open_s: u64) -> BreakerBuilder {
    let open = BackoffPolicy::builder(Duration::from_secs(open_s))
        .growth(Growth::Constant)
        .jitter(Jitter::None);
    BreakerPolicy::builder(open.build().expect("an open wait"), Duration::from_secs(5))
        .trigger(Trigger::Consecutive { failures: 5 })
        .max_in_flight(3)
        .trials(3)
}

pub fn breaker(policy: Result<BreakerPolicy, ConfigError>) -> Breaker {
    Breaker::new(policy.expect("a policy"))
}

pub fn ask(breaker: &mut Breaker, now_ns: u64) -> Result<Grant, Refused> {
    breaker.try_acquire(now_ns, &mut Words::of(now_ns))
}

pub fn granted(breaker: &mut Breaker, now_ns: u64) -> Permit {
    ask(breaker, now_ns).expect("let through").permit
}

pub fn refused(breaker: &mut Breaker, now_ns: u64) -> (RefusedBy, Option<u64>) {
    let refused = ask(breaker, now_ns).expect_err("refused");
    (refused.reason(), refused.retry_at_ns())
}

pub fn report(breaker: &mut Breaker, now_ns: u64, permit: Permit, outcome: Outcome) -> Receipt {
    breaker.on_outcome(now_ns, permit, outcome, MS, &mut Words::of(now_ns))
}

pub fn call(breaker: &mut Breaker, now_ns: u64, outcome: Outcome) -> Receipt {
    let permit = granted(breaker, now_ns);
    report(breaker, now_ns, permit, outcome)
}

pub fn trip(breaker: &mut Breaker, now_ns: u64) {
    for _ in 0..5 {
        let _ = call(breaker, now_ns, Outcome::Failure);
    }
    assert_eq!(breaker.phase(now_ns), Phase::Open);
}

pub fn causes(receipt: &Receipt) -> Vec<Cause> {
    receipt
        .transitions()
        .iter()
        .map(|made| made.cause)
        .collect()
}
