//! What users of the retry ratio rely on, fact by fact; many are a peer's bug that is not repeated here.

use core::time::Duration;

use evenkeel_core::budget::{
    RetryCause, RetryRatio, RetryRatioBuilder, RetryRatioPolicy, Withdrawal, WithdrawalId,
};
use evenkeel_core::time::MAX_SPAN;
use evenkeel_core::{Ratio, Reported};

const SECOND: u64 = 1_000_000_000;
const DAY: u64 = 86_400 * SECOND;
const CAUSE: RetryCause = RetryCause::Failure;

fn ratio(builder: RetryRatioBuilder) -> RetryRatio {
    RetryRatio::new(builder.build().unwrap())
}

fn percent(percent: u32) -> RetryRatioBuilder {
    RetryRatioPolicy::builder(Ratio::percent(percent)).floor_per_second(0)
}

/// How many of `asks` retries are granted at one instant.
fn granted(budget: &mut RetryRatio, now_ns: u64, asks: u32) -> u32 {
    (0..asks)
        .map(|_| u32::from(budget.try_withdraw(now_ns, CAUSE).is_ok()))
        .sum()
}

#[test]
fn fifty_one_percent_is_fifty_one_percent() {
    for share in 1..=100 {
        let mut budget = ratio(percent(share));
        (0..1_000).for_each(|_| budget.on_request(0));
        assert_eq!(granted(&mut budget, 0, 2_000), share * 10, "{share} %");
    }
}

#[test]
fn it_is_exact_in_lots_of_small_parts() {
    let third = Ratio::new(1, 3).unwrap();
    let mut budget = ratio(RetryRatioPolicy::builder(third).floor_per_second(0));
    let mut retries = 0;
    for requests in 1..=1_000 {
        budget.on_request(0);
        retries += granted(&mut budget, 0, 5);
        assert_eq!(retries, requests / 3);
    }
}

#[test]
fn a_deposit_lives_the_same_time_at_any_traffic() {
    // tower's ring skips slots when a rotation is late: 10.0 s at one request a second, 5.0 s at one in 1.001 s.
    for every_ms in [10, 333, 1_000, 1_001, 2_500] {
        let mut budget = ratio(percent(100));
        budget.on_request(0);
        let mut now_ns = 0;
        while now_ns < 10 * SECOND - every_ms * 1_000_000 {
            now_ns += every_ms * 1_000_000;
            budget.on_success(now_ns, None);
            assert_eq!(
                budget.requests(now_ns),
                1,
                "every {every_ms} ms, at {now_ns}"
            );
        }
        assert_eq!(budget.requests(10 * SECOND - 1), 1);
        assert_eq!(budget.requests(10 * SECOND), 0);
    }
}

#[test]
fn polling_does_not_move_the_slices() {
    let (mut polled, mut quiet) = (ratio(percent(100)), ratio(percent(100)));
    polled.on_request(1_500_000_000);
    quiet.on_request(1_500_000_000);
    for now_ns in (1_500_000_000..20 * SECOND).step_by(123_456_789) {
        polled.on_success(now_ns, None);
        assert_eq!(polled.retries_left(now_ns), quiet.retries_left(now_ns));
    }
    assert_eq!(quiet.requests(11 * SECOND), 0);
    assert_eq!(quiet.requests(11 * SECOND - 1), 1);
}

#[test]
fn after_any_silence_the_floor_is_there_at_once() {
    let mut budget = ratio(RetryRatioPolicy::finagle());
    assert_eq!(granted(&mut budget, 0, 1_000), 100);
    assert_eq!(granted(&mut budget, 9 * SECOND, 1_000), 0);
    assert_eq!(granted(&mut budget, 10 * SECOND, 1_000), 100);
    assert_eq!(granted(&mut budget, 3_650 * DAY, 1_000), 100);
    assert_eq!(granted(&mut budget, u64::MAX, 1_000), 100);
}

#[test]
fn in_no_window_are_there_more_retries_than_the_policy_allows() {
    // A storm: 100 requests a second, each of which wants 5 retries.
    let policy = RetryRatioPolicy::finagle().build().unwrap();
    let mut budget = RetryRatio::new(policy);
    let mut retries = Vec::new();
    for n in 0..6_000_u64 {
        let now_ns = n * SECOND / 100;
        budget.on_request(now_ns);
        (0..granted(&mut budget, now_ns, 5)).for_each(|_| retries.push(now_ns));
    }
    for first in 0..50 {
        let window = first * SECOND..(first + 10) * SECOND;
        let inside = retries
            .iter()
            .filter(|&at_ns| window.contains(at_ns))
            .count();
        assert!(
            u64::try_from(inside).unwrap() <= policy.allowance(1_000),
            "{inside} in {window:?}"
        );
    }
    assert!(retries.len() > 6 * 250);
}

#[test]
fn the_published_presets() {
    let policy = RetryRatioPolicy::finagle().build().unwrap();
    assert_eq!(policy.ttl(), Duration::from_secs(10));
    assert_eq!(
        (policy.ratio(), policy.floor_per_second()),
        (Ratio::percent(20), 10)
    );
    let policy = RetryRatioPolicy::envoy().build().unwrap();
    assert_eq!(
        (
            policy.allowance(0),
            policy.allowance(5),
            policy.allowance(1_000)
        ),
        (3, 4, 203)
    );
}

#[test]
fn the_reserve_of_a_large_policy_does_not_overflow() {
    // Finagle: 60 s at ten a second, in tokens of ten million, runs over 32 bits.
    let large = RetryRatioPolicy::builder(Ratio::new(1, 10_000_000).unwrap());
    let policy = large.ttl(Duration::from_secs(60)).build().unwrap();
    assert_eq!(policy.allowance(0), 600);
    let largest = RetryRatioPolicy::builder(Ratio::new(u32::MAX, u32::MAX - 1).unwrap());
    let largest = largest
        .ttl(MAX_SPAN)
        .slices(1)
        .floor_per_second(u32::MAX)
        .build()
        .unwrap();
    // floor(2^62 * (2^32 - 1) / 10^9 + (2^32 - 1)^2 / (2^32 - 2))
    assert_eq!(
        largest.allowance(0),
        19_807_040_619_342_712_359_u128.min(u64::MAX.into()) as u64
    );
    assert_eq!(RetryRatio::new(largest).retries_left(0), u32::MAX.into());
}

#[test]
fn what_was_withdrawn_comes_back_while_its_slice_is_there() {
    let mut budget = ratio(RetryRatioPolicy::finagle());
    let retry = budget.try_withdraw(3 * SECOND, CAUSE).unwrap();
    let late = budget.try_withdraw(3 * SECOND, CAUSE).unwrap();
    let id = retry.id();
    assert_eq!(budget.give_back(12 * SECOND, retry), Reported::Counted);
    assert_eq!(budget.retries(12 * SECOND), 1);
    assert_eq!(budget.give_back(13 * SECOND, late), Reported::Stale);
    // Given back twice, it has gone, too; and from a slice that is to come nothing was withdrawn.
    assert_eq!(
        budget.give_back(13 * SECOND, Withdrawal::from_id(id)),
        Reported::Stale
    );
    let _retry = budget.try_withdraw(13 * SECOND, CAUSE).unwrap();
    let future = WithdrawalId::from_words([1_000, 14]);
    assert_eq!(
        budget.give_back(13 * SECOND, Withdrawal::from_id(future)),
        Reported::Stale
    );
    assert_eq!(budget.retries(13 * SECOND), 1);
}

#[test]
fn a_refusal_names_an_instant_only_if_there_is_one() {
    // Requests expire before the retries that they paid for, so without a floor waiting does not help.
    let mut budget = ratio(percent(50));
    budget.on_request(0);
    assert_eq!(budget.try_withdraw(0, CAUSE).unwrap_err().retry_at_ns, None);
    // With a later request it does: its share comes free when the older retry has gone.
    budget.on_request(0);
    let _retry = budget.try_withdraw(0, CAUSE).unwrap();
    budget.on_request(5 * SECOND);
    budget.on_request(5 * SECOND);
    let _retry = budget.try_withdraw(5 * SECOND, CAUSE).unwrap();
    assert_eq!(
        budget
            .try_withdraw(5 * SECOND, CAUSE)
            .unwrap_err()
            .retry_at_ns,
        None
    );
    budget.on_request(6 * SECOND);
    let refused = budget.try_withdraw(6 * SECOND, CAUSE).unwrap_err();
    assert_eq!(
        (refused.reason.there_milli, refused.retry_at_ns),
        (500, None)
    );
    // Retries that lie before the requests: when they have gone there is room.
    let mut budget = ratio(
        percent(50)
            .floor_per_second(1)
            .ttl(Duration::from_secs(2))
            .slices(2),
    );
    let _retries = [(); 2].map(|()| budget.try_withdraw(0, CAUSE).unwrap());
    budget.on_request(SECOND);
    assert_eq!(
        budget.try_withdraw(SECOND, CAUSE).unwrap_err().retry_at_ns,
        Some(2 * SECOND)
    );
    assert_eq!(granted(&mut budget, 2 * SECOND, 9), 2);
}

/// Five requests are a retry. What slices free when they leave: three fifths of one, then two fifths less, then six more.
#[test]
fn the_less_is_missing_the_sooner_it_is_there() {
    let mut budget = ratio(
        percent(20)
            .floor_per_second(1)
            .ttl(Duration::from_secs(4))
            .slices(4),
    );
    for (at_s, requests, retries) in [(0, 2, 1), (1, 2, 0), (2, 0, 1), (3, 1, 3)] {
        (0..requests).for_each(|_| budget.on_request(at_s * SECOND));
        assert_eq!(granted(&mut budget, at_s * SECOND, retries), retries);
    }
    let mut at = || {
        let refused = budget.try_withdraw(3 * SECOND, CAUSE).unwrap_err();
        budget.on_request(3 * SECOND);
        (refused.reason.there_milli, refused.retry_at_ns)
    };
    assert_eq!(at(), (0, Some(6 * SECOND)));
    assert_eq!(at(), (200, Some(6 * SECOND)));
    assert_eq!(at(), (400, Some(4 * SECOND)));
    assert_eq!(at(), (600, Some(4 * SECOND)));
    assert_eq!(at(), (800, Some(4 * SECOND)));
    assert!(budget.try_withdraw(3 * SECOND, CAUSE).is_ok());
}

#[test]
fn a_refusal_counts_in_thousandths() {
    let mut budget = ratio(RetryRatioPolicy::builder(Ratio::per_mille(1)).floor_per_second(0));
    for there_milli in 0..1_000 {
        let refused = budget.try_withdraw(0, CAUSE).unwrap_err();
        assert_eq!(refused.reason.there_milli, there_milli);
        budget.on_request(0);
    }
    assert!(budget.try_withdraw(0, CAUSE).is_ok());
}

#[test]
fn time_that_steps_back_stands_still() {
    let mut budget = ratio(RetryRatioPolicy::finagle());
    assert_eq!(granted(&mut budget, 100 * SECOND, 1_000), 100);
    assert_eq!(granted(&mut budget, 50 * SECOND, 1_000), 0);
    assert_eq!(granted(&mut budget, 110 * SECOND - 1, 1_000), 0);
    assert_eq!(granted(&mut budget, 110 * SECOND, 1_000), 100);
}

#[test]
fn every_cause_counts_one_and_a_success_nothing() {
    let mut budget = ratio(RetryRatioPolicy::finagle());
    for cause in [
        RetryCause::Failure,
        RetryCause::Timeout,
        RetryCause::Throttled,
    ] {
        let retry = budget.try_withdraw(0, cause).unwrap();
        budget.on_success(0, Some(retry));
    }
    assert_eq!(budget.retries_left(0), 97);
}

#[test]
fn a_bad_policy_says_what_to_mend() {
    let error = |builder: RetryRatioBuilder| builder.build().unwrap_err().to_string();
    // Somebody forgot the sign.
    assert_eq!(
        error(RetryRatioPolicy::builder(Ratio::new(20, 1).unwrap())),
        "retry_ratio.ratio is 20: it must be at most 10"
    );
    assert!(error(percent(0)).contains("never allow one"));
    let half_a_second = Duration::from_millis(500);
    assert!(error(percent(0).floor_per_second(1).ttl(half_a_second)).contains("never allow one"));
    assert!(
        percent(0)
            .floor_per_second(2)
            .ttl(half_a_second)
            .build()
            .is_ok()
    );
    assert_eq!(
        error(percent(10).slices(0)),
        "retry_ratio.slices is 0: it must be at least 1"
    );
    assert_eq!(
        error(percent(10).ttl(Duration::from_nanos(99))),
        "retry_ratio.ttl conflicts with slices: make the span a whole multiple of the number of slices"
    );
}

#[test]
fn sixteen_slices_need_no_memory_and_more_need_alloc() {
    let slices = |slices: u32| {
        let ttl = Duration::from_secs(u64::from(slices));
        percent(10).slices(slices).ttl(ttl).build()
    };
    assert!(slices(16).is_ok());
    let more = slices(17)
        .map(|policy| policy.slices())
        .map_err(|error| error.to_string());
    let refused = "retry_ratio.slices needs 17 words of memory: without the feature `alloc` at most 16 are there";
    let expected = if cfg!(feature = "alloc") {
        Ok(17)
    } else {
        Err(refused.to_owned())
    };
    assert_eq!(more, expected);
}
