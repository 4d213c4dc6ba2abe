//! Retry budgets: what a request brings and what a retry costs.
//!
//! Ours is given the instant and owned by one thread, or a handle that threads share: a bucket without a refill is one
//! atomic word, a ratio reads a clock and locks in each call, as tower's does. The bucket of AWS's SDKs, restated, is a
//! semaphore and knows no time.

mod aws;

use std::time::Duration;

use evenkeel_core::Ratio;
use evenkeel_core::budget::{
    RetryCause, RetryRatio, RetryRatioPolicy, RetryTokens, RetryTokensBuilder, RetryTokensPolicy,
};
use evenkeel_std::{SharedRatio, SharedTokens};
use tower::retry::budget::{Budget as _, TpsBudget};

use crate::repeat::repeated;
use crate::{Case, Entrant};

const TOWER: &str = "tower 0.5, TpsBudget";

/// How many times faster than tower's the machine is to be, and the handle that threads share.
const IN_CORE: f64 = 15.0;
const SHARED: f64 = 5.0;

/// What the window of both ratios remembers.
const TTL: Duration = Duration::from_secs(10);

/// So short that all of a measurement is in one slice of a window: the first refusal looks through all slices for the
/// instant at which to come back, and the others remember it.
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
            shared_tokens_of(how, brings),
            shared_ratio_of(how, brings),
        ]);
    }
    cases.extend(aws::cases());
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

/// On a clock of its own.
impl Budget for SharedTokens {
    #[inline]
    fn request_and_retry(&mut self, _: u64) -> bool {
        self.on_request();
        self.try_withdraw(RetryCause::Failure).is_ok()
    }
}

/// On a clock of its own.
impl Budget for SharedRatio {
    #[inline]
    fn request_and_retry(&mut self, _: u64) -> bool {
        self.on_request();
        self.try_withdraw(RetryCause::Failure).is_ok()
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
fn tokens(
    brings: Brings,
    set: impl Fn(RetryTokensBuilder) -> RetryTokensBuilder,
) -> RetryTokensPolicy {
    let builder = RetryTokensPolicy::builder(10_000).deposit_milli(match brings {
        Brings::ARetry => 1_000,
        Brings::Nothing => 0,
    });
    set(builder).build().expect("a valid policy")
}

/// Ten retries in ten seconds, and a share of the requests.
fn ratio(share: u32) -> RetryRatioPolicy {
    let builder = RetryRatioPolicy::builder(Ratio::percent(share));
    let policy = builder.ttl(TTL).floor_per_second(1).build();
    policy.expect("a valid policy")
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
    let ours = move || RetryTokens::new(tokens(brings, |builder| builder));
    Case::new(
        format!("budget: RetryTokens, request and retry {how}"),
        asking("ours", ours),
        move || same_answers(ours(), tower_that(brings)),
    )
    .against(asking(TOWER, move || tower_that(brings)), IN_CORE)
}

/// Time brings a thousandth of a token in a second, so that each call has something to compute.
fn tokens_with_refill(how: &str, brings: Brings) -> Case {
    let ours = move || RetryTokens::new(tokens(brings, |builder| builder.refill_milli(1)));
    Case::new(
        format!("budget: RetryTokens with refill, request and retry {how}"),
        asking("ours", ours),
        move || same_answers(ours(), tower_that(brings)),
    )
}

fn shared_tokens_of(how: &str, brings: Brings) -> Case {
    let ours = move || SharedTokens::new(tokens(brings, |builder| builder));
    Case::new(
        format!("budget: SharedTokens, request and retry {how}"),
        asking("ours", ours),
        move || same_answers(ours(), tower_that(brings)),
    )
    .against(asking(TOWER, move || tower_that(brings)), SHARED)
}

fn ratio_that(brings: Brings) -> RetryRatioPolicy {
    ratio(match brings {
        Brings::ARetry => 100,
        Brings::Nothing => 0,
    })
}

fn ratio_of(how: &str, brings: Brings) -> Case {
    let ours = move || RetryRatio::new(ratio_that(brings));
    Case::new(
        format!("budget: RetryRatio, request and retry {how}"),
        asking("ours", ours),
        move || {
            same_answers(ours(), tower_that(brings));
            same_answers(RetryRatio::new(ratio(20)), tower(0.2));
            same_answers(RetryRatio::new(ratio(50)), tower(0.5));
        },
    )
    .against(asking(TOWER, move || tower_that(brings)), IN_CORE)
}

fn shared_ratio_of(how: &str, brings: Brings) -> Case {
    let ours = move || SharedRatio::new(ratio_that(brings));
    Case::new(
        format!("budget: SharedRatio, request and retry {how}"),
        asking("ours", ours),
        move || same_answers(ours(), tower_that(brings)),
    )
    .against(asking(TOWER, move || tower_that(brings)), SHARED)
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
