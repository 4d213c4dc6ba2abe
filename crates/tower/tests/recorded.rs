//! What the layers decide, recorded: the journal verifies, bit for bit.

mod support;

use evenkeel_core::throttle::AdaptiveThrottlePolicy;
use evenkeel_replay::journal::Reader;
use evenkeel_std::journal::{Journal, RetryRecorder};
use evenkeel_tower::{
    AdaptiveThrottleLayer, AnyRequest, BreakerLayer, ByResult, RetryLayer, SharedThrottle, Streams,
    TestClock, Through,
};
use support::{breaker_on, call, ms, opens_after, plain_retry, poll_times, scripted, ten_tokens};
use tower::{Layer, ServiceBuilder};

#[test]
fn a_recorded_stack_verifies() {
    let clock = TestClock::new();
    let breaker = breaker_on(opens_after(3), clock.clone());
    let tokens = ten_tokens(clock.clone());
    let policy = AdaptiveThrottlePolicy::builder()
        .build()
        .expect("a valid policy");
    let throttle = SharedThrottle::with_clock(policy, clock.clone(), &Streams::seeded(1));

    let journal = Journal::last(100_000);
    breaker.record(&journal, "breaker");
    tokens.record(&journal, "tokens");
    throttle.record(&journal, "throttle");
    let calls = RetryRecorder::new(&journal, "calls");

    let policy = plain_retry()
        .max_attempts(3)
        .build()
        .expect("a valid policy");
    let retry = RetryLayer::new(&policy, AnyRequest)
        .breaker(&breaker)
        .budget(&tokens);
    let retry = retry
        .classify(Through(ByResult))
        .clock(clock.clone())
        .record(&calls);
    let inner = scripted((0..200).map(|number| if number % 5 < 3 { Err("down") } else { Ok(()) }));
    let mut service = ServiceBuilder::new()
        .layer(retry)
        .layer(AdaptiveThrottleLayer::new(&throttle))
        .service(inner.clone());
    for number in 0..50 {
        // Each third is given up somewhere.
        let _ = poll_times(call(&mut service, ()), if number % 3 == 0 { 2 } else { 20 });
        clock.advance(ms(300));
    }
    let mut guarded = BreakerLayer::new(&breaker).layer(inner.clone());
    let _ = poll_times(call(&mut guarded, ()), 1);
    assert_eq!(calls.missed(), 0);

    let mut written = Vec::new();
    journal.dump(&mut written).expect("it is in memory");
    let verified = evenkeel_replay::verify(Reader::new(&written[..])).expect("bit for bit");
    assert_eq!(verified.ops, journal.ops());
    assert!(verified.ops > 200, "{} ops", verified.ops);
}
