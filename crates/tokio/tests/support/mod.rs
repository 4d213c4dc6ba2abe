//! What the tests of calls and retries share: plain policies, futures that take some polls, and a harness that drops one
//! at every poll.
#![allow(dead_code, reason = "no test uses all of it")]

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use evenkeel_core::backoff::{BackoffBuilder, BackoffPolicy, Jitter};
use evenkeel_core::breaker::{BreakerPolicy, Trigger};
use evenkeel_core::budget::RetryTokensPolicy;
use evenkeel_core::retry::{End, RetryBuilder, RetryPolicy};
use evenkeel_tokio::{Clock, SharedBreaker, SharedTokens, Sleep, Streams, TestClock, retry};

pub(crate) const fn ms(span: u64) -> Duration {
    Duration::from_millis(span)
}

pub(crate) const fn ns_of(span: Duration) -> u64 {
    span.as_nanos() as u64
}

/// Waits of 100, 200, 400 .. ms, as they are.
pub(crate) fn plain_backoff() -> BackoffBuilder {
    BackoffPolicy::builder(ms(100)).jitter(Jitter::None)
}

pub(crate) fn plain_retry() -> RetryBuilder {
    RetryPolicy::builder(plain_backoff())
}

/// Opens for one second after so many failures in a row; a probe has ten seconds.
pub(crate) fn opens_after(failures: u32) -> BreakerPolicy {
    let open = BackoffPolicy::builder(ms(1_000))
        .cap(ms(1_000))
        .jitter(Jitter::None);
    let builder = BreakerPolicy::builder(open, ms(10_000));
    let policy = builder.trigger(Trigger::Consecutive { failures }).build();
    policy.expect("a valid policy")
}

pub(crate) fn breaker_on<C: Clock>(policy: BreakerPolicy, clock: C) -> SharedBreaker<C> {
    let builder = SharedBreaker::builder(policy).clock(clock);
    builder.streams(&Streams::seeded(1)).build()
}

/// Full, at one token for each retry. (A request puts a thousandth in, as what is spent must come back somehow.)
pub(crate) fn ten_tokens<C: Clock>(clock: C) -> SharedTokens<C> {
    let policy = RetryTokensPolicy::builder(10_000)
        .credit_milli(0)
        .deposit_milli(1)
        .build();
    SharedTokens::with_clock(policy.expect("a valid policy"), clock)
}

/// The waits of an operation that never succeeds, and how it ended; time goes on by them alone.
pub(crate) async fn waits_of(policy: &RetryPolicy, seed: u64) -> (Vec<Duration>, End) {
    let mut waits = Vec::new();
    let failed = retry(policy, |_| std::future::ready(Err::<(), _>("down")))
        .clock(TestClock::new())
        .streams(&Streams::seeded(seed))
        .on_retry(|event| waits.push(event.wait()))
        .await;
    let end = failed.expect_err("it is down").end();
    (waits, end)
}

/// Ready with `value` at the poll after `polls` others.
pub(crate) struct After<T> {
    pub(crate) polls: u32,
    pub(crate) value: Option<T>,
}

pub(crate) const fn after<T>(polls: u32, value: T) -> After<T> {
    let value = Some(value);
    After { polls, value }
}

impl<T: Unpin> Future for After<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        if self.polls == 0 {
            return Poll::Ready(self.value.take().expect("polled after it was over"));
        }
        self.polls -= 1;
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// A clock that stands still while anybody works; who waits for an instant of it moves it there, in two polls and
/// three wakes, of which two are early.
#[derive(Clone, Debug, Default)]
pub(crate) struct Steps(pub(crate) TestClock, Arc<AtomicU64>);

impl Steps {
    pub(crate) fn early_wakes(&self) -> u64 {
        self.1.load(Ordering::Relaxed)
    }
}

impl Clock for Steps {
    fn now_ns(&self) -> u64 {
        self.0.now_ns()
    }
}

impl Sleep for Steps {
    type Wake = StepsWake;

    fn wake_at(&self, at_ns: u64) -> StepsWake {
        let left_ns = at_ns.saturating_sub(self.0.now_ns());
        StepsWake {
            clock: self.clone(),
            goes_to_ns: at_ns - left_ns / 2,
            at_ns,
            pending: left_ns > 2,
        }
    }
}

pub(crate) struct StepsWake {
    clock: Steps,
    goes_to_ns: u64,
    at_ns: u64,
    pending: bool,
}

impl Future for StepsWake {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.pending {
            self.pending = false;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.clock.0.advance_to(self.goes_to_ns);
        if self.goes_to_ns < self.at_ns {
            self.clock.1.fetch_add(1, Ordering::Relaxed);
        }
        Poll::Ready(())
    }
}

/// Polls the future at most `polls` times and drops it; its output, if it was over before.
pub(crate) fn poll_times<F: Future>(future: F, polls: u32) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..polls {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return Some(output);
        }
    }
    None
}

/// Runs `world` with 0, 1, 2 .. polls before the drop, until its future is over by itself; how often that was.
pub(crate) fn at_every_poll(mut world: impl FnMut(u32) -> bool) -> u32 {
    let mut polls = 0;
    while !world(polls) {
        polls += 1;
        assert!(polls < 1_000, "it never ends");
    }
    polls
}
