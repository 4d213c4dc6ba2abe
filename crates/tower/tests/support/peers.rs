//! Breakers as tower-resilience's tests configure them, and calls through them.

use evenkeel_core::Ratio;
use evenkeel_core::backoff::{BackoffBuilder, BackoffPolicy, Jitter};
use evenkeel_core::breaker::{BreakerBuilder, BreakerPolicy, Trigger, Window};
use evenkeel_tower::{BreakerLayer, SharedBreaker};
use tower::{Layer, Service, ServiceExt, service_fn};

use super::ms;

/// Opens for half a second.
pub(crate) fn open() -> BackoffBuilder {
    BackoffPolicy::builder(ms(500))
        .cap(ms(500))
        .jitter(Jitter::None)
}

pub(crate) fn policy(window: Window, triggers: &[Trigger]) -> BreakerBuilder {
    let builder = BreakerPolicy::builder(open(), ms(10_000)).window(window);
    triggers
        .iter()
        .fold(builder, |builder, trigger| builder.trigger(*trigger))
}

pub(crate) fn failing(percent: u32, min_calls: u32) -> Trigger {
    let at_least = Ratio::percent(percent);
    Trigger::FailureRate {
        at_least,
        min_calls,
    }
}

pub(crate) fn slow(percent: u32, min_calls: u32) -> Trigger {
    Trigger::SlowRate {
        slower_than: ms(50),
        at_least: Ratio::percent(percent),
        min_calls,
    }
}

pub(crate) fn breaker(builder: BreakerBuilder) -> SharedBreaker {
    SharedBreaker::builder(builder.build().expect("a valid policy"))
        .count_all(true)
        .build()
}

/// A call that takes so long and succeeds, or does not.
pub(crate) async fn calls(breaker: &SharedBreaker, calls: impl IntoIterator<Item = (u64, bool)>) {
    let mut guarded = BreakerLayer::new(breaker).layer(service_fn(|(took_ms, ok)| async move {
        tokio::time::sleep(ms(took_ms)).await;
        if ok {
            Ok(())
        } else {
            Err(std::io::Error::other("down"))
        }
    }));
    for (took_ms, ok) in calls {
        let _ = guarded
            .ready()
            .await
            .expect("ready")
            .call((took_ms, ok))
            .await;
    }
}

pub(crate) fn ok(count: usize) -> impl Iterator<Item = (u64, bool)> {
    std::iter::repeat_n((0, true), count)
}

pub(crate) fn bad(count: usize) -> impl Iterator<Item = (u64, bool)> {
    std::iter::repeat_n((0, false), count)
}

pub(crate) const TEN: Window = Window::Count { calls: 10 };
