//! A call that succeeds allocates nothing in any layer.

mod support;

use std::future::{Ready, ready};
use std::task::{Context, Poll};

use evenkeel_core::Ratio;
use evenkeel_core::breaker::Phase;
use evenkeel_core::budget::RetryRatioPolicy;
use evenkeel_core::table::BreakerTablePolicy;
use evenkeel_core::throttle::AdaptiveThrottlePolicy;
use evenkeel_tower::{
    AdaptiveThrottleLayer, AnyRequest, BreakerLayer, BreakerTableLayer, RetryLayer, SharedBreaker,
    SharedBreakerTable, SharedRatio, SharedThrottle, Through,
};
use support::{call, ms, now, opens_after, plain_retry};
use tower::{Service, ServiceBuilder};

#[derive(Clone)]
struct Plain;

impl Service<u64> for Plain {
    type Response = u64;
    type Error = std::io::Error;
    type Future = Ready<Result<u64, std::io::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), std::io::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: u64) -> Self::Future {
        ready(Ok(request + 1))
    }
}

/// What a thousand calls allocate, on this thread.
fn allocated<S>(service: &mut S) -> u64
where
    S: Service<u64, Response = u64, Error: std::fmt::Debug>,
{
    let mut thousand = || {
        for request in 0..1_000 {
            let answer = now(call(service, request));
            assert_eq!(answer.expect("it succeeds"), request + 1);
        }
    };
    // The tables grow to what they need.
    thousand();
    allocation_counter::measure(thousand).count_total
}

#[test]
fn a_call_that_succeeds_allocates_nothing() {
    // Timeouts are timers of a runtime.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    let runtime = runtime.expect("a runtime");
    let _entered = runtime.enter();
    let breaker = SharedBreaker::new(opens_after(5));
    let policy = AdaptiveThrottlePolicy::builder().build();
    let throttle = SharedThrottle::new(policy.expect("a valid policy"));
    let policy = RetryRatioPolicy::builder(Ratio::percent(20)).build();
    let budget = SharedRatio::new(policy.expect("a valid policy"));
    let policy = BreakerTablePolicy::builder(opens_after(5), 10, ms(60_000)).build();
    let shards = SharedBreakerTable::<u64>::new(policy.expect("a valid policy"));
    let policy = plain_retry()
        .attempt_timeout(ms(2_000))
        .deadline(ms(10_000))
        .build();
    let policy = policy.expect("a valid policy");

    let mut stack = ServiceBuilder::new()
        .layer(
            RetryLayer::new(&policy, AnyRequest)
                .breaker(&breaker)
                .budget(&budget)
                .classify(Through(Through(Through(evenkeel_tower::ByResult)))),
        )
        .layer(AdaptiveThrottleLayer::new(&throttle))
        .layer(BreakerTableLayer::new(&shards, |request: &u64| request % 7))
        .layer(BreakerLayer::new(&breaker))
        .service(Plain);
    assert_eq!(allocated(&mut stack), 0);
    assert_eq!(breaker.phase(), Phase::Closed);

    let mut waiting = ServiceBuilder::new()
        .layer(BreakerLayer::new(&breaker).wait_when_open())
        .service(Plain);
    assert_eq!(allocated(&mut waiting), 0);
}
