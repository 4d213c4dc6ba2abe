//! Retry budgets: what a request brings and what a retry costs.
//!
//! Ours is given the instant and owned by one thread. tower's can be shared: it takes a mutex and reads a clock in each
//! of the two calls. The quota of AWS's SDKs, restated, takes a mutex and knows no time.

use std::sync::Mutex;
use std::time::Duration;

use evenkeel_core::Ratio;
use evenkeel_core::budget::{
    RetryCause, RetryRatio, RetryRatioPolicy, RetryTokens, RetryTokensBuilder, RetryTokensPolicy,
};
use tower::retry::budget::{Budget as _, TpsBudget};

use crate::inputs::calls;
use crate::repeat::repeated;
use crate::{Case, Entrant};

const TOWER: &str = "tower 0.5, TpsBudget";
const AWS: &str = "AWS's retry quota restated, std lock";

/// What the window of both ratios remembers.
const TTL: Duration = Duration::from_secs(10);

/// So short that all of a measurement is in one slice of a window: a refusal then looks through all slices for the
/// instant at which to come back, which is the most it ever does.
const STEP_NS: u64 = 1;

/// Each request brings as much as a retry costs, or nothing at all.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Brings {
    ARetry,
    Nothing,
}

/// The cases of the budgets.
#[must_use]
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (how, brings) in [("granted", Brings::ARetry), ("denied", Brings::Nothing)] {
        cases.extend([
            tokens_of(how, brings),
            tokens_with_refill(how, brings),
            ratio_of(how, brings),
        ]);
    }
    cases.extend([aws_granted(), aws_denied()]);
    cases
}

/// A budget as those who call see it.
trait Budget {
    /// A request is made, and then a retry of it is wanted: whether it may be made.
    fn request_and_retry(&mut self, now_ns: u64) -> bool;
}

impl Budget for RetryTokens {
    #[inline]
    fn request_and_retry(&mut self, now_ns: u64) -> bool {
        self.on_request(now_ns);
        self.try_withdraw(now_ns, RetryCause::Failure).is_ok()
    }
}

impl Budget for RetryRatio {
    #[inline]
    fn request_and_retry(&mut self, now_ns: u64) -> bool {
        self.on_request(now_ns);
        self.try_withdraw(now_ns, RetryCause::Failure).is_ok()
    }
}

impl Budget for TpsBudget {
    #[inline]
    fn request_and_retry(&mut self, _: u64) -> bool {
        self.deposit();
        self.withdraw()
    }
}

/// Ten tokens.
fn tokens(brings: Brings, set: impl Fn(RetryTokensBuilder) -> RetryTokensBuilder) -> RetryTokens {
    let builder = RetryTokensPolicy::builder(10_000).deposit_milli(match brings {
        Brings::ARetry => 1_000,
        Brings::Nothing => 0,
    });
    RetryTokens::new(set(builder).build().expect("a valid policy"))
}

/// Ten retries in ten seconds, and a share of the requests.
fn ratio(share: u32) -> RetryRatio {
    let builder = RetryRatioPolicy::builder(Ratio::percent(share));
    let policy = builder.ttl(TTL).floor_per_second(1).build();
    RetryRatio::new(policy.expect("a valid policy"))
}

/// The same.
fn tower(share: f32) -> TpsBudget {
    TpsBudget::new(TTL, 1, share)
}

fn tower_that(brings: Brings) -> TpsBudget {
    tower(match brings {
        Brings::ARetry => 1.0,
        Brings::Nothing => 0.0,
    })
}

/// A request and a retry, over and over, from when what was there at first is spent.
fn asking<B: Budget + 'static>(name: &'static str, make: impl Fn() -> B + 'static) -> Entrant {
    repeated(name, move || {
        let (mut budget, mut now_ns) = (make(), 0);
        for _ in 0..100 {
            budget.request_and_retry(now_ns);
        }
        move || {
            now_ns += STEP_NS;
            budget.request_and_retry(now_ns)
        }
    })
}

fn tokens_of(how: &str, brings: Brings) -> Case {
    Case::new(
        format!("budget: RetryTokens, request and retry {how}"),
        asking("ours", move || tokens(brings, |builder| builder)),
        move || same_answers(tokens(brings, |builder| builder), tower_that(brings)),
    )
    .against(asking(TOWER, move || tower_that(brings)), None)
}

/// Time brings a thousandth of a token in a second, so that each call has something to compute.
fn tokens_with_refill(how: &str, brings: Brings) -> Case {
    let ours = move || tokens(brings, |builder| builder.refill_milli(1));
    Case::new(
        format!("budget: RetryTokens with refill, request and retry {how}"),
        asking("ours", ours),
        move || same_answers(ours(), tower_that(brings)),
    )
}

fn ratio_of(how: &str, brings: Brings) -> Case {
    let ours = move || {
        ratio(match brings {
            Brings::ARetry => 100,
            Brings::Nothing => 0,
        })
    };
    Case::new(
        format!("budget: RetryRatio, request and retry {how}"),
        asking("ours", ours),
        move || {
            same_answers(ours(), tower_that(brings));
            same_answers(ratio(20), tower(0.2));
            same_answers(ratio(50), tower(0.5));
        },
    )
    .against(asking(TOWER, move || tower_that(brings)), None)
}

/// Both grant the same retries. In less than a slice of the window: there the peer reads its own clock.
fn same_answers(mut ours: impl Budget, mut peer: impl Budget) {
    let mut granted = 0;
    for now_ns in (0..1_000).map(|n| n * STEP_NS) {
        let (us, them) = (
            ours.request_and_retry(now_ns),
            peer.request_and_retry(now_ns),
        );
        assert_eq!(us, them, "at {now_ns} ns, after {granted} retries");
        granted += u32::from(us);
    }
    assert!(granted >= 10, "{granted} retries: not even the floor");
}

/// The retry quota of AWS's SDKs: a retry takes its cost, one that succeeds brings it back, and any other success one.
struct Quota(Mutex<u32>);

impl Quota {
    const CAPACITY: u32 = 500;
    const COST: u32 = 5;

    const fn holding(tokens: u32) -> Self {
        Self(Mutex::new(tokens))
    }

    fn acquire(&self, cost: u32) -> Option<u32> {
        let mut tokens = self.0.lock().expect("no panic under the lock");
        *tokens = tokens.checked_sub(cost)?;
        Some(cost)
    }

    fn release(&self, cost: Option<u32>) {
        let mut tokens = self.0.lock().expect("no panic under the lock");
        *tokens = (*tokens + cost.unwrap_or(1)).min(Self::CAPACITY);
    }
}

/// Under the same rules.
fn aws_tokens(holding: u32) -> RetryTokens {
    let builder = RetryTokensPolicy::aws_standard_2_0().initial_milli(u64::from(holding) * 1_000);
    RetryTokens::new(builder.build().expect("a valid policy"))
}

/// A retry is wanted; if it may be made it succeeds.
fn aws(name: &str, holding: u32) -> Case {
    let ours = repeated("ours", move || {
        let (mut tokens, mut now_ns) = (aws_tokens(holding), 0);
        move || {
            now_ns += STEP_NS;
            let withdrawal = tokens.try_withdraw(now_ns, RetryCause::Failure).ok()?;
            tokens.on_success(now_ns, Some(withdrawal));
            Some(())
        }
    });
    let peer = repeated(AWS, move || {
        let quota = Quota::holding(holding);
        move || {
            let cost = quota.acquire(Quota::COST)?;
            quota.release(Some(cost));
            Some(())
        }
    });
    Case::new(name, ours, same_quota).against(peer, None)
}

fn aws_granted() -> Case {
    aws(
        "budget: RetryTokens as AWS has it, retry granted and well",
        Quota::CAPACITY,
    )
}

fn aws_denied() -> Case {
    aws("budget: RetryTokens as AWS has it, retry denied", 0)
}

/// Requests fail and are retried once, retries fail half the time: both grant the same of them.
fn same_quota() {
    for failing in [0.1, 0.5, 0.9, 1.0] {
        let (mut ours, peer) = (aws_tokens(Quota::CAPACITY), Quota::holding(Quota::CAPACITY));
        let (mut granted, mut denied) = (0, 0);
        for (now_ns, call) in (0..).zip(calls(1, failing).iter()) {
            if !call.failed {
                ours.on_success(now_ns, None);
                peer.release(None);
                continue;
            }
            let withdrawal = ours.try_withdraw(now_ns, RetryCause::Failure).ok();
            let cost = peer.acquire(Quota::COST);
            assert_eq!(withdrawal.is_some(), cost.is_some(), "at {now_ns}");
            match withdrawal {
                Some(_) => granted += 1,
                None => denied += 1,
            }
            let well = call.latency_ns % 2_000 == 0;
            if well && withdrawal.is_some() {
                ours.on_success(now_ns, withdrawal);
                peer.release(cost);
            }
        }
        assert!(granted > 0 && (denied > 0 || failing < 0.9), "{failing}");
    }
}
