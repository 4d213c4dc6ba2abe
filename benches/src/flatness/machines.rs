//! The machines under test, as a caller would set them up, and what one call of them is.

use std::time::Duration;

use evenkeel_core::backoff::{Backoff, BackoffPolicy};
use evenkeel_core::breaker::{Breaker, BreakerPolicy, Outcome, Trigger, Window};
use evenkeel_core::budget::{
    RetryCause, RetryRatio, RetryRatioPolicy, RetryTokens, RetryTokensPolicy,
};
use evenkeel_core::estimator::{RollingHistogram, RollingHistogramPolicy};
use evenkeel_core::throttle::{AdaptiveThrottle, AdaptiveThrottlePolicy};
use evenkeel_core::{Quantile, Ratio};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::inputs::rng;

/// A machine and what its caller keeps: a generator, and how many calls there were.
#[derive(Clone)]
pub(super) struct Driven<M> {
    machine: M,
    rng: Xoshiro256PlusPlus,
    calls: u64,
}

impl<M> Driven<M> {
    fn new(machine: M) -> Self {
        let rng = rng(3);
        let calls = 0;
        Self {
            machine,
            rng,
            calls,
        }
    }
}

/// One call at an instant.
pub(super) trait Called: Clone + 'static {
    fn call(&mut self, now_ns: u64) -> u64;
}

/// Two triggers, one failure in ten.
pub(super) fn breaker(window: Window) -> Driven<Breaker> {
    let half = Ratio::percent(50);
    let policy = BreakerPolicy::builder(
        BackoffPolicy::builder(Duration::from_secs(1)),
        Duration::from_secs(5),
    )
    .window(window)
    .trigger(Trigger::FailureRate {
        at_least: half,
        min_calls: 10,
    })
    .trigger(Trigger::SlowRate {
        slower_than: Duration::from_millis(200),
        at_least: half,
        min_calls: 10,
    });
    Driven::new(Breaker::new(policy.build().expect("a valid policy")))
}

/// Ten slices.
pub(super) const fn last(span: Duration) -> Window {
    Window::Time { span, slices: 10 }
}

impl Called for Driven<Breaker> {
    #[inline]
    fn call(&mut self, now_ns: u64) -> u64 {
        self.calls += 1;
        let grant = self.machine.try_acquire(now_ns, &mut self.rng);
        let permit = grant.expect("closed").permit;
        let outcome = if self.calls.is_multiple_of(10) {
            Outcome::Failure
        } else {
            Outcome::Success
        };
        let receipt = self
            .machine
            .on_outcome(now_ns, permit, outcome, 1_000, &mut self.rng);
        u64::from(receipt.is_stale())
    }
}

pub(super) fn backoff() -> Driven<Backoff> {
    let policy = BackoffPolicy::builder(Duration::from_millis(100)).cap(Duration::from_secs(10));
    Driven::new(Backoff::new(policy.build().expect("a valid schedule")))
}

impl Called for Driven<Backoff> {
    #[inline]
    fn call(&mut self, now_ns: u64) -> u64 {
        let wait = self.machine.next_wait(now_ns, &mut self.rng);
        wait.map_or(0, |wait| wait.at_ns)
    }
}

/// With a refill, so that time counts.
pub(super) fn tokens() -> Driven<RetryTokens> {
    let policy = RetryTokensPolicy::builder(10_000).refill_milli(500);
    let policy = policy.build().expect("a valid policy");
    Driven::new(RetryTokens::new(policy))
}

impl Called for Driven<RetryTokens> {
    #[inline]
    fn call(&mut self, now_ns: u64) -> u64 {
        self.machine.on_request(now_ns);
        let paid = self.machine.try_withdraw(now_ns, RetryCause::Failure);
        u64::from(paid.is_ok())
    }
}

pub(super) fn ratio() -> Driven<RetryRatio> {
    let policy = RetryRatioPolicy::builder(Ratio::percent(100)).build();
    Driven::new(RetryRatio::new(policy.expect("a valid policy")))
}

impl Called for Driven<RetryRatio> {
    #[inline]
    fn call(&mut self, now_ns: u64) -> u64 {
        self.machine.on_request(now_ns);
        let paid = self.machine.try_withdraw(now_ns, RetryCause::Failure);
        u64::from(paid.is_ok())
    }
}

pub(super) fn throttle() -> Driven<AdaptiveThrottle> {
    let policy = AdaptiveThrottlePolicy::builder().build();
    Driven::new(AdaptiveThrottle::new(policy.expect("a valid policy")))
}

impl Called for Driven<AdaptiveThrottle> {
    #[inline]
    fn call(&mut self, now_ns: u64) -> u64 {
        let out = self.machine.try_request(now_ns, &mut self.rng).is_ok();
        self.machine.on_accepted(now_ns);
        u64::from(out)
    }
}

/// The last 10 s in ten slices.
pub(super) fn rolling() -> Driven<RollingHistogram> {
    let policy = RollingHistogramPolicy::new(Duration::from_secs(10), 10, 5);
    Driven::new(RollingHistogram::new(policy.expect("a valid span")))
}

impl Called for Driven<RollingHistogram> {
    #[inline]
    fn call(&mut self, now_ns: u64) -> u64 {
        self.calls += 1;
        self.machine.record(now_ns, 20_000 + self.calls % 1_000);
        self.machine.quantile(now_ns, Quantile::P99).unwrap_or(0)
    }
}

/// A series of each machine that has no size, made by `$of`: a name, and how a fresh one is made.
macro_rules! each_without_a_size {
    ($of:path) => {
        vec![
            $of("breaker, count 100: ask and report", || {
                machines::breaker(Window::Count { calls: 100 })
            }),
            $of("breaker, last 10 s: ask and report", || {
                machines::breaker(machines::last(Duration::from_secs(10)))
            }),
            $of("Backoff: wait", machines::backoff),
            $of("RetryTokens, refill: request and retry", machines::tokens),
            $of("RetryRatio: request and retry", machines::ratio),
            $of("AdaptiveThrottle: request and accept", machines::throttle),
            $of("RollingHistogram: record and p99", machines::rolling),
        ]
    };
}
pub(super) use each_without_a_size;
