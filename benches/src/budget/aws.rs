//! The token bucket of AWS's SDKs, and ours under the same rules.

use std::sync::Arc;

use evenkeel_core::budget::{RetryCause, RetryTokens, RetryTokensPolicy};
use evenkeel_std::SharedTokens;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::STEP_NS;
use crate::inputs::calls;
use crate::repeat::repeated;
use crate::{Case, Entrant};

const AWS: &str = "AWS's token bucket, restated";

/// How many times faster the machine is to be, and the handle that threads share.
const IN_CORE: f64 = 6.0;
const SHARED: f64 = 2.0;

pub(super) fn cases() -> Vec<Case> {
    let kinds = [
        ("retry granted and well", Bucket::CAPACITY),
        ("retry denied", 0),
    ];
    let of_kind = |(what, tokens)| {
        let against = |name: &str, ours, goal| {
            Case::new(
                format!("budget: {name} as AWS has it, {what}"),
                ours,
                same_answers,
            )
            .against(peer(tokens), goal)
        };
        [
            against("RetryTokens", in_core(tokens), IN_CORE),
            against("SharedTokens", shared(tokens), SHARED),
        ]
    };
    kinds.into_iter().flat_map(of_kind).collect()
}

/// The token bucket of AWS's SDKs: a semaphore of tokio, whose permits are the tokens. A retry takes its cost, one that
/// succeeds brings it back, and any other success brings one.
struct Bucket(Arc<Semaphore>);

impl Bucket {
    const CAPACITY: u32 = 500;
    const COST: u32 = 5;

    fn holding(tokens: u32) -> Self {
        Self(Arc::new(Semaphore::new(tokens as usize)))
    }

    fn acquire(&self, cost: u32) -> Option<OwnedSemaphorePermit> {
        let tokens = Arc::clone(&self.0).try_acquire_many_owned(cost);
        tokens.ok()
    }

    /// With what the retry acquired.
    fn release(&self, acquired: Option<OwnedSemaphorePermit>) {
        if acquired.is_none() && self.0.available_permits() < Self::CAPACITY as usize {
            self.0.add_permits(1);
        }
        drop(acquired);
    }
}

/// The same rules.
fn policy(holding: u32) -> RetryTokensPolicy {
    let builder = RetryTokensPolicy::aws_standard_2_0().initial_milli(u64::from(holding) * 1_000);
    builder.build().expect("a valid policy")
}

/// A retry is wanted; if it may be made it succeeds.
fn in_core(holding: u32) -> Entrant {
    repeated("ours", move || {
        let (mut tokens, mut now_ns) = (RetryTokens::new(policy(holding)), 0);
        move || {
            now_ns += STEP_NS;
            let withdrawal = tokens.try_withdraw(now_ns, RetryCause::Failure).ok()?;
            tokens.on_success(now_ns, Some(withdrawal));
            Some(())
        }
    })
}

fn shared(holding: u32) -> Entrant {
    repeated("ours", move || {
        let tokens = SharedTokens::new(policy(holding));
        move || {
            let withdrawal = tokens.try_withdraw(RetryCause::Failure).ok()?;
            tokens.on_success(Some(withdrawal));
            Some(())
        }
    })
}

fn peer(holding: u32) -> Entrant {
    repeated(AWS, move || {
        let bucket = Bucket::holding(holding);
        move || {
            let acquired = bucket.acquire(Bucket::COST)?;
            bucket.release(Some(acquired));
            Some(())
        }
    })
}

/// Requests fail and are retried once, retries fail half the time: both grant the same of them.
fn same_answers() {
    for failing in [0.1, 0.5, 0.9, 1.0] {
        let (mut ours, peer) = (
            RetryTokens::new(policy(Bucket::CAPACITY)),
            Bucket::holding(Bucket::CAPACITY),
        );
        let (mut granted, mut denied) = (0, 0);
        for (now_ns, call) in (0..).zip(calls(1, failing).iter()) {
            if !call.failed {
                ours.on_success(now_ns, None);
                peer.release(None);
                continue;
            }
            let withdrawal = ours.try_withdraw(now_ns, RetryCause::Failure).ok();
            let acquired = peer.acquire(Bucket::COST);
            assert_eq!(withdrawal.is_some(), acquired.is_some(), "at {now_ns}");
            match withdrawal {
                Some(_) => granted += 1,
                None => denied += 1,
            }
            let well = call.latency_ns % 2_000 == 0;
            match acquired {
                Some(acquired) if well => {
                    ours.on_success(now_ns, withdrawal);
                    peer.release(Some(acquired));
                }
                Some(acquired) => acquired.forget(),
                None => {}
            }
        }
        assert!(granted > 0 && (denied > 0 || failing < 0.9), "{failing}");
    }
}
