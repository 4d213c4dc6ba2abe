//! Who calls: with retries or without, for one service or for many keys, patient or not.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use evenkeel_core::breaker::Outcome;
use evenkeel_core::retry::End;
use evenkeel_tokio::{CallError, RetryError, retry};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng as _, SeedableRng};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::services::Fault;
use crate::world::World;

/// How a call ended.
enum Ended {
    Answered,
    Failed,
    Refused,
    Dropped,
    Panicked,
}

/// Nobody waits longer: also a server that hangs has a last moment.
const PATIENCE: Duration = Duration::from_millis(60);

/// Calls and calls; `pause` is how long it waits in between, on average.
pub(crate) async fn call_until(
    world: Arc<World>,
    stop: CancellationToken,
    seed: u64,
    number: u32,
    pause: Option<Duration>,
) {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed << 32 | u64::from(number));
    while !stop.is_cancelled() {
        let ended = call(&world, rng.next_u64(), rng.next_u64()).await;
        let ledger = &world.ledger;
        let count = match &ended {
            Ended::Answered => &ledger.answered,
            Ended::Failed => &ledger.failed,
            Ended::Refused => &ledger.refused,
            Ended::Dropped => &ledger.dropped,
            Ended::Panicked => &ledger.panicked,
        };
        count.add();
        let word = rng.next_u64();
        match (pause, ended) {
            (Some(pause), _) => {
                let twice = 2 * pause.as_micros() as u64;
                tokio::time::sleep(Duration::from_micros(word % twice)).await;
            }
            // Who is refused comes back later.
            (None, Ended::Refused) => tokio::time::sleep(Duration::from_millis(1 + word % 8)).await,
            (None, _) => tokio::task::yield_now().await,
        }
    }
}

/// One call, which `word` chooses; `patience` says whether and when it is given up.
async fn call(world: &Arc<World>, word: u64, patience: u64) -> Ended {
    let polls = patience >> 8 & 3;
    match patience & 0xff {
        0 => {
            drop(make(world, word, false));
            Ended::Dropped
        }
        1..=20 => polled(make(world, word, false), polls + 1).await,
        21..=30 => {
            let span = Duration::from_millis(polls);
            let ended = timeout(span, make(world, word, false)).await;
            ended.unwrap_or(Ended::Dropped)
        }
        31..=34 => aborted(world, word, polls).await,
        _ => timeout(PATIENCE, make(world, word, false))
            .await
            .unwrap_or(Ended::Dropped),
    }
}

/// Polled so often, then dropped.
async fn polled(call: impl Future<Output = Ended>, mut polls: u64) -> Ended {
    let mut call = pin!(call);
    poll_fn(|cx| {
        if let Poll::Ready(ended) = call.as_mut().poll(cx) {
            return Poll::Ready(ended);
        }
        polls -= 1;
        if polls == 0 {
            return Poll::Ready(Ended::Dropped);
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await
}

/// In a task of its own, which may panic, and is aborted sooner or later.
async fn aborted(world: &Arc<World>, word: u64, polls: u64) -> Ended {
    let own = Arc::clone(world);
    let task = tokio::spawn(async move { make(&own, word, true).await });
    for _ in 0..polls {
        tokio::task::yield_now().await;
    }
    if polls == 3 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    task.abort();
    match task.await {
        Ok(ended) => ended,
        Err(error) if error.is_panic() => Ended::Panicked,
        Err(_) => Ended::Dropped,
    }
}

/// The call itself: five in eight with retries, half of these each with its own budget.
async fn make(world: &World, word: u64, may_panic: bool) -> Ended {
    let guarded = &world.guarded[(word >> 8) as usize % world.guarded.len()];
    let service = &guarded.service;
    match word % 8 {
        0 | 1 => {
            let tally = &world.tokens.tally;
            let answer = retry(&world.retry, |attempt| {
                if attempt.is_retry() {
                    tally.retries.add();
                }
                service.answer(may_panic)
            });
            let answer = answer.breaker(&guarded.breaker).budget(&world.tokens);
            let answer = answer.classify(Fault::classified).observe(&world.calls);
            retried(answer.await)
        }
        2 | 3 => {
            let tally = &world.ratio.tally;
            let answer = retry(&world.retry, |attempt| {
                if attempt.is_retry() {
                    tally.retries.add();
                }
                service.answer(may_panic)
            });
            let answer = answer.breaker(&guarded.breaker).budget(&world.ratio);
            retried(answer.observe(&world.calls).await)
        }
        4 => {
            let by_answer = |answer: &Result<u64, Fault>| match answer {
                Ok(_) => Outcome::Success,
                Err(Fault::Failed) => Outcome::Failure,
                Err(Fault::Overloaded) => Outcome::Overloaded { retry_at_ns: None },
            };
            let answer = guarded
                .breaker
                .call_with(by_answer, service.answer(may_panic));
            called(answer.await)
        }
        5 => {
            let key = key(world, word);
            called(world.table.call(&key, world.many.answer(may_panic)).await)
        }
        6 => {
            let gate = world.table.gate(key(world, word));
            let answer = retry(&world.retry, |_| world.many.answer(may_panic));
            retried(answer.breaker(&gate).await)
        }
        _ => {
            let accepted = |answer: &Result<u64, Fault>| !matches!(answer, Err(Fault::Overloaded));
            let answer = world
                .throttle
                .call_with(accepted, world.busy.answer(may_panic));
            called(answer.await)
        }
    }
}

/// Keys come and go: those that are asked for move on with the calls that were made.
fn key(world: &World, word: u64) -> u64 {
    world.many.begun.get() / 512 + (word >> 16) % 700
}

fn retried(answer: Result<u64, RetryError<Fault>>) -> Ended {
    match answer {
        Ok(_) => Ended::Answered,
        Err(error) if matches!(error.end(), End::BreakerOpen { .. }) && error.attempts() == 0 => {
            Ended::Refused
        }
        Err(_) => Ended::Failed,
    }
}

fn called<R>(answer: Result<u64, CallError<Fault, R>>) -> Ended {
    match answer {
        Ok(_) => Ended::Answered,
        Err(CallError::Refused(_)) => Ended::Refused,
        Err(CallError::Failed(_)) => Ended::Failed,
    }
}
