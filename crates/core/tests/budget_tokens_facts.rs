//! What users of the token bucket rely on, fact by fact; many are a peer's bug that is not repeated here.

use core::time::Duration;

use evenkeel_core::budget::{
    AllowedWhen, RetryCause, RetryRatio, RetryRatioPolicy, RetryTokens, RetryTokensBuilder,
    RetryTokensPolicy, Withdrawal, WithdrawalId,
};
use evenkeel_core::retry::RetryBudget;
use evenkeel_core::time::MAX_SPAN;
use evenkeel_core::{Ratio, Reported};

const SECOND: u64 = 1_000_000_000;
const DAY: u64 = 86_400 * SECOND;
const CAUSE: RetryCause = RetryCause::Failure;

fn tokens(builder: RetryTokensBuilder) -> RetryTokens {
    RetryTokens::new(builder.build().unwrap())
}

/// How many of `asks` retries are granted at one instant.
fn granted(budget: &mut RetryTokens, now_ns: u64, asks: u32) -> u32 {
    (0..asks)
        .map(|_| u32::from(budget.try_withdraw(now_ns, CAUSE).is_ok()))
        .sum()
}

#[test]
fn the_published_presets() {
    let costs = |builder: RetryTokensBuilder| {
        let policy = builder.build().unwrap();
        let cost = |cause| policy.cost_milli(cause);
        (
            policy.capacity_milli(),
            [
                RetryCause::Failure,
                RetryCause::Timeout,
                RetryCause::Throttled,
            ]
            .map(cost),
            policy.credit_milli(),
            policy.refund(),
        )
    };
    let old = (500_000, [5_000, 10_000, 5_000], 1_000, true);
    let new = (500_000, [14_000, 14_000, 5_000], 1_000, true);
    assert_eq!(costs(RetryTokensPolicy::aws_standard_2_0()), old);
    assert_eq!(costs(RetryTokensPolicy::aws_standard_2_1()), new);
    assert_eq!(
        costs(RetryTokensPolicy::grpc(10, 100)),
        (10_000, [1_000; 3], 100, false)
    );
}

#[test]
fn a_success_after_two_retries_gives_the_last_cost_back_only() {
    let mut tokens = tokens(RetryTokensPolicy::aws_standard_2_0());
    let _failure = tokens.try_withdraw(0, RetryCause::Failure).unwrap();
    let timeout = tokens.try_withdraw(0, RetryCause::Timeout).unwrap();
    assert_eq!(tokens.balance_milli(0), 485_000);
    tokens.on_success(0, Some(timeout));
    assert_eq!(tokens.balance_milli(0), 495_000);
    tokens.on_success(0, None);
    assert_eq!(tokens.balance_milli(0), 496_000);
}

#[test]
fn nothing_goes_above_the_capacity_or_below_zero() {
    let mut tokens = tokens(RetryTokensPolicy::grpc(10, 400));
    for _ in 0..50 {
        tokens.on_success(0, None);
        assert_eq!(tokens.balance_milli(0), 10_000);
    }
    for _ in 0..50 {
        let _ = tokens.try_withdraw(0, CAUSE);
    }
    assert_eq!(tokens.balance_milli(0), 0);
}

#[test]
fn grpc_wants_strictly_more_than_half_after_the_failure() {
    let mut tokens = tokens(RetryTokensPolicy::grpc(4, 1_600));
    assert!(tokens.try_withdraw(0, CAUSE).is_ok()); // 3
    let refused = tokens.try_withdraw(0, CAUSE).unwrap_err(); // 2 is half
    assert_eq!(
        (refused.reason.there_milli, refused.reason.needed_milli),
        (3_000, 3_001)
    );
    assert_eq!(
        tokens.balance_milli(0),
        2_000,
        "the failure took its token all the same"
    );
}

#[test]
fn grpc_gives_nothing_back_for_a_retry_that_is_not_made() {
    let mut tokens = tokens(RetryTokensPolicy::grpc(10, 100));
    let retry = tokens.try_withdraw(0, CAUSE).unwrap();
    assert_eq!(tokens.give_back(0, retry), Reported::Stale);
    assert_eq!(tokens.balance_milli(0), 9_000);
    // Any success gives the ratio, retried or not.
    let retry = tokens.try_withdraw(0, CAUSE).unwrap();
    tokens.on_success(0, Some(retry));
    assert_eq!(tokens.balance_milli(0), 8_100);
}

#[test]
fn a_refused_retry_costs_nothing() {
    let mut tokens = tokens(RetryTokensPolicy::builder(1_500));
    let _retry = tokens.try_withdraw(0, CAUSE).unwrap();
    for _ in 0..10 {
        assert!(tokens.try_withdraw(0, CAUSE).is_err());
    }
    assert_eq!(tokens.balance_milli(0), 500);
}

#[test]
fn what_was_withdrawn_for_a_retry_that_is_not_made_comes_back() {
    let mut tokens = tokens(RetryTokensPolicy::aws_standard_2_1());
    for cause in [
        RetryCause::Failure,
        RetryCause::Timeout,
        RetryCause::Throttled,
    ] {
        let retry = tokens.try_withdraw(0, cause).unwrap();
        assert_eq!(tokens.give_back(0, retry), Reported::Counted);
        assert_eq!(tokens.balance_milli(0), 500_000);
    }
}

#[test]
fn a_foreign_withdrawal_gives_nothing() {
    let builder = RetryTokensPolicy::builder(90_000)
        .failure_cost_milli(2_000)
        .refund(true);
    let mut tokens = tokens(builder.initial_milli(0));
    let mut other = RetryRatio::new(RetryRatioPolicy::finagle().build().unwrap());
    let of_ratio = other.try_withdraw(77 * SECOND, CAUSE).unwrap();
    assert_eq!(tokens.give_back(0, of_ratio), Reported::Stale);
    let made_up = |amount, slice| Withdrawal::from_id(WithdrawalId::from_words([amount, slice]));
    for foreign in [
        made_up(u64::MAX, 0),
        made_up(2_001, 0),
        made_up(2_000, 1),
        made_up(0, 0),
    ] {
        tokens.on_success(0, Some(foreign));
    }
    assert_eq!(tokens.balance_milli(0), 0);
}

#[test]
fn a_refill_does_not_drift_however_often_it_is_asked() {
    // A third of a thousandth a nanosecond; asked at every nanosecond, or once.
    let third = RetryTokensPolicy::builder(1_000_000).initial_milli(0);
    let third = third.refill_milli(1).refill_per(Duration::from_nanos(3));
    let (mut often, mut once) = (tokens(third), tokens(third));
    once.on_request(0);
    for now_ns in 0..=10_000 {
        often.on_request(now_ns);
    }
    assert_eq!(often.balance_milli(10_000), 3_333);
    assert_eq!(once.balance_milli(10_000), 3_333);
}

#[test]
fn a_full_bucket_saves_no_time() {
    let builder = RetryTokensPolicy::builder(1_000).refill_milli(1_000);
    let mut tokens = tokens(builder.refill_per(Duration::from_secs(10)));
    tokens.on_request(0);
    let _retry = tokens.try_withdraw(9 * SECOND, CAUSE).unwrap();
    assert_eq!(tokens.balance_milli(10 * SECOND), 100);
}

#[test]
fn any_idle_time_is_one_step_and_none_overflows() {
    let builder = RetryTokensPolicy::builder(1 << 62).initial_milli(0);
    for (milli, per) in [
        (1 << 62, Duration::from_nanos(1)),
        (1, MAX_SPAN),
        (1 << 62, MAX_SPAN),
    ] {
        let mut tokens = tokens(builder.refill_milli(milli).refill_per(per));
        tokens.on_request(0);
        let full = tokens.balance_milli(u64::MAX);
        assert!(full <= 1 << 62);
        tokens.on_request(u64::MAX);
        assert_eq!(tokens.balance_milli(0), full);
    }
}

#[test]
fn a_clock_that_steps_back_credits_no_time_twice() {
    let builder = RetryTokensPolicy::builder(100_000)
        .initial_milli(0)
        .refill_milli(1_000);
    let mut tokens = tokens(builder);
    tokens.on_request(100 * SECOND);
    tokens.on_request(110 * SECOND);
    for _ in 0..10 {
        tokens.on_request(10 * SECOND);
        tokens.on_request(110 * SECOND);
    }
    assert_eq!(tokens.balance_milli(110 * SECOND), 10_000);
}

#[test]
fn the_refill_begins_with_the_first_call_whatever_the_clock_shows() {
    let builder = RetryTokensPolicy::builder(100_000)
        .initial_milli(0)
        .refill_milli(1_000);
    let mut tokens = tokens(builder);
    assert_eq!(tokens.balance_milli(3_000 * DAY), 0);
    tokens.on_request(3_000 * DAY);
    assert_eq!(tokens.balance_milli(3_000 * DAY + SECOND), 1_000);
}

#[test]
fn every_budget_that_can_be_built_regains_a_retry() {
    let mut budgets = [
        RetryTokensPolicy::aws_standard_2_0(),
        RetryTokensPolicy::aws_standard_2_1(),
        RetryTokensPolicy::grpc(3, 1),
        RetryTokensPolicy::builder(1_000)
            .credit_milli(0)
            .deposit_milli(1),
        RetryTokensPolicy::builder(1_000)
            .credit_milli(0)
            .refill_milli(1),
    ]
    .map(tokens);
    for budget in &mut budgets {
        let _ = granted(budget, 0, 1_000);
        assert_eq!(granted(budget, 0, 1), 0);
        for now_s in 0..3_000 {
            budget.on_request(now_s * SECOND);
            budget.on_success(now_s * SECOND, None);
        }
        assert!(granted(budget, 3_000 * SECOND, 1) > 0, "{budget:?}");
    }
}

#[test]
fn a_capacity_of_zero_allows_no_retry_and_promises_none() {
    let none = RetryTokensPolicy::builder(0)
        .refill_milli(1_000)
        .failure_cost_milli(0);
    let mut tokens = tokens(none);
    assert_eq!(
        tokens.try_withdraw(9 * DAY, CAUSE).unwrap_err().retry_at_ns,
        None
    );
    tokens.on_success(9 * DAY, None);
    assert_eq!(tokens.balance_milli(u64::MAX), 0);
}

/// "No retries" is said by the capacity alone, whatever else a policy file sets or leaves out.
#[test]
fn a_capacity_of_zero_conflicts_with_nothing() {
    let none = RetryTokensPolicy::builder(0);
    assert!(none.build().is_ok());
    assert!(none.credit_milli(0).build().is_ok());
}

/// One kind of retry that can be paid is enough, whichever it is.
#[test]
fn a_policy_is_taken_while_any_cause_can_be_paid() {
    let costs = |[failure, timeout, throttled]: [u64; 3]| {
        RetryTokensPolicy::builder(1_000)
            .failure_cost_milli(failure)
            .timeout_cost_milli(timeout)
            .throttled_cost_milli(throttled)
            .build()
    };
    for payable in 0..3 {
        let mut all = [5_000; 3];
        all[payable] = 1_000;
        assert!(costs(all).is_ok(), "{all:?}");
    }
    assert!(costs([1_001; 3]).is_err());
}

#[test]
fn a_cause_that_costs_more_than_the_capacity_is_never_retried() {
    let mut tokens = tokens(
        RetryTokensPolicy::builder(5_000)
            .timeout_cost_milli(6_000)
            .refill_milli(1),
    );
    assert_eq!(
        tokens
            .try_withdraw(0, RetryCause::Timeout)
            .unwrap_err()
            .retry_at_ns,
        None
    );
    assert!(tokens.try_withdraw(0, RetryCause::Failure).is_ok());
}

#[test]
fn a_bad_policy_says_what_to_mend() {
    let error = |builder: RetryTokensBuilder| builder.build().unwrap_err().to_string();
    let ten = RetryTokensPolicy::builder(10_000);
    assert_eq!(
        error(ten.initial_milli(10_001)),
        "retry_tokens.initial_milli is 10001: it must be at most 10000"
    );
    assert_eq!(
        error(ten.refill_per(Duration::ZERO)),
        "retry_tokens.refill_per is 0: it must be above 0"
    );
    assert!(error(ten.refill_per(Duration::MAX)).starts_with("retry_tokens.refill_per is"));
    assert!(error(RetryTokensPolicy::grpc(2, 100)).contains("no retry could ever be paid"));
    assert!(error(RetryTokensPolicy::builder(999)).contains("one token is 1000"));
    assert!(error(ten.credit_milli(0).refund(true)).contains("never comes back"));
    assert!(
        error(ten.allowed_when(AllowedWhen::AboveHalf).refund(true))
            .starts_with("retry_tokens.refund conflicts")
    );
    assert_eq!(
        error(ten.deposit_milli(u64::MAX)),
        "retry_tokens.deposit_milli is 18446744073709551615: it must be at most 4611686018427387904"
    );
}

#[test]
fn they_are_as_small_as_their_pages_say() {
    let tokens = tokens(RetryTokensPolicy::grpc(10, 100));
    assert!(size_of::<RetryTokensPolicy>() <= 80);
    assert!(size_of_val(&tokens.state()) <= 32);
    let ratio = RetryRatio::new(RetryRatioPolicy::finagle().build().unwrap());
    assert!(size_of::<RetryRatioPolicy>() <= 40);
    assert!(size_of_val(&ratio.state()) < 200);
    assert!(size_of_val(&ratio) < size_of::<RetryRatioPolicy>() + 200);
}

#[test]
fn both_pay_for_a_retry_through_the_trait() {
    let mut tokens = tokens(
        RetryTokensPolicy::builder(2_000)
            .deposit_milli(500)
            .refund(true),
    );
    let ratio = RetryRatioPolicy::builder(Ratio::percent(50)).floor_per_second(1);
    let ratio = ratio.ttl(Duration::from_secs(1)).slices(1);
    let mut ratio = RetryRatio::new(ratio.build().unwrap());
    let budgets: [&mut dyn RetryBudget; 2] = [&mut tokens, &mut ratio];
    for budget in budgets {
        let first = budget.try_withdraw(0, CAUSE).unwrap();
        assert!(budget.give_back(0, first).is_counted());
        budget.on_request(0);
        budget.on_request(0);
        let [_failed, last] = [(); 2].map(|()| budget.try_withdraw(0, CAUSE).unwrap());
        assert!(budget.try_withdraw(0, CAUSE).is_err());
        budget.on_success(0, Some(last));
    }
    assert_eq!((tokens.balance_milli(0), ratio.retries_left(0)), (1_000, 0));
}
